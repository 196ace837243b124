// A hub of people in every kind of trouble: those who have none must not notice.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <thread>

#include "edge/agent/agent.h"
#include "edge/agent/status.h"
#include "edge/client/fake_node.h"
#include "edge/source/spec.h"

namespace attune::edge {
namespace {

constexpr int64_t kSecond = 1'000'000;

PersonOptions Someone(const char* source, const char* name, const char* token = "") {
  PersonOptions person;
  person.source = source;
  person.name = name;
  person.token = token;
  return person;
}

// A strap that is never found.
class MissingStrap final : public Source {
 public:
  MissingStrap() { info_.stamping = Stamping::kArrivalSteady; }
  const SourceInfo& info() const override { return info_; }
  void Begin(int64_t, uint64_t) override {}
  int64_t Poll(int64_t now_us, std::vector<SourceBeat>*) override { return now_us; }
  std::optional<int64_t> NextDueUs() const override { return std::nullopt; }
  bool finished() const override { return false; }
  DeviceStatus device() const override {
    DeviceStatus device;
    device.link = DeviceStatus::Link::kSearching;
    device.trouble = "not in sight: put it on";
    return device;
  }

 private:
  SourceInfo info_;
};

class HubTest : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = ::testing::TempDir() + "/hub.XXXXXX";
    ASSERT_NE(mkdtemp(pattern.data()), nullptr);
    folder_ = pattern;
    options_.servers = {node_.address()};
    options_.join_code = FakeNode::kJoinCode;
    options_.spool_folder = folder_ + "/spool";
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  // Runs until `enough`.
  ExitCode Run(const std::function<bool()>& enough) {
    const int out = open((folder_ + "/out").c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_APPEND, 0600);
    StatusWriter status(out, /*json=*/true, /*quiet=*/false);
    Agent agent(options_, clock_, random_, status, -1,
                [](std::string_view spec,
                   const SourceContext& context) -> absl::StatusOr<std::unique_ptr<Source>> {
                  if (spec == "missing") return std::make_unique<MissingStrap>();
                  return MakeSource(spec, context);
                });
    const absl::Status prepared = agent.Prepare();
    EXPECT_TRUE(prepared.ok()) << prepared;
    std::thread stopper([&] {
      for (int i = 0; i < 4000 && !enough(); ++i) {
        std::this_thread::sleep_for(std::chrono::milliseconds(5));
      }
      stop_ = true;
    });
    const ExitCode code = agent.Run(stop_);
    stopper.join();
    close(out);
    return code;
  }
  FakeSession::Person Seen(uint32_t participant) {
    FakeSession::Person person;
    node_.With([&](FakeSession& session) { person = session.people[participant]; });
    return person;
  }
  std::string Output() const {
    std::ostringstream text;
    text << std::ifstream(folder_ + "/out").rdbuf();
    return text.str();
  }
  size_t Times(const std::string& words) const {
    const std::string text = Output();
    size_t times = 0;
    for (size_t at = 0; (at = text.find(words, at)) != std::string::npos; ++at) ++times;
    return times;
  }

  SystemClock clock_;
  SystemRandom random_;
  FakeNode node_{clock_, 1};
  AgentOptions options_;
  std::atomic<bool> stop_{false};
  std::string folder_;
};

TEST_F(HubTest, OnePersonsTroubleDelaysNobody) {
  options_.people = {
      Someone("simulate:seed=1,hr=90", "Well1"),
      Someone("simulate:seed=2", "Refused"),
      Someone("simulate:seed=3,hr=90,seconds=2", "Dying"),
      Someone("missing", "Missing"),
      Someone("simulate:seed=5", "NoDisk"),
      Someone("simulate:seed=6,hr=90", "Well2"),
      Someone("simulate:seed=7,hr=90", "Well3"),
      Someone("simulate:seed=8", "Elsewhere"),
  };
  node_.With([](FakeSession& session) {
    session.refusals["p2"].set_reason(v1::REFUSAL_REASON_NO_CONSENT);
    session.refusals["p2"].set_message("not agreed");
  });
  // A folder where this person's file should be.
  std::filesystem::create_directories(options_.spool_folder + "/session-0123456789/5.spool");
  const auto other = JoinSlot::Open(options_.spool_folder, "JOIN42\nElsewhere\n1", random_);
  ASSERT_TRUE(other.ok()) << other.status();

  const auto enough = [this] {
    return Seen(1).beats.size() >= 9 && Seen(6).beats.size() >= 9 && Seen(7).beats.size() >= 9;
  };
  EXPECT_EQ(Run(enough), kExitDone);
  for (const uint32_t participant : {1u, 6u, 7u}) {
    std::vector<int64_t> delays_us = Seen(participant).delays_us;
    ASSERT_GE(delays_us.size(), 9u) << participant;
    std::sort(delays_us.begin(), delays_us.end());
    // A batch waits 250 ms; the rest is a machine that others use too.
    EXPECT_LT(delays_us[delays_us.size() * 8 / 10], kSecond) << participant;
    EXPECT_LT(delays_us.back(), 3 * kSecond) << participant;
  }
  EXPECT_TRUE(Seen(3).finished) << "whose source has ended said so";
  EXPECT_GE(Seen(3).beats.size(), 1u);
  EXPECT_EQ(Seen(2).beats.size(), 0u);
  EXPECT_EQ(Seen(5).hellos, 0);
  node_.With([](FakeSession& session) {
    EXPECT_TRUE(session.violations.empty()) << session.violations.front();
  });

  EXPECT_EQ(Times("\"note\",\"text\":\"Refused: "), 1u) << Output();
  EXPECT_EQ(Times("\"note\",\"text\":\"Missing: not in sight: put it on\""), 1u) << Output();
  EXPECT_EQ(Times("\"note\",\"text\":\"NoDisk: "), 1u);
  EXPECT_EQ(Times("\"note\",\"text\":\"Elsewhere: "), 1u);
  EXPECT_GE(Times("\"name\":\"Missing\",\"state\":\"live\""), 1u);
  EXPECT_GE(Times("\"link\":\"searching\""), 1u);
  EXPECT_GE(Times("\"artefact_share\":"), 1u);
  EXPECT_GE(Times("\"clock_uncertainty_us\":"), 1u);
}

TEST_F(HubTest, TwoTokensOfTheSamePersonAreToldApart) {
  options_.join_code.clear();
  options_.people = {Someone("simulate:seed=1,hr=90", "Ana", "p1"),
                     Someone("simulate:seed=2", "Ben", "p01")};
  EXPECT_EQ(Run([this] { return Seen(1).beats.size() >= 2; }), kExitDone);
  EXPECT_EQ(Times("Ben: this is the same participant as Ana"), 1u) << Output();
  EXPECT_EQ(Seen(1).hellos, 1);
}

TEST_F(HubTest, ThatIsWhollyTakenIsNotStarted) {
  options_.people = {Someone("simulate", "Ana"), Someone("simulate", "Ben")};
  const auto ana = JoinSlot::Open(options_.spool_folder, "JOIN42\nAna\n1", random_);
  const auto ben = JoinSlot::Open(options_.spool_folder, "JOIN42\nBen\n1", random_);
  StatusWriter status(-1, true, true);
  Agent agent(options_, clock_, random_, status, -1);
  EXPECT_NE(agent.Prepare().message().find("another agent"), std::string::npos);
}

}  // namespace
}  // namespace attune::edge
