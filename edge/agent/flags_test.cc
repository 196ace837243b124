#include "edge/agent/flags.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>

#include "edge/agent/consent.h"
#include "edge/agent/help.h"

namespace attune::edge {
namespace {

// A home of its own, with whatever files and variables a test gives it.
class Flags : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = ::testing::TempDir() + "/flags.XXXXXX";
    ASSERT_NE(mkdtemp(pattern.data()), nullptr);
    home_ = pattern;
    variables_["HOME"] = home_;
  }
  void TearDown() override { std::filesystem::remove_all(home_); }

  absl::StatusOr<AgentOptions> Parse(const std::vector<std::string>& arguments) {
    return ParseFlags(arguments, [this](const std::string& name) -> std::optional<std::string> {
      const auto found = variables_.find(name);
      if (found == variables_.end()) return std::nullopt;
      return found->second;
    });
  }
  AgentOptions Good(const std::vector<std::string>& arguments) {
    const auto options = Parse(arguments);
    EXPECT_TRUE(options.ok()) << options.status();
    return options.ok() ? *options : AgentOptions();
  }
  std::string Words(const std::vector<std::string>& arguments) {
    return std::string(Parse(arguments).status().message());
  }
  std::string File(const std::string& name, const std::string& text, mode_t mode = 0600) {
    const std::filesystem::path path = home_ + "/" + name;
    std::filesystem::create_directories(path.parent_path());
    std::ofstream(path) << text;
    chmod(path.c_str(), mode);
    return path;
  }

  std::string home_;
  std::map<std::string, std::string> variables_;
};

TEST_F(Flags, AHubInEitherOrder) {
  for (const std::vector<std::string>& people :
       std::vector<std::vector<std::string>>{{"--source=stdin", "--name=A", "--dyad=k", "--source",
                                              "simulate", "--name", "B", "--dyad", "k"},
                                             {"--name=A", "--source=stdin", "--dyad=k", "--name=B",
                                              "--source=simulate", "--dyad=k"}}) {
    std::vector<std::string> arguments = {"--server=h:1", "--join=C", "--yes"};
    arguments.insert(arguments.end(), people.begin(), people.end());
    const AgentOptions options = Good(arguments);
    ASSERT_EQ(options.people.size(), 2u);
    EXPECT_EQ(options.people[0].source, "stdin");
    EXPECT_EQ(options.people[0].name, "A");
    EXPECT_EQ(options.people[1].source, "simulate");
    EXPECT_EQ(options.people[1].name, "B");
    EXPECT_EQ(options.people[1].dyad, "k");
    EXPECT_EQ(options.spool_folder, home_ + "/.local/state/attune");
    EXPECT_TRUE(options.yes);
  }
}

TEST_F(Flags, PeopleWithoutAPairBetweenPairs) {
  const AgentOptions options = Good({"--server=h:1", "--join=C", "--source=simulate", "--name=A",
                                     "--source=stdin", "--name=B", "--dyad=k"});
  ASSERT_EQ(options.people.size(), 2u);
  EXPECT_EQ(options.people[0].dyad, "");
  EXPECT_EQ(options.people[1].dyad, "k");
}

TEST_F(Flags, SaysWhatIsWrong) {
  const std::vector<std::string> rest = {"--server=h:1", "--join=C"};
  const struct {
    std::vector<std::string> arguments;
    const char* expected;
  } cases[] = {
      {{}, "--source"},
      {{"--source=stdin", "--join=C"}, "--server"},
      {{"--server=h:1"}, "--source"},
      {{"--server=h:1", "--source=stdin"}, "--join"},
      {{"--server=h:1", "--source=stdin", "--join=C", "--token=T"}, "--join"},
      {{"--server=h:1", "--join=C", "--name=A", "--name=B", "--source=stdin"}, "person 1"},
      {{"--server=h:1", "--join=C", "--source=stdin", "--source=stdin"}, "only one"},
      {{"--server=h:1", "--source=stdin", "--token=T", "--source=simulate", "--token=T"},
       "person 2 has the token"},
      {{"--server=h:1", "--join=C", "--source=bluez:AA:BB", "--source=bluez:aa:bb,ecg"},
       "person 2 has the strap"},
      {{"--server=h:1", "--join=C", "--source=bluez", "--source=bluez:aa:bb"}, "scan"},
      {{"--sever=h:1"}, "--sever"},
      {{"--server"}, "needs a value"},
      {{"--server="}, "is empty"},
      {{"server"}, "no flag"},
      {{"--server=h:1", "check"}, "at the beginning"},
      {{"--format=xml", "--server=h:1", "--join=C", "--source=stdin"}, "--format is"},
      {{"--consent=all", "--server=h:1", "--join=C", "--source=stdin"}, "pair:partner"},
      {{"--yes=maybe"}, "no value"},
      {{"scan", "--seconds=0"}, "--seconds"},
      {{"scan", "--seconds=5s"}, "--seconds"},
      {{"--config=/nowhere/agent.conf"}, "/nowhere/agent.conf"},
      {{"--token-file=/nowhere/token", "--server=h:1", "--source=stdin"}, "/nowhere/token"},
  };
  for (const auto& c : cases) {
    const auto options = Parse(c.arguments);
    ASSERT_FALSE(options.ok()) << c.expected;
    EXPECT_NE(options.status().message().find(c.expected), std::string::npos) << options.status();
  }
  variables_.clear();
  EXPECT_NE(Words({"--server=h:1", "--join=C", "--source=stdin"}).find("HOME"), std::string::npos);
}

TEST_F(Flags, CheckAndScanNeedLess) {
  EXPECT_EQ(Good({"scan"}).command, Command::kScan);
  EXPECT_EQ(Good({"scan", "--seconds=3"}).scan_seconds, 3);
  const AgentOptions check = Good({"check", "--source=simulate"});
  EXPECT_EQ(check.command, Command::kCheck);
  EXPECT_EQ(check.people.size(), 1u);
  EXPECT_FALSE(Parse({"check"}).ok());
}

TEST_F(Flags, TheCommandLineCountsMostThenTheEnvironmentThenTheFile) {
  const std::string file = File("a.conf",
                                "# where\n"
                                "server = file:1\n"
                                "server = file:2\n"
                                "  tls = true\r\n"
                                "join = FILE\n"
                                "\n"
                                "source = simulate:seed=1  \n"
                                "name = Ana # Maria\n"
                                "spool = /file\n"
                                "consent = measure\n");
  AgentOptions options = Good({"--config", file});
  EXPECT_EQ(options.servers, (std::vector<std::string>{"file:1", "file:2"}));
  EXPECT_TRUE(options.channel.tls);
  EXPECT_EQ(options.join_code, "FILE");
  ASSERT_EQ(options.people.size(), 1u);
  EXPECT_EQ(options.people[0].source, "simulate:seed=1");
  EXPECT_EQ(options.people[0].name, "Ana # Maria");
  EXPECT_EQ(options.spool_folder, "/file");
  EXPECT_EQ(options.consents->size(), 1u);

  variables_["ATTUNE_SERVER"] = "env:1,env:2,env:3";
  variables_["ATTUNE_JOIN"] = "ENV";
  variables_["ATTUNE_NAME"] = "Eva";
  variables_["ATTUNE_SPOOL"] = "";
  options = Good({"--config", file});
  EXPECT_EQ(options.servers, (std::vector<std::string>{"env:1", "env:2", "env:3"}));
  EXPECT_EQ(options.join_code, "ENV");
  EXPECT_EQ(options.people[0].name, "Eva");
  EXPECT_EQ(options.people[0].source, "simulate:seed=1");
  EXPECT_EQ(options.spool_folder, "/file") << "an empty variable says nothing";

  options = Good({"--config", file, "--server=flag:1", "--name=Fay", "--tls=false"});
  EXPECT_EQ(options.servers, std::vector<std::string>{"flag:1"});
  EXPECT_EQ(options.people[0].name, "Fay");
  EXPECT_EQ(options.join_code, "ENV");
  EXPECT_FALSE(options.channel.tls);

  options = Good({"--config", file, "--token=T"});
  EXPECT_EQ(options.join_code, "") << "a token of a higher place is stronger than a code below";
  EXPECT_EQ(options.people[0].token, "T");
}

TEST_F(Flags, TheFileIsFoundWhereItBelongs) {
  variables_["ATTUNE_JOIN"] = "C";
  const std::string rest = "source = simulate\nserver = ";
  EXPECT_FALSE(Parse({}).ok());
  File(".config/attune/agent.conf", rest + "home:1\n");
  EXPECT_EQ(Good({}).servers.front(), "home:1");
  variables_["XDG_CONFIG_HOME"] = home_ + "/xdg";
  EXPECT_FALSE(Parse({}).ok());
  File("xdg/attune/agent.conf", rest + "xdg:1\n");
  EXPECT_EQ(Good({}).servers.front(), "xdg:1");
  variables_["ATTUNE_CONFIG"] = File("own.conf", rest + "own:1\n");
  EXPECT_EQ(Good({}).servers.front(), "own:1");
  EXPECT_EQ(Good({"--config=" + File("flag.conf", rest + "flag:1\n")}).servers.front(), "flag:1");
}

TEST_F(Flags, AHubInAFileWithATokenForEachPerson) {
  const std::string ben = File("ben.token", "ben.token.x\n");
  const std::string hub = File("hub.conf",
                               "server = h:1\nyes = true\n"
                               "[person]\nname = Ana\nsource = bluez:AA:BB:CC:DD:EE:01\n"
                               "token = ana.token.x\n"
                               "[person]\nsource = bluez:AA:BB:CC:DD:EE:02\ntoken-file = " +
                                   ben + "\n");
  AgentOptions options = Good({"--config=" + hub});
  ASSERT_EQ(options.people.size(), 2u);
  EXPECT_EQ(options.people[0].name, "Ana");
  EXPECT_EQ(options.people[0].token, "ana.token.x");
  EXPECT_EQ(options.people[1].token, "ben.token.x");
  EXPECT_EQ(options.people[1].name, "Guest 2");
  EXPECT_TRUE(options.warnings.empty());

  options = Good({"--config=" + hub, "--join=C"});
  EXPECT_TRUE(options.people[0].token.empty()) << "the code of a higher place is stronger";

  chmod(hub.c_str(), 0640);
  chmod(ben.c_str(), 0604);
  options = Good({"--config=" + hub});
  ASSERT_EQ(options.warnings.size(), 2u);
  EXPECT_NE(options.warnings[0].find("hub.conf"), std::string::npos);
  EXPECT_NE(options.warnings[1].find("ben.token"), std::string::npos);
  for (const std::string& words : options.warnings) {
    EXPECT_NE(words.find("chmod 600"), std::string::npos) << words;
    EXPECT_EQ(words.find("token.x"), std::string::npos) << "never the token itself";
  }

  EXPECT_NE(Words({"--config=" + hub, "--name=Zoe"}).find("several people"), std::string::npos);
  options = Good({"--config=" + hub, "--source=simulate", "--name=Zoe", "--join=C"});
  ASSERT_EQ(options.people.size(), 1u);
  EXPECT_EQ(options.people[0].name, "Zoe");
}

TEST_F(Flags, MistakesInAFileAreFound) {
  const struct {
    const char* text;
    const char* expected;
  } cases[] = {
      {"server = h:1\nsorce = simulate\n", "x.conf:2: sorce is not known"},
      {"\n# fine\nserver\n", "x.conf:3: no '='"},
      {"= h:1\n", "x.conf:1: no name"},
      {"server =\n", "x.conf:1: server is empty"},
      {"tls = maybe\n", "x.conf:1: tls takes no value but"},
      {"format = xml\n", "x.conf:1: format is text, json or notes"},
      {"consent = all\n", "x.conf:1: consent has no 'all'"},
      {"[people]\n", "x.conf:1: the only section"},
      {"name = A\n[person]\n", "x.conf:2: "},
      {"[person]\nname = A\nname = B\n", "x.conf:3: name is there twice"},
      {"config = y.conf\n", "x.conf:1: config is not known"},
  };
  for (const auto& c : cases) {
    const std::string words = Words({"--config=" + File("x.conf", c.text)});
    EXPECT_NE(words.find(c.expected), std::string::npos) << words;
  }
  const std::string binary = File("x.conf", std::string("server = \0", 10));
  EXPECT_NE(Words({"--config=" + binary}).find("no text file"), std::string::npos);
  variables_["ATTUNE_TLS"] = "on";
  EXPECT_NE(Words({"--source=simulate"}).find("ATTUNE_TLS takes no value"), std::string::npos);
}

TEST_F(Flags, HelpNamesEverything) {
  File(".config/attune/agent.conf", "broken");
  EXPECT_TRUE(Good({"--server=h:1", "--help"}).help);
  EXPECT_TRUE(Good({"-h"}).help);
  EXPECT_TRUE(Good({"--version"}).version);
  EXPECT_EQ(VersionText().find("attune-agent "), 0u);
  for (const std::string& name : SettingNames()) {
    EXPECT_NE(HelpText().find("--" + name), std::string::npos) << name;
  }
  for (const char* word : {"--config", "ATTUNE_SERVER", "agent.conf", "[person]", "NO_COLOR"}) {
    EXPECT_NE(HelpText().find(word), std::string::npos) << word;
  }
  for (const int code : {kExitDone, kExitUsage, kExitNotJoined, kExitRefused, kExitDeclined,
                         kExitProblem, kExitUnfinished}) {
    EXPECT_NE(HelpText().find("\n  " + std::to_string(code) + "  "), std::string::npos) << code;
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
