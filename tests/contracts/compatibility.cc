#include "tests/contracts/compatibility.h"

#include <map>
#include <set>
#include <type_traits>
#include <utility>

namespace attune::contracts {
namespace {

using google::protobuf::DescriptorProto;
using google::protobuf::EnumDescriptorProto;
using google::protobuf::FieldDescriptorProto;
using google::protobuf::FileDescriptorProto;
using google::protobuf::FileDescriptorSet;
using google::protobuf::MethodDescriptorProto;
using google::protobuf::ServiceDescriptorProto;

// A set of files by full name. Messages may move between files: neither wire nor JSON tells.
struct Contract {
  std::map<std::string, std::pair<const DescriptorProto*, std::string>> messages;  // and syntax
  std::map<std::string, const EnumDescriptorProto*> enums;
  std::map<std::string, const ServiceDescriptorProto*> services;
};

void AddMessage(const std::string& scope, const DescriptorProto& message, const std::string& syntax,
                Contract& contract) {
  const std::string name = scope + message.name();
  contract.messages[name] = {&message, syntax};
  for (const auto& nested : message.nested_type()) {
    AddMessage(name + ".", nested, syntax, contract);
  }
  for (const auto& nested : message.enum_type())
    contract.enums[name + "." + nested.name()] = &nested;
}

Contract Flatten(const FileDescriptorSet& set) {
  Contract contract;
  for (const FileDescriptorProto& file : set.file()) {
    const std::string scope = file.package().empty() ? "" : file.package() + ".";
    const std::string syntax = file.syntax().empty() ? "proto2" : file.syntax();
    for (const auto& message : file.message_type()) AddMessage(scope, message, syntax, contract);
    for (const auto& type : file.enum_type()) contract.enums[scope + type.name()] = &type;
    for (const auto& service : file.service()) contract.services[scope + service.name()] = &service;
  }
  return contract;
}

class Comparison {
 public:
  Comparison(const FileDescriptorSet& older, const FileDescriptorSet& newer)
      : older_(Flatten(older)), newer_(Flatten(newer)) {}

  std::vector<std::string> Run() {
    for (const auto& [name, old] : older_.messages) {
      const auto found = newer_.messages.find(name);
      if (found == newer_.messages.end()) {
        Report(name, "message removed");
        continue;
      }
      if (old.second != found->second.second) {
        Report(name, "syntax changed from " + old.second + " to " + found->second.second);
      }
      CompareMessage(name, *old.first, *found->second.first);
    }
    for (const auto& [name, old] : older_.enums) {
      const auto found = newer_.enums.find(name);
      if (found == newer_.enums.end()) {
        Report(name, "enum removed");
      } else {
        CompareEnum(name, *old, *found->second);
      }
    }
    for (const auto& [name, old] : older_.services) {
      const auto found = newer_.services.find(name);
      if (found == newer_.services.end()) {
        Report(name, "service removed");
      } else {
        CompareService(name, *old, *found->second);
      }
    }
    return std::move(changes_);
  }

 private:
  void Report(const std::string& name, const std::string& what) {
    changes_.push_back(name + ": " + what);
  }

  template <typename T>
  void Expect(const std::string& name, const char* what, const T& old, const T& now) {
    if (old == now) return;
    if constexpr (std::is_same_v<T, std::string>) {
      Report(name, std::string(what) + " changed from '" + old + "' to '" + now + "'");
    } else {
      Report(name, std::string(what) + " changed");
    }
  }

  void CompareMessage(const std::string& name, const DescriptorProto& old,
                      const DescriptorProto& now) {
    std::map<int, const FieldDescriptorProto*> fields;
    std::set<std::string> names;
    for (const auto& field : now.field()) {
      fields[field.number()] = &field;
      names.insert(field.name());
    }
    for (const auto& field : old.field()) {
      const std::string field_name = name + "." + field.name();
      const auto found = fields.find(field.number());
      if (found != fields.end()) {
        CompareField(field_name, old, field, now, *found->second);
      } else if (names.count(field.name()) != 0) {
        Report(field_name, "number " + std::to_string(field.number()) + " changed");
      } else {
        Report(field_name, "field removed");
      }
    }
    CompareReserved(name, old, now, fields, names, /*end_inclusive=*/false);
  }

  void CompareField(const std::string& name, const DescriptorProto& old_message,
                    const FieldDescriptorProto& old, const DescriptorProto& now_message,
                    const FieldDescriptorProto& now) {
    Expect(name, "name", old.name(), now.name());
    Expect(name, "JSON name", old.json_name(), now.json_name());
    Expect(name, "type", old.type(), now.type());
    Expect(name, "type name", old.type_name(), now.type_name());
    Expect(name, "label", old.label(), now.label());
    Expect(name, "presence", old.proto3_optional(), now.proto3_optional());
    Expect(name, "default", old.default_value(), now.default_value());
    Expect(name, "packing", old.options().has_packed() ? old.options().packed() + 1 : 0,
           now.options().has_packed() ? now.options().packed() + 1 : 0);
    Expect(name, "oneof", OneofOf(old_message, old), OneofOf(now_message, now));
  }

  // Name of the oneof that a field is in, or empty. `optional` makes one of its own: not that.
  static std::string OneofOf(const DescriptorProto& message, const FieldDescriptorProto& field) {
    if (!field.has_oneof_index() || field.proto3_optional()) return "";
    return message.oneof_decl(field.oneof_index()).name();
  }

  void CompareEnum(const std::string& name, const EnumDescriptorProto& old,
                   const EnumDescriptorProto& now) {
    std::map<std::string, int> by_name;
    std::set<std::string> names;
    std::map<int, const google::protobuf::EnumValueDescriptorProto*> by_number;
    for (const auto& value : now.value()) {
      by_name[value.name()] = value.number();
      names.insert(value.name());
      by_number[value.number()] = &value;
    }
    for (const auto& value : old.value()) {
      const std::string value_name = name + "." + value.name();
      const auto found = by_name.find(value.name());
      if (found != by_name.end()) {
        if (found->second != value.number()) {
          Report(value_name, "number " + std::to_string(value.number()) + " changed");
        }
      } else if (by_number.count(value.number()) != 0) {
        Report(value_name, "name changed to '" + by_number[value.number()]->name() + "'");
      } else {
        Report(value_name, "value removed");
      }
    }
    CompareReserved(name, old, now, by_number, names, /*end_inclusive=*/true);
  }

  // Reserved numbers and names stay reserved, and nothing uses them.
  template <typename Type, typename ByNumber>
  void CompareReserved(const std::string& name, const Type& old, const Type& now,
                       const ByNumber& by_number, const std::set<std::string>& names,
                       bool end_inclusive) {
    const auto last = [&](const auto& range) { return range.end() - (end_inclusive ? 0 : 1); };
    for (const auto& range : old.reserved_range()) {
      for (const auto& [number, what] : by_number) {
        if (number >= range.start() && number <= last(range)) {
          Report(name + "." + what->name(), "uses the reserved number " + std::to_string(number));
        }
      }
      bool kept = false;
      for (const auto& candidate : now.reserved_range()) {
        kept |= candidate.start() <= range.start() && last(candidate) >= last(range);
      }
      if (!kept) {
        Report(name, "numbers " + std::to_string(range.start()) + " to " +
                         std::to_string(last(range)) + " are no longer reserved");
      }
    }
    const std::set<std::string> reserved_now(now.reserved_name().begin(),
                                             now.reserved_name().end());
    for (const auto& reserved : old.reserved_name()) {
      if (names.count(reserved) != 0) Report(name + "." + reserved, "uses a reserved name");
      if (reserved_now.count(reserved) == 0) {
        Report(name, "name '" + reserved + "' is no longer reserved");
      }
    }
  }

  void CompareService(const std::string& name, const ServiceDescriptorProto& old,
                      const ServiceDescriptorProto& now) {
    std::map<std::string, const MethodDescriptorProto*> methods;
    for (const auto& method : now.method()) methods[method.name()] = &method;
    for (const auto& method : old.method()) {
      const std::string method_name = name + "." + method.name();
      const auto found = methods.find(method.name());
      if (found == methods.end()) {
        Report(method_name, "method removed");
        continue;
      }
      const MethodDescriptorProto& current = *found->second;
      Expect(method_name, "request", method.input_type(), current.input_type());
      Expect(method_name, "response", method.output_type(), current.output_type());
      Expect(method_name, "client streaming", method.client_streaming(),
             current.client_streaming());
      Expect(method_name, "server streaming", method.server_streaming(),
             current.server_streaming());
    }
  }

  const Contract older_;
  const Contract newer_;
  std::vector<std::string> changes_;
};

}  // namespace

std::vector<std::string> IncompatibleChanges(const FileDescriptorSet& older,
                                             const FileDescriptorSet& newer) {
  return Comparison(older, newer).Run();
}

}  // namespace attune::contracts
