#include "edge/agent/flags.h"

#include <gtest/gtest.h>

#include "edge/agent/consent.h"
#include "edge/agent/status.h"

namespace attune::edge {
namespace {

absl::StatusOr<AgentOptions> Parse(const std::vector<std::string>& arguments) {
  return ParseFlags(arguments, "/home/ana", "");
}

TEST(Flags, AHubInEitherOrder) {
  for (const std::vector<std::string>& people :
       std::vector<std::vector<std::string>>{{"--source=stdin", "--name=A", "--dyad=k", "--source",
                                              "simulate", "--name", "B", "--dyad", "k"},
                                             {"--name=A", "--source=stdin", "--dyad=k", "--name=B",
                                              "--source=simulate", "--dyad=k"}}) {
    std::vector<std::string> arguments = {"--server=h:1", "--join=C", "--yes"};
    arguments.insert(arguments.end(), people.begin(), people.end());
    const auto options = Parse(arguments);
    ASSERT_TRUE(options.ok()) << options.status();
    ASSERT_EQ(options->people.size(), 2u);
    EXPECT_EQ(options->people[0].source, "stdin");
    EXPECT_EQ(options->people[0].name, "A");
    EXPECT_EQ(options->people[1].source, "simulate");
    EXPECT_EQ(options->people[1].name, "B");
    EXPECT_EQ(options->people[1].dyad, "k");
    EXPECT_EQ(options->spool_folder, "/home/ana/.local/state/attune");
    EXPECT_TRUE(options->yes);
  }
}

TEST(Flags, PeopleWithoutAPairBetweenPairs) {
  const auto options = Parse({"--server=h:1", "--join=C", "--source=simulate", "--name=A",
                              "--source=stdin", "--name=B", "--dyad=k"});
  ASSERT_TRUE(options.ok()) << options.status();
  EXPECT_EQ(options->people[0].dyad, "");
  EXPECT_EQ(options->people[1].dyad, "k");
}

TEST(Flags, SaysWhatIsWrong) {
  const struct {
    std::vector<std::string> arguments;
    const char* expected;
  } cases[] = {
      {{}, "--server"},
      {{"--server=h:1"}, "--source"},
      {{"--server=h:1", "--source=stdin"}, "--join"},
      {{"--server=h:1", "--source=stdin", "--join=C", "--token=T"}, "--join"},
      {{"--server=h:1", "--join=C", "--name=A", "--name=B", "--source=stdin"}, "person 1"},
      {{"--server=h:1", "--join=C", "--source=stdin", "--source=stdin"}, "only one"},
      {{"--sever=h:1"}, "--sever"},
      {{"--server"}, "needs a value"},
      {{"--server="}, "is empty"},
      {{"server"}, "no flag"},
      {{"--format=xml", "--server=h:1", "--join=C", "--source=stdin"}, "--format"},
      {{"--consent=all", "--server=h:1", "--join=C", "--source=stdin"}, "pair:partner"},
      {{"--yes=maybe"}, "no value"},
  };
  for (const auto& c : cases) {
    const auto options = Parse(c.arguments);
    ASSERT_FALSE(options.ok()) << c.expected;
    EXPECT_NE(options.status().message().find(c.expected), std::string::npos) << options.status();
  }
  EXPECT_FALSE(ParseFlags({"--server=h:1", "--join=C", "--source=stdin"}, "", "").ok());
}

TEST(Flags, HelpNamesEveryFlag) {
  EXPECT_TRUE(Parse({"--help"})->help);
  for (const char* flag :
       {"--server", "--tls", "--ca", "--cert", "--key", "--server-name", "--plaintext-on-network",
        "--source", "--name", "--dyad", "--join", "--token", "--consent", "--yes", "--spool",
        "--keep", "--exit-when-done", "--format", "--quiet"}) {
    EXPECT_NE(HelpText().find(flag), std::string::npos) << flag;
  }
}

TEST(Consent, WordsForEachChoiceAndNothingToFacilitatorsByDefault) {
  const auto all =
      ParseConsents("measure,group,pair:partner,pair:facilitator,individual:facilitator,report");
  ASSERT_TRUE(all.ok());
  EXPECT_EQ(all->size(), 6u);
  EXPECT_EQ(InWords(*all).find("  no "), std::string::npos);
  EXPECT_EQ(InWords({}).find("  yes "), std::string::npos);
  for (const bool partner : {false, true}) {
    for (const v1::Consent& consent : DefaultConsents(partner)) {
      EXPECT_NE(consent.audience(), v1::AUDIENCE_FACILITATOR);
      EXPECT_TRUE(consent.granted());
      EXPECT_FALSE(consent.text_version().empty());
    }
  }
  EXPECT_EQ(DefaultConsents(true).size(), DefaultConsents(false).size() + 1);
}

}  // namespace
}  // namespace attune::edge
