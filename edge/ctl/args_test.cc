#include "edge/ctl/args.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace attune::edge {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

CommandSpec Spec() {
  CommandSpec spec;
  spec.name = "try";
  spec.summary = "tries";
  spec.operands = "FILE...";
  spec.operands_min = 1;
  spec.operands_max = 2;
  spec.description = "Tries something.";
  spec.flags = {{"minutes", "N", "how long"}, {"all", "", "everything"}, {"kind", "K", "which"}};
  spec.examples = {"attunectl try a.rr"};
  return spec;
}

TEST(ArgsTest, TakesEveryFormOfFlag) {
  const auto args = ParseArgs(Spec(), {"--minutes=5", "a", "--all", "--kind", "team", "--", "--b"});
  ASSERT_TRUE(args.ok()) << args.status();
  EXPECT_EQ(args->Get("minutes"), "5");
  EXPECT_TRUE(args->Has("all"));
  EXPECT_EQ(args->Get("kind"), "team");
  EXPECT_THAT(args->operands(), ElementsAre("a", "--b"));
  EXPECT_EQ(args->Int("minutes", 1, 1, 10).value(), 5);
  EXPECT_EQ(args->Int("k-min", 7, 1, 10).value(), 7);
}

TEST(ArgsTest, ServerFlagsOnlyWhereThereIsAServer) {
  CommandSpec spec = Spec();
  EXPECT_TRUE(ParseArgs(spec, {"a", "--server=h:1"}).ok());
  spec.connects = false;
  EXPECT_FALSE(ParseArgs(spec, {"a", "--server=h:1"}).ok());
}

TEST(ArgsTest, RefusesInWords) {
  const auto message = [](const std::vector<std::string>& arguments) {
    return std::string(ParseArgs(Spec(), arguments).status().message());
  };
  EXPECT_THAT(message({"a", "--minuets=5"}), HasSubstr("did you mean --minutes?"));
  EXPECT_THAT(message({"a", "-x"}), HasSubstr("no flag '-x'"));
  EXPECT_THAT(message({"a", "--all=yes"}), HasSubstr("--all takes no value"));
  EXPECT_THAT(message({"a", "--minutes"}), HasSubstr("--minutes=N"));
  EXPECT_THAT(message({}), HasSubstr("needs FILE..."));
  EXPECT_THAT(message({"a", "b", "c"}), HasSubstr("'c' is one word too many"));
  EXPECT_THAT(message({"a", "--zzzzzzzz"}), HasSubstr("attunectl try --help"));
}

TEST(ArgsTest, NumbersHaveRanges) {
  const auto args = ParseArgs(Spec(), {"a", "--minutes=5x", "--kind=nan"});
  ASSERT_TRUE(args.ok());
  EXPECT_THAT(args->Int("minutes", 1, 1, 10).status().ToString(), HasSubstr("--minutes=5x"));
  EXPECT_FALSE(args->Real("kind", 0, 0, 1).ok());
  EXPECT_FALSE(ParseArgs(Spec(), {"a", "--minutes=11"})->Int("minutes", 1, 1, 10).ok());
  EXPECT_THAT(args->OneOf("kind", {"team", "lab"}).status().ToString(), HasSubstr("team, lab"));
}

TEST(ArgsTest, HelpIsWhole) {
  EXPECT_TRUE(ParseArgs(Spec(), {"--help"}).ok());  // although FILE is missing
  const std::string help = HelpText(Spec());
  for (const char* part : {"Usage: attunectl try FILE...", "--minutes=N", "--server=HOST:PORT",
                           "attunectl try a.rr", "3 server not reachable"}) {
    EXPECT_THAT(help, HasSubstr(part));
  }
}

}  // namespace
}  // namespace attune::edge
