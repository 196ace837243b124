// Finds changes to protobuf contracts that would break someone: a peer built from the older
// contract (wire), a stored or printed message (JSON), or a program using the generated code
// (names).
//
// Additions are fine: messages, fields, enum values, services, methods, reservations. Everything
// else that can be seen in a descriptor is not, removal of a field included: mark it deprecated
// instead. Thread-safe: pure functions.

#ifndef ATTUNE_TESTS_CONTRACTS_COMPATIBILITY_H_
#define ATTUNE_TESTS_CONTRACTS_COMPATIBILITY_H_

#include <google/protobuf/descriptor.pb.h>

#include <string>
#include <vector>

namespace attune::contracts {

// One sentence per incompatible change from `older` to `newer`, each beginning with the full name
// of what changed; empty when `newer` can replace `older`. Both are sets as `protoc
// --descriptor_set_out` writes them (names resolved, json_name filled).
std::vector<std::string> IncompatibleChanges(const google::protobuf::FileDescriptorSet& older,
                                             const google::protobuf::FileDescriptorSet& newer);

}  // namespace attune::contracts

#endif  // ATTUNE_TESTS_CONTRACTS_COMPATIBILITY_H_
