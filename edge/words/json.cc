#include "edge/words/json.h"

#include <google/protobuf/util/json_util.h>

namespace attune::edge {
namespace {

std::string Json(const google::protobuf::Message& message, bool pretty) {
  google::protobuf::util::JsonPrintOptions options;
  options.preserve_proto_field_names = true;
  options.add_whitespace = pretty;
  std::string out;
  // Fails only for the well-known types with ranges, of which the contract has none.
  if (!google::protobuf::util::MessageToJsonString(message, &out, options).ok()) out.clear();
  return out;
}

}  // namespace

std::string PrettyJson(const google::protobuf::Message& message) { return Json(message, true); }

std::string JsonLine(const google::protobuf::Message& message) { return Json(message, false); }

}  // namespace attune::edge
