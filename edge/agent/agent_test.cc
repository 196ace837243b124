// The whole agent against a fake node on loopback.
#include "edge/agent/agent.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <thread>

#include "edge/agent/consent.h"
#include "edge/client/edge_clock.h"
#include "edge/client/fake_node.h"
#include "edge/source/replay.h"

namespace attune::edge {
namespace {

constexpr double kRate = 20;

// The wall clock is set forth and back all the time; the steady one is true.
class RestlessClock final : public Clock {
 public:
  int64_t SteadyMicros() const override { return clock_.SteadyMicros(); }
  int64_t UtcMicros() const override {
    return clock_.UtcMicros() + (reads_++ % 2 == 0 ? -1 : 1) * int64_t{3'600'000'000};
  }
  uint64_t reads() const { return reads_; }

 private:
  EdgeClock clock_;
  mutable std::atomic<uint64_t> reads_{0};
};

class AgentTest : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = ::testing::TempDir() + "/agent.XXXXXX";
    ASSERT_NE(mkdtemp(pattern.data()), nullptr);
    folder_ = pattern;
    recording_ = folder_ + "/one.rr";
    std::ofstream file(recording_);
    for (int i = 0; i < 400; ++i) file << 700 + (i * 37) % 230 << ".5\n";
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  AgentOptions Options(std::vector<PersonOptions> people) {
    AgentOptions options;
    options.servers = {node_.address()};
    options.join_code = FakeNode::kJoinCode;
    options.people = std::move(people);
    options.spool_folder = folder_ + "/spool";
    options.exit_when_done = true;
    return options;
  }
  ExitCode Run(const AgentOptions& options, int stdin_fd = -1) {
    const int out = open((folder_ + "/out").c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_APPEND, 0600);
    StatusWriter status(out, /*json=*/true, /*quiet=*/false);
    Agent agent(options, clock_, random_, status, stdin_fd);
    const absl::Status prepared = agent.Prepare();
    EXPECT_TRUE(prepared.ok()) << prepared;
    const ExitCode code = agent.Run(stop_);
    close(out);
    return code;
  }
  std::string Output() {
    std::ostringstream text;
    text << std::ifstream(folder_ + "/out").rdbuf();
    return text.str();
  }
  std::string LastLine() {
    std::string text = Output();
    text.pop_back();
    return text.substr(text.rfind('\n') + 1);
  }
  // The session has exactly the recording's beats, at the recording's times.
  void CheckRecording(uint32_t participant, int64_t start_us, size_t count) {
    auto source = *MakeReplay(*ReadRecording(recording_), {});
    source->Begin(start_us, 0);
    std::vector<SourceBeat> beats;
    source->Poll(INT64_MAX / 4, &beats);
    node_.With([&](FakeSession& session) {
      EXPECT_TRUE(session.violations.empty()) << session.violations.front();
      const auto& person = session.people[participant];
      ASSERT_EQ(person.beats.size(), count);
      for (size_t i = 0; i < count; ++i) {
        const auto& beat = person.beats.at(i + 1);
        EXPECT_EQ(beat.time_us, beats[i].time_us);
        EXPECT_EQ(beat.rr_1024, beats[i].rr_1024);
        EXPECT_EQ(beat.gap_before, beats[i].gap_before);
      }
    });
  }
  uint64_t Received(uint32_t participant) {
    uint64_t seq = 0;
    node_.With([&](FakeSession& session) { seq = session.people[participant].received_seq; });
    return seq;
  }
  void Await(const std::function<bool()>& condition) {
    for (int i = 0; i < 2000 && !condition(); ++i) {
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
    ASSERT_TRUE(condition());
  }

  RestlessClock clock_;
  SystemRandom random_;
  FakeNode node_{clock_, kRate};
  std::atomic<bool> stop_{false};
  std::string folder_;
  std::string recording_;
};

TEST_F(AgentTest, DeliversARecordingAndSaysSo) {
  EXPECT_EQ(Run(Options({{"replay:" + recording_ + ",at=1,seconds=60", "Ana", "", ""}})),
            kExitDone);
  CheckRecording(1, 1'000'000, Received(1));
  EXPECT_GT(Received(1), 60u);
  node_.With([](FakeSession& session) { EXPECT_TRUE(session.people[1].finished); });
  EXPECT_EQ(
      LastLine().find("{\"event\":\"summary\",\"people\":[{\"participant\":1,\"name\":\"Ana\""),
      0u);
  const std::string counts = "\"beats_sent\":" + std::to_string(Received(1)) +
                             ",\"beats_acknowledged\":" + std::to_string(Received(1)) +
                             ",\"beats_durable\":" + std::to_string(Received(1)) +
                             ",\"beats_lost\":0";
  EXPECT_NE(LastLine().find(counts), std::string::npos) << LastLine();
}

TEST_F(AgentTest, AHubLosesNothingWhileTheNodeComesAndGoes) {
  std::vector<PersonOptions> people;
  for (int i = 0; i < 6; ++i) {
    people.push_back({"replay:" + recording_ + ",at=" + std::to_string(i) + ",seconds=100",
                      "P" + std::to_string(i), "", ""});
  }
  std::thread trouble([this] {
    Await([this] { return Received(1) > 10; });
    node_.DropStreams();
    Await([this] { return Received(1) > 40; });
    node_.With([](FakeSession& session) { session.hold_acks = true; });
    std::this_thread::sleep_for(std::chrono::milliseconds(300));
    node_.Stop();
    node_.With([](FakeSession& session) {
      session.hold_acks = false;
      session.Restart(7);
    });
    std::this_thread::sleep_for(std::chrono::milliseconds(400));
    node_.Start();
  });
  EXPECT_EQ(Run(Options(people)), kExitDone);
  trouble.join();
  for (uint32_t participant = 1; participant <= 6; ++participant) {
    CheckRecording(participant, (participant - 1) * 1'000'000, Received(participant));
    EXPECT_GT(Received(participant), 110u);
  }
  node_.With([](FakeSession& session) { EXPECT_GT(session.repeated_beats, 0u); });
}

TEST_F(AgentTest, AKilledAgentIsTheSamePersonAndGoesOn) {
  AgentOptions options = Options({{"replay:" + recording_ + ",at=2,seconds=120", "Ana", "", ""}});
  for (int kills = 1; kills <= 4; ++kills) {
    const uint64_t wanted = static_cast<uint64_t>(kills) * 25;
    // The program itself: a fork of this process would have gRPC's threads missing.
    const std::string server = "--server=" + node_.address();
    const std::string spool = "--spool=" + options.spool_folder;
    const std::string source = "--source=" + options.people[0].source;
    const pid_t child = fork();
    ASSERT_GE(child, 0);
    if (child == 0) {
      execl("edge/agent/attune-agent", "attune-agent", server.c_str(), spool.c_str(),
            source.c_str(), "--join=JOIN42", "--name=Ana", "--yes", "--quiet", nullptr);
      _exit(127);
    }
    Await([&] { return Received(1) > wanted; });
    kill(child, SIGKILL);
    waitpid(child, nullptr, 0);
  }
  EXPECT_EQ(Run(options), kExitDone);
  EXPECT_EQ(node_.joins(), 1);
  CheckRecording(1, 2'000'000, Received(1));
  EXPECT_GT(Received(1), 130u);
}

// The real program in a process of its own: here the fake node does not keep gRPC's threads alive.
TEST_F(AgentTest, TheProgramByItselfReconnectsAgainAndAgain) {
  const std::string server = "--server=" + node_.address();
  const std::string spool = "--spool=" + folder_ + "/spool";
  const std::string source = "--source=replay:" + recording_ + ",at=2,seconds=120";
  const pid_t child = fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    execl("edge/agent/attune-agent", "attune-agent", server.c_str(), spool.c_str(), source.c_str(),
          "--join=JOIN42", "--name=Ana", "--yes", "--quiet", "--exit-when-done", nullptr);
    _exit(127);
  }
  for (uint64_t round = 1; round <= 6; ++round) {
    Await([&] { return Received(1) > round * 18; });
    if (round % 2 == 0) {  // the agent breaks the stream itself
      v1::EdgeDown again;
      again.mutable_reconnect()->set_delay_ms(100);
      node_.Tell(again);
      continue;
    }
    node_.Stop();
    std::this_thread::sleep_for(std::chrono::milliseconds(300));
    node_.Start();
  }
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  EXPECT_TRUE(WIFEXITED(status)) << "killed by signal " << WTERMSIG(status);
  EXPECT_EQ(WEXITSTATUS(status), kExitDone);
  CheckRecording(1, 2'000'000, Received(1));
  EXPECT_GT(Received(1), 130u);
}

TEST_F(AgentTest, WithoutAFixedStartARestartKeepsTheFirstOne) {
  AgentOptions options = Options({{"replay:" + recording_ + ",seconds=100", "Ana", "", ""}});
  std::thread stopper([this] {
    Await([this] { return Received(1) > 30; });
    stop_ = true;
  });
  EXPECT_EQ(Run(options), kExitDone);
  stopper.join();
  node_.With([](FakeSession& session) { EXPECT_FALSE(session.people[1].finished); });
  stop_ = false;
  EXPECT_EQ(Run(options), kExitDone);
  int64_t start_us = 0;
  node_.With([&](FakeSession& session) { start_us = session.people[1].beats.at(1).time_us; });
  CheckRecording(1, start_us, Received(1));
  EXPECT_EQ(node_.joins(), 1);
}

TEST_F(AgentTest, LiveLinesAreStampedAndALateNodeDoesNotMatter) {
  int fds[2];
  ASSERT_EQ(pipe(fds), 0);
  node_.Stop();
  std::thread writer([&] {
    for (int i = 0; i < 90; ++i) {
      // At the session's rate: 800 ms in 40.
      if (i == 30) node_.Start();
      const std::string line = i == 50 ? "rubbish\n" : "800\n";
      EXPECT_EQ(write(fds[1], line.data(), line.size()), static_cast<ssize_t>(line.size()));
      std::this_thread::sleep_for(std::chrono::milliseconds(40));
    }
    close(fds[1]);
  });
  EXPECT_EQ(Run(Options({{"stdin", "Live", "", ""}}), fds[0]), kExitDone);
  writer.join();
  close(fds[0]);
  node_.With([&](FakeSession& session) {
    EXPECT_TRUE(session.violations.empty()) << session.violations.front();
    const auto& beats = session.people[1].beats;
    EXPECT_GE(beats.size(), 85u);
    int gaps = 0;
    for (auto beat = std::next(beats.begin()); beat != beats.end(); ++beat) {
      gaps += beat->second.gap_before;
      if (!beat->second.gap_before) {
        EXPECT_NEAR(static_cast<double>(beat->second.time_us - std::prev(beat)->second.time_us),
                    800'000, 1'000);
      }
    }
    EXPECT_GE(gaps, 1) << "the line that was skipped";
  });
  EXPECT_NE(Output().find("skipped"), std::string::npos);
  EXPECT_GT(clock_.reads(), 10u) << "steps of the wall clock did not move them";
}

TEST_F(AgentTest, ClosingRemovesTheSpoolAndOneRefusalLeavesTheOther) {
  AgentOptions options = Options({{"replay:" + recording_ + ",at=0", "Ana", "", ""},
                                  {"replay:" + recording_ + ",at=0", "Ben", "", ""}});
  options.exit_when_done = false;
  options.keep_spool = true;
  node_.With([](FakeSession& session) {
    session.refusals["p2"].set_reason(v1::REFUSAL_REASON_NO_CONSENT);
  });
  std::thread closer([this] {
    Await([this] { return Received(1) > 40; });
    node_.Close(/*delete_raw=*/true);
  });
  EXPECT_EQ(Run(options), kExitDone);
  closer.join();
  EXPECT_NE(Output().find("Ben: consent to measure is not given"), std::string::npos);
  bool anas = false;
  for (const auto& file : std::filesystem::recursive_directory_iterator(options.spool_folder)) {
    anas |= file.path().filename() == "1.spool";
  }
  EXPECT_FALSE(anas) << "delete_raw is stronger than --keep";
  EXPECT_NE(LastLine().find("\"beats_lost\":0"), std::string::npos);
}

TEST_F(AgentTest, RefusedAndNotJoinedHaveTheirOwnCodes) {
  AgentOptions options = Options({{"simulate:seed=1", "Ana", "", ""}});
  options.join_code = "WRONG1";
  EXPECT_EQ(Run(options), kExitNotJoined);
  EXPECT_NE(Output().find("check the code"), std::string::npos);
  options.join_code = FakeNode::kJoinCode;
  node_.With(
      [](FakeSession& session) { session.refusals["p1"].set_reason(v1::REFUSAL_REASON_LEFT); });
  EXPECT_EQ(Run(options), kExitRefused);
}

TEST_F(AgentTest, ATokenIsEnoughAndASecondAgentIsKeptOut) {
  AgentOptions options = Options({{"replay:" + recording_ + ",at=0,seconds=40", "", "", "p7"}});
  options.join_code.clear();
  EXPECT_EQ(Run(options), kExitDone);
  CheckRecording(7, 0, Received(7));
  EXPECT_EQ(node_.joins(), 0);

  const auto slot = JoinSlot::Open(folder_ + "/spool", "JOIN42\nAna\n1", random_);
  ASSERT_TRUE(slot.ok());
  StatusWriter status(-1, true, true);
  Agent second(Options({{"simulate", "Ana", "", ""}}), clock_, random_, status, -1);
  EXPECT_NE(second.Prepare().message().find("another agent"), std::string::npos);
}

TEST_F(AgentTest, AnotherSourceOnTheSameSpoolIsNoticed) {
  EXPECT_EQ(Run(Options({{"replay:" + recording_ + ",at=0,seconds=20", "Ana", "", ""}})),
            kExitDone);
  EXPECT_EQ(Run(Options({{"replay:" + recording_ + ",at=9,seconds=20", "Ana", "", ""}})),
            kExitNotJoined);
  EXPECT_NE(Output().find("another --source"), std::string::npos);
}

}  // namespace
}  // namespace attune::edge
