// Turns .proto text into a descriptor set, as protoc would write it: for tests of what reads such
// sets.

#ifndef ATTUNE_TESTS_CONTRACTS_PARSE_PROTO_H_
#define ATTUNE_TESTS_CONTRACTS_PARSE_PROTO_H_

#include <google/protobuf/descriptor.pb.h>

#include <string>

namespace attune::contracts {

// A set of one file with names resolved, JSON names and source information. `body` stands behind
// `syntax = "proto3"; package t;`. Aborts when it does not parse: a test's own text is wrong.
google::protobuf::FileDescriptorSet ParseProto(const std::string& body);

}  // namespace attune::contracts

#endif  // ATTUNE_TESTS_CONTRACTS_PARSE_PROTO_H_
