// Messages as JSON: protobuf JSON with the field names of the .proto files and enums by name.
#ifndef ATTUNE_EDGE_WORDS_JSON_H_
#define ATTUNE_EDGE_WORDS_JSON_H_

#include <google/protobuf/message.h>

#include <string>

namespace attune::edge {

// Over many lines, ending in one.
std::string PrettyJson(const google::protobuf::Message& message);
// On one line, without its end.
std::string JsonLine(const google::protobuf::Message& message);

}  // namespace attune::edge

#endif  // ATTUNE_EDGE_WORDS_JSON_H_
