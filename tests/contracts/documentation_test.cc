#include "tests/contracts/documentation.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/contracts/parse_proto.h"

namespace attune::contracts {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

TEST(DocumentationTest, LeadingAndTrailingCommentsCount) {
  EXPECT_THAT(Undocumented(ParseProto(R"(
    // A message.
    message M {
      int32 a = 1;  // Trailing.
      // Leading.
      map<string, int32> b = 2;
      // A nested one.
      message N {}
      // A nested enum.
      enum E {
        E_ZERO = 0;  // Nothing.
      }
    }
    // A service.
    service S {
      // A method.
      rpc Get(M) returns (M);
    })")),
              IsEmpty());
}

TEST(DocumentationTest, FindsEveryKindWithoutComment) {
  EXPECT_THAT(Undocumented(ParseProto(R"(
    message M {
      int32 a = 1;
      message N { int32 b = 1; }
      enum E { E_ZERO = 0; }
    }
    enum F { F_ZERO = 0; }
    service S { rpc Get(M) returns (M); })")),
              ElementsAre("t.M", "t.M.a", "t.M.N", "t.M.N.b", "t.M.E", "t.M.E.E_ZERO", "t.F",
                          "t.F.F_ZERO", "t.S", "t.S.Get"));
}

TEST(DocumentationTest, ARuleOfDashesIsNoComment) {
  EXPECT_THAT(Undocumented(ParseProto("// --------\nmessage M {}")), ElementsAre("t.M"));
}

TEST(DocumentationTest, NothingIsDocumentedWithoutSourceInformation) {
  auto set = ParseProto("// A message.\nmessage M {}");
  set.mutable_file(0)->clear_source_code_info();
  EXPECT_THAT(Undocumented(set), ElementsAre("t.M"));
}

TEST(RequestIdTest, MutatingUnaryCallsNeedOne) {
  EXPECT_THAT(MutatingWithoutRequestId(ParseProto(R"(
    message With { string request_id = 1; }
    message Without {}
    message Wrong { int32 request_id = 1; }
    service S {
      rpc Create(With) returns (Without);
      rpc Delete(Without) returns (Without);
      rpc End(Wrong) returns (Without);
      rpc GetThing(Without) returns (Without);
      rpc ListThings(Without) returns (Without);
      rpc Stream(stream Without) returns (stream Without);
    })")),
              ElementsAre("t.S.Delete", "t.S.End"));
}

}  // namespace
}  // namespace attune::contracts
