#include "tests/simulation/redis_value.h"

#include "absl/strings/str_cat.h"

namespace attune::simulation {

std::string Resp(const Value& value) {
  switch (value.kind) {
    case Value::Kind::kStatus:
      return absl::StrCat("+", value.text, "\r\n");
    case Value::Kind::kError:
      return absl::StrCat("-", value.text, "\r\n");
    case Value::Kind::kInteger:
      return absl::StrCat(":", value.integer, "\r\n");
    case Value::Kind::kBulk:
      return absl::StrCat("$", value.text.size(), "\r\n", value.text, "\r\n");
    case Value::Kind::kNil:
      return "$-1\r\n";
    case Value::Kind::kNilArray:
      return "*-1\r\n";
    case Value::Kind::kArray:
      break;
  }
  std::string bytes = absl::StrCat("*", value.elements.size(), "\r\n");
  for (const Value& element : value.elements) bytes += Resp(element);
  return bytes;
}

redis::Reply ToReply(const Value& value) {
  redis::Reply reply;
  switch (value.kind) {
    case Value::Kind::kStatus:
    case Value::Kind::kBulk:
      reply.kind = redis::Reply::Kind::kText;
      reply.text = value.text;
      break;
    case Value::Kind::kError:
      reply.kind = redis::Reply::Kind::kError;
      reply.text = value.text;
      break;
    case Value::Kind::kInteger:
      reply.kind = redis::Reply::Kind::kInteger;
      reply.integer = value.integer;
      break;
    case Value::Kind::kNil:
    case Value::Kind::kNilArray:
      break;
    case Value::Kind::kArray:
      reply.kind = redis::Reply::Kind::kArray;
      for (const Value& element : value.elements) reply.elements.push_back(ToReply(element));
      break;
  }
  return reply;
}

}  // namespace attune::simulation
