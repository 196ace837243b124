#include "tests/contracts/documentation.h"

#include <array>
#include <set>
#include <string_view>
#include <utility>

namespace attune::contracts {
namespace {

using google::protobuf::DescriptorProto;
using google::protobuf::EnumDescriptorProto;
using google::protobuf::FieldDescriptorProto;
using google::protobuf::FileDescriptorProto;
using google::protobuf::FileDescriptorSet;
using google::protobuf::ServiceDescriptorProto;

using Path =
    std::vector<int>;  // As in SourceCodeInfo: field numbers and indices from the file down.

Path Extend(Path path, int field_number, int index) {
  path.push_back(field_number);
  path.push_back(index);
  return path;
}

class Visitor {
 public:
  explicit Visitor(const FileDescriptorProto& file) : file_(file) {
    for (const auto& location : file.source_code_info().location()) {
      if (HasText(location.leading_comments()) || HasText(location.trailing_comments())) {
        documented_.insert(Path(location.path().begin(), location.path().end()));
      }
    }
  }

  std::vector<std::string> Run() {
    for (int i = 0; i < file_.message_type_size(); ++i) {
      VisitMessage(Extend({}, FileDescriptorProto::kMessageTypeFieldNumber, i), file_.package(),
                   file_.message_type(i));
    }
    for (int i = 0; i < file_.enum_type_size(); ++i) {
      VisitEnum(Extend({}, FileDescriptorProto::kEnumTypeFieldNumber, i), file_.package(),
                file_.enum_type(i));
    }
    for (int i = 0; i < file_.service_size(); ++i) {
      const ServiceDescriptorProto& service = file_.service(i);
      const Path path = Extend({}, FileDescriptorProto::kServiceFieldNumber, i);
      const std::string name = file_.package() + "." + service.name();
      Check(path, name);
      for (int j = 0; j < service.method_size(); ++j) {
        Check(Extend(path, ServiceDescriptorProto::kMethodFieldNumber, j),
              name + "." + service.method(j).name());
      }
    }
    return std::move(undocumented_);
  }

 private:
  static bool HasText(const std::string& comment) {
    return comment.find_first_not_of(" \t\r\n/*-=") != std::string::npos;
  }

  void Check(const Path& path, const std::string& name) {
    if (documented_.count(path) == 0) undocumented_.push_back(name);
  }

  void VisitMessage(const Path& path, const std::string& scope, const DescriptorProto& message) {
    if (message.options().map_entry()) return;  // Made by `map<>`, nowhere in the source.
    const std::string name = scope + "." + message.name();
    Check(path, name);
    for (int i = 0; i < message.field_size(); ++i) {
      Check(Extend(path, DescriptorProto::kFieldFieldNumber, i),
            name + "." + message.field(i).name());
    }
    for (int i = 0; i < message.nested_type_size(); ++i) {
      VisitMessage(Extend(path, DescriptorProto::kNestedTypeFieldNumber, i), name,
                   message.nested_type(i));
    }
    for (int i = 0; i < message.enum_type_size(); ++i) {
      VisitEnum(Extend(path, DescriptorProto::kEnumTypeFieldNumber, i), name, message.enum_type(i));
    }
  }

  void VisitEnum(const Path& path, const std::string& scope, const EnumDescriptorProto& type) {
    const std::string name = scope + "." + type.name();
    Check(path, name);
    for (int i = 0; i < type.value_size(); ++i) {
      Check(Extend(path, EnumDescriptorProto::kValueFieldNumber, i),
            name + "." + type.value(i).name());
    }
  }

  const FileDescriptorProto& file_;
  std::set<Path> documented_;
  std::vector<std::string> undocumented_;
};

bool OnlyReads(const std::string& method) {
  static constexpr std::array<std::string_view, 5> kReading = {"Get", "List", "Watch", "Follow",
                                                               "History"};
  for (const std::string_view prefix : kReading) {
    if (method.compare(0, prefix.size(), prefix) == 0) return true;
  }
  return false;
}

}  // namespace

std::vector<std::string> Undocumented(const FileDescriptorSet& set) {
  std::vector<std::string> result;
  for (const auto& file : set.file()) {
    for (std::string& name : Visitor(file).Run()) result.push_back(std::move(name));
  }
  return result;
}

std::vector<std::string> MutatingWithoutRequestId(const FileDescriptorSet& set) {
  std::set<std::string> with_request_id;
  for (const auto& file : set.file()) {
    for (const auto& message : file.message_type()) {
      for (const auto& field : message.field()) {
        if (field.name() == "request_id" && field.type() == FieldDescriptorProto::TYPE_STRING) {
          with_request_id.insert("." + file.package() + "." + message.name());
        }
      }
    }
  }
  std::vector<std::string> result;
  for (const auto& file : set.file()) {
    for (const auto& service : file.service()) {
      for (const auto& method : service.method()) {
        if (method.client_streaming() || OnlyReads(method.name())) continue;
        if (with_request_id.count(method.input_type()) == 0) {
          result.push_back(file.package() + "." + service.name() + "." + method.name());
        }
      }
    }
  }
  return result;
}

}  // namespace attune::contracts
