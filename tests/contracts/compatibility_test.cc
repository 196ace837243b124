#include "tests/contracts/compatibility.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/contracts/parse_proto.h"

namespace attune::contracts {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::UnorderedElementsAre;

std::vector<std::string> Changes(const std::string& older, const std::string& newer) {
  return IncompatibleChanges(ParseProto(older), ParseProto(newer));
}

// In a message of its own, one field line changed to another.
std::vector<std::string> FieldChanges(const std::string& older, const std::string& newer) {
  const std::string types = "message N {} message O {} enum E { Z = 0; }\n";
  return Changes(types + "message M {" + older + "}", types + "message M {" + newer + "}");
}

TEST(CompatibilityTest, TheSameContractIsCompatible) {
  const std::string contract = R"(
    message M { reserved 3, 5 to 7; reserved "old"; oneof o { int32 a = 1; } optional int32 b = 2; }
    enum E { Z = 0; }
    service S { rpc Get(M) returns (stream M); })";
  EXPECT_THAT(Changes(contract, contract), IsEmpty());
}

TEST(CompatibilityTest, AdditionsAreCompatible) {
  EXPECT_THAT(Changes(R"(
    message M { int32 a = 1; oneof o { int32 c = 3; } }
    enum E { Z = 0; }
    service S { rpc Get(M) returns (M); })",
                      R"(
    message New {}
    message M { int32 a = 1; string b = 2; oneof o { int32 c = 3; New d = 4; } reserved 9; reserved "x"; }
    enum E { Z = 0; ONE = 1; reserved 5; }
    enum NewEnum { NZ = 0; }
    service S { rpc Get(M) returns (M); rpc GetMore(M) returns (M); }
    service T {})"),
              IsEmpty());
}

TEST(CompatibilityTest, OrderAndCommentsDoNotMatter) {
  EXPECT_THAT(FieldChanges("int32 a = 1; N b = 2;", "N b = 2; /* An a. */ int32 a = 1;"),
              IsEmpty());
}

TEST(CompatibilityTest, RemovedMessage) {
  EXPECT_THAT(Changes("message M {} message N { message P {} }", "message M {} message N {}"),
              ElementsAre("t.N.P: message removed"));
}

TEST(CompatibilityTest, RemovedField) {
  EXPECT_THAT(FieldChanges("int32 a = 1; int32 b = 2;", "int32 a = 1;"),
              ElementsAre("t.M.b: field removed"));
  EXPECT_THAT(FieldChanges("int32 a = 1; int32 b = 2;", "int32 a = 1; reserved 2; reserved \"b\";"),
              ElementsAre("t.M.b: field removed"));
}

TEST(CompatibilityTest, RenumberedField) {
  EXPECT_THAT(FieldChanges("int32 a = 1;", "int32 a = 2;"), ElementsAre("t.M.a: number 1 changed"));
}

TEST(CompatibilityTest, SwappedNumbers) {
  EXPECT_THAT(FieldChanges("int32 a = 1; int32 b = 2;", "int32 a = 2; int32 b = 1;"),
              UnorderedElementsAre("t.M.a: name changed from 'a' to 'b'",
                                   "t.M.a: JSON name changed from 'a' to 'b'",
                                   "t.M.b: name changed from 'b' to 'a'",
                                   "t.M.b: JSON name changed from 'b' to 'a'"));
}

TEST(CompatibilityTest, RenamedField) {
  EXPECT_THAT(FieldChanges("int32 a = 1;", "int32 b = 1 [json_name = \"a\"];"),
              ElementsAre("t.M.a: name changed from 'a' to 'b'"));
}

TEST(CompatibilityTest, ChangedJsonName) {
  EXPECT_THAT(FieldChanges("int32 a_b = 1;", "int32 a_b = 1 [json_name = \"ab\"];"),
              ElementsAre("t.M.a_b: JSON name changed from 'aB' to 'ab'"));
}

TEST(CompatibilityTest, RetypedField) {
  EXPECT_THAT(FieldChanges("int32 a = 1;", "int64 a = 1;"), ElementsAre("t.M.a: type changed"));
  EXPECT_THAT(FieldChanges("sint32 a = 1;", "int32 a = 1;"), ElementsAre("t.M.a: type changed"));
  EXPECT_THAT(FieldChanges("N a = 1;", "O a = 1;"),
              ElementsAre("t.M.a: type name changed from '.t.N' to '.t.O'"));
}

TEST(CompatibilityTest, RelabelledField) {
  EXPECT_THAT(FieldChanges("int32 a = 1;", "repeated int32 a = 1;"),
              ElementsAre("t.M.a: label changed"));
  EXPECT_THAT(FieldChanges("int32 a = 1;", "optional int32 a = 1;"),
              ElementsAre("t.M.a: presence changed"));
}

TEST(CompatibilityTest, RepackedField) {
  EXPECT_THAT(FieldChanges("repeated int32 a = 1;", "repeated int32 a = 1 [packed = false];"),
              ElementsAre("t.M.a: packing changed"));
}

TEST(CompatibilityTest, FieldMovedIntoOutOfAndBetweenOneofs) {
  EXPECT_THAT(FieldChanges("int32 a = 1;", "oneof o { int32 a = 1; }"),
              ElementsAre("t.M.a: oneof changed from '' to 'o'"));
  EXPECT_THAT(FieldChanges("oneof o { int32 a = 1; }", "int32 a = 1;"),
              ElementsAre("t.M.a: oneof changed from 'o' to ''"));
  EXPECT_THAT(FieldChanges("oneof o { int32 a = 1; int32 b = 2; }",
                           "oneof o { int32 a = 1; } oneof p { int32 b = 2; }"),
              ElementsAre("t.M.b: oneof changed from 'o' to 'p'"));
}

TEST(CompatibilityTest, ReservedNumberUsedOrFreed) {
  EXPECT_THAT(FieldChanges("reserved 2 to 4;", "reserved 2 to 3; int32 a = 4;"),
              UnorderedElementsAre("t.M.a: uses the reserved number 4",
                                   "t.M: numbers 2 to 4 are no longer reserved"));
  EXPECT_THAT(FieldChanges("reserved 2 to 4;", "reserved 2 to 4; int32 a = 5;"), IsEmpty());
  EXPECT_THAT(FieldChanges("reserved 2;", "reserved 1 to 3;"), IsEmpty());
}

TEST(CompatibilityTest, ReservedNameUsedOrFreed) {
  EXPECT_THAT(
      FieldChanges("reserved \"a\";", "int32 a = 1;"),
      UnorderedElementsAre("t.M.a: uses a reserved name", "t.M: name 'a' is no longer reserved"));
}

TEST(CompatibilityTest, RemovedRenamedAndRenumberedEnumValues) {
  EXPECT_THAT(Changes("enum E { Z = 0; A = 1; }", "enum E { Z = 0; }"),
              ElementsAre("t.E.A: value removed"));
  EXPECT_THAT(Changes("enum E { Z = 0; A = 1; }", "enum E { Z = 0; B = 1; }"),
              ElementsAre("t.E.A: name changed to 'B'"));
  EXPECT_THAT(Changes("enum E { Z = 0; A = 1; }", "enum E { Z = 0; A = 2; }"),
              ElementsAre("t.E.A: number 1 changed"));
}

TEST(CompatibilityTest, ReservedEnumValueUsed) {
  EXPECT_THAT(
      Changes("enum E { Z = 0; reserved 2 to 4; }", "enum E { Z = 0; A = 4; reserved 2 to 3; }"),
      UnorderedElementsAre("t.E.A: uses the reserved number 4",
                           "t.E: numbers 2 to 4 are no longer reserved"));
}

TEST(CompatibilityTest, RemovedEnum) {
  EXPECT_THAT(Changes("message M { enum E { Z = 0; } }", "message M {}"),
              ElementsAre("t.M.E: enum removed"));
}

TEST(CompatibilityTest, RemovedServiceAndMethod) {
  EXPECT_THAT(Changes("message M {} service S {}", "message M {}"),
              ElementsAre("t.S: service removed"));
  EXPECT_THAT(Changes("message M {} service S { rpc Get(M) returns (M); }",
                      "message M {} service S { rpc Fetch(M) returns (M); }"),
              ElementsAre("t.S.Get: method removed"));
}

TEST(CompatibilityTest, ChangedMethod) {
  const std::string types = "message M {} message N {} ";
  EXPECT_THAT(Changes(types + "service S { rpc Get(M) returns (M); }",
                      types + "service S { rpc Get(N) returns (stream N); }"),
              UnorderedElementsAre("t.S.Get: request changed from '.t.M' to '.t.N'",
                                   "t.S.Get: response changed from '.t.M' to '.t.N'",
                                   "t.S.Get: server streaming changed"));
  EXPECT_THAT(Changes(types + "service S { rpc Put(M) returns (M); }",
                      types + "service S { rpc Put(stream M) returns (M); }"),
              ElementsAre("t.S.Put: client streaming changed"));
}

TEST(CompatibilityTest, ChangedSyntaxAndPackage) {
  const auto older = ParseProto("message M {}");
  auto newer = older;
  newer.mutable_file(0)->set_syntax("proto2");
  EXPECT_THAT(IncompatibleChanges(older, newer),
              ElementsAre("t.M: syntax changed from proto3 to proto2"));
  newer = older;
  newer.mutable_file(0)->set_package("u");
  EXPECT_THAT(IncompatibleChanges(older, newer), ElementsAre("t.M: message removed"));
}

TEST(CompatibilityTest, AMessageMayMoveToAnotherFile) {
  const auto older = ParseProto("message M {}");
  auto newer = older;
  newer.mutable_file(0)->set_name("elsewhere.proto");
  EXPECT_THAT(IncompatibleChanges(older, newer), IsEmpty());
}

}  // namespace
}  // namespace attune::contracts
