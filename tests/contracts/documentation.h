// House rules for proto/ that a descriptor with source information can show.

#ifndef ATTUNE_TESTS_CONTRACTS_DOCUMENTATION_H_
#define ATTUNE_TESTS_CONTRACTS_DOCUMENTATION_H_

#include <google/protobuf/descriptor.pb.h>

#include <string>
#include <vector>

namespace attune::contracts {

// Full names of the messages, fields, enums, enum values, services and methods in `set` that have
// no comment before them or behind them. `set` must carry source information
// (`protoc --include_source_info`): without it everything is undocumented.
std::vector<std::string> Undocumented(const google::protobuf::FileDescriptorSet& set);

// Full names of the unary methods that change something (named neither Get, List, Watch, Follow nor
// History...) but whose request has no `string request_id`. Streams are numbered instead.
std::vector<std::string> MutatingWithoutRequestId(const google::protobuf::FileDescriptorSet& set);

}  // namespace attune::contracts

#endif  // ATTUNE_TESTS_CONTRACTS_DOCUMENTATION_H_
