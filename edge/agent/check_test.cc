// attune-agent check and scan, with straps, networks and nodes of every kind.
#include "edge/agent/check.h"

#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <functional>
#include <string>
#include <thread>
#include <vector>

#include "edge/agent/check_server.h"
#include "edge/agent/tcp_probe.h"
#include "edge/client/fake_node.h"
#include "edge/source/spec.h"
#include "services/base/random.h"

namespace attune::edge {
namespace {

using Link = DeviceStatus::Link;
constexpr int64_t kSecond = 1'000'000;

PersonOptions Someone(const char* source, const char* name, const char* token = "") {
  PersonOptions person;
  person.source = source;
  person.name = name;
  person.token = token;
  return person;
}

DeviceStatus Searching() {
  DeviceStatus device;
  device.link = Link::kSearching;
  return device;
}

FoundStrap Found(const char* name, const char* address) {
  FoundStrap strap;
  strap.name = name;
  strap.address = address;
  return strap;
}

// A strap in the test's hands.
class FakeStrap final : public Source {
 public:
  struct Hand {
    DeviceStatus device = Searching();
    std::vector<SourceBeat> beats;  // not yet polled
    bool finished = false;
  };
  explicit FakeStrap(Hand* hand, Stamping stamping = Stamping::kArrivalSteady) : hand_(hand) {
    info_.stamping = stamping;
  }
  const SourceInfo& info() const override { return info_; }
  void Begin(int64_t, uint64_t) override {}
  int64_t Poll(int64_t now_us, std::vector<SourceBeat>* beats) override {
    beats->insert(beats->end(), hand_->beats.begin(), hand_->beats.end());
    hand_->beats.clear();
    return now_us;
  }
  std::optional<int64_t> NextDueUs() const override { return std::nullopt; }
  bool finished() const override { return hand_->finished; }
  DeviceStatus device() const override { return hand_->device; }

 private:
  Hand* hand_;
  SourceInfo info_;
};

// A strap watched second by second on a clock of its own.
class Strap : public ::testing::Test {
 protected:
  void Watch(int64_t seconds, const std::function<uint32_t(int64_t second)>& rr_1024) {
    for (int64_t i = 0; i < seconds && !check_.done(); ++i) {
      now_us_ += kSecond;
      const uint32_t rr = rr_1024(i);
      if (rr > 0) hand_.beats.push_back({rr, now_us_, std::exchange(gap_, false), 0});
      check_.Step(now_us_);
      for (const Finding& finding : check_.Take()) said_.push_back(finding);
    }
  }
  void Wait(int64_t seconds) {
    Watch(seconds, [](int64_t) { return 0; });
  }
  static uint32_t Calm(int64_t second) { return 1000 + second % 3 * 20; }
  void Put(Link link) {
    hand_.device.link = link;
    hand_.device.name = "H10 42";
    hand_.device.address = "A0:00:00:00:00:01";
  }
  std::string Steps() const {
    std::string steps;
    for (const Finding& finding : said_) {
      steps += finding.step + (finding.verdict == Verdict::kOk        ? "+ "
                               : finding.verdict == Verdict::kProblem ? "! "
                                                                      : "? ");
    }
    return steps;
  }

  FakeStrap::Hand hand_;
  SourceCheck check_{std::make_unique<FakeStrap>(&hand_)};
  int64_t now_us_ = 1000 * kSecond;
  bool gap_ = false;
  std::vector<Finding> said_;
};

TEST_F(Strap, FoundConnectedOnTheSkinChargedAndClean) {
  Wait(3);
  EXPECT_EQ(check_.Waiting(now_us_)->step, "strap");
  hand_.device.signal_dbm = -58;
  Put(Link::kConnecting);
  Wait(2);
  EXPECT_EQ(Steps(), "strap+ ");
  EXPECT_EQ(said_[0].text, "H10 42 (A0:00:00:00:00:01), signal -58 dBm");
  Put(Link::kConnected);
  hand_.device.model = "Polar H10 5.0.0";
  Wait(1);
  hand_.device.contact = true;
  Wait(1);
  hand_.device.battery_percent = 80;
  Watch(29, Calm);
  EXPECT_EQ(Steps(), "strap+ connection+ contact+ battery+ ");
  EXPECT_EQ(check_.Waiting(now_us_)->text.find("2 s to go"), 0u) << check_.Waiting(now_us_)->text;
  Watch(3, Calm);
  EXPECT_EQ(Steps(), "strap+ connection+ contact+ battery+ beats+ ");
  EXPECT_EQ(said_[4].text, "30 s, 0 of 30 intervals are artefacts");
  EXPECT_TRUE(check_.done());
}

TEST_F(Strap, NotFoundSaysWhatTheSourceKnowsOrTheUsual) {
  Wait(60);
  EXPECT_EQ(Steps(), "strap! beats? ");
  EXPECT_NE(said_[0].remedy.find("wet electrodes"), std::string::npos);
}

TEST_F(Strap, HeldByAnotherApp) {
  Put(Link::kConnecting);
  hand_.device.trouble = "a phone holds it: close its app";
  Wait(60);
  EXPECT_EQ(Steps(), "strap+ connection! beats? ");
  EXPECT_EQ(said_[1].remedy, "a phone holds it: close its app");
}

TEST_F(Strap, DryElectrodesAnEmptyBatteryAndSilence) {
  Put(Link::kConnected);
  hand_.device.contact = false;
  hand_.device.battery_percent = 10;
  Wait(100);
  EXPECT_EQ(Steps(), "strap+ connection+ contact! battery! beats! ");
  EXPECT_NE(said_[2].remedy.find("wet"), std::string::npos);
  EXPECT_NE(said_[3].remedy.find("battery"), std::string::npos);
  EXPECT_EQ(said_[4].text, "none have come for 30 s");
}

TEST_F(Strap, ThatTellsNothingIsJudgedByItsBeats) {
  Put(Link::kConnected);
  Watch(60, Calm);
  EXPECT_EQ(Steps(), "strap+ connection+ contact+ battery+ beats+ ");
  EXPECT_NE(said_[2].text.find("does not tell"), std::string::npos);
}

TEST_F(Strap, BecomesCleanWhenTheElectrodesAreWetted) {
  Put(Link::kConnected);
  hand_.device.contact = true;
  hand_.device.battery_percent = 50;
  Watch(60, [](int64_t i) { return i % 4 == 3 ? 500u : 1000u; });
  EXPECT_EQ(Steps(), "strap+ connection+ contact+ battery+ ");
  EXPECT_EQ(check_.Waiting(now_us_)->text.find("not clean yet, 8 of 30"), 0u)
      << check_.Waiting(now_us_)->text;
  Watch(40, Calm);
  EXPECT_EQ(Steps(), "strap+ connection+ contact+ battery+ beats+ ");
}

TEST_F(Strap, NeverCleanIsAProblemAndAGapIsNotClean) {
  Put(Link::kConnected);
  hand_.device.contact = true;
  hand_.device.battery_percent = 50;
  Watch(200, [this](int64_t i) {
    gap_ = i % 20 == 10;
    return 1000;
  });
  EXPECT_EQ(Steps(), "strap+ connection+ contact+ battery+ beats! ");
  EXPECT_EQ(said_[4].text, "beats are missing, 0 of 30 intervals are artefacts");
}

TEST_F(Strap, MissingBeatsAreNotClean) {
  Put(Link::kConnected);
  hand_.device.contact = true;
  hand_.device.battery_percent = 50;
  Watch(200, [](int64_t i) { return i % 3 == 2 ? 0u : 1000u; });
  EXPECT_EQ(Steps(), "strap+ connection+ contact+ battery+ beats! ");
}

// ---- The program as a whole.

class CheckTest : public ::testing::Test {
 protected:
  CheckTest() {
    world_.make_source = [this](std::string_view spec) {
      return MakeSource(spec, {-1, clock_, random_, ""});
    };
    world_.scan = [this](int64_t) { return straps_; };
    options_.command = Command::kCheck;
    options_.servers = {node_.address()};
    options_.join_code = FakeNode::kJoinCode;
    options_.people = {Someone("simulate:seed=3", "Ana")};
  }
  ExitCode Check() {
    return Collect(
        [&](int fd) { return RunCheck(options_, world_, clock_, fd, /*json=*/json_, stop_); });
  }
  ExitCode Scan() {
    return Collect([&](int fd) { return RunScan(options_, world_, fd, json_); });
  }
  ExitCode Collect(const std::function<ExitCode(int)>& run) {
    int fds[2];
    EXPECT_EQ(pipe(fds), 0);
    const ExitCode code = run(fds[1]);
    close(fds[1]);
    said_.clear();
    char buffer[4096];
    for (ssize_t got = 0; (got = read(fds[0], buffer, sizeof(buffer))) > 0;) {
      said_.append(buffer, static_cast<size_t>(got));
    }
    close(fds[0]);
    return code;
  }
  bool Said(const std::string& words) const { return said_.find(words) != std::string::npos; }
  int JoinedOrSeen() {
    int hellos = node_.joins();
    node_.With([&](FakeSession& session) {
      for (const auto& [participant, person] : session.people) hellos += person.hellos;
    });
    return hellos;
  }

  SystemClock clock_;
  SystemRandom random_;
  FakeNode node_{clock_, 1};
  AgentOptions options_;
  CheckWorld world_;
  absl::StatusOr<std::vector<FoundStrap>> straps_ = std::vector<FoundStrap>();
  bool json_ = false;
  std::atomic<bool> stop_{false};
  std::string said_;
};

TEST_F(CheckTest, AllIsWellAndNothingIsLeftBehind) {
  EXPECT_EQ(Check(), kExitDone) << said_;
  for (const char* line :
       {"ok       beats: in the first 30 s 0 of ", "ok       server: 127.0.0.1:",
        "ok       code: leads to a team session, ", "ok       clock: known to "}) {
    EXPECT_TRUE(Said(line)) << line << "\n" << said_;
  }
  EXPECT_TRUE(said_.ends_with("All is well.\n"));
  EXPECT_EQ(JoinedOrSeen(), 0);
}

TEST_F(CheckTest, JsonLines) {
  json_ = true;
  EXPECT_EQ(Check(), kExitDone);
  EXPECT_TRUE(Said("{\"event\":\"check\",\"step\":\"clock\",\"verdict\":\"ok\",\"text\":\"known"))
      << said_;
  EXPECT_TRUE(
      said_.ends_with("{\"event\":\"checked\",\"outcome\":\"ok\",\"problems\":0,\"unseen\":0}\n"));
}

TEST_F(CheckTest, BeatsThatAreNoGood) {
  options_.people[0].source = "simulate:seed=3,ectopic=0.2";
  EXPECT_EQ(Check(), kExitProblem);
  EXPECT_TRUE(Said("problem  beats: ")) << said_;
  EXPECT_TRUE(said_.ends_with("One problem.\n"));
  options_.people[0].source = "simulate:seed=3,seconds=12";
  EXPECT_EQ(Check(), kExitProblem);
  EXPECT_TRUE(Said("it ends after 1")) << said_;
  options_.people[0].source = "replay:/nowhere.rr";
  EXPECT_EQ(Check(), kExitProblem);
  EXPECT_TRUE(Said("/nowhere.rr")) << said_;
}

TEST_F(CheckTest, CodesAndTokens) {
  options_.join_code = "WRONG1";
  EXPECT_EQ(Check(), kExitProblem);
  EXPECT_TRUE(Said("problem  code: no open session has this code")) << said_;
  EXPECT_TRUE(Said("waiting  clock: ")) << said_;

  options_.join_code.clear();
  EXPECT_EQ(Check(), kExitUnfinished);
  EXPECT_TRUE(Said("give --join=CODE")) << said_;

  options_.people = {Someone("simulate:seed=3", "Ana", "p3"),
                     Someone("simulate:seed=4", "Ben", "rubbish")};
  EXPECT_EQ(Check(), kExitProblem);
  EXPECT_TRUE(Said("ok       Ana token: valid, person 3")) << said_;
  EXPECT_TRUE(Said("problem  Ben token: not valid")) << said_;
  EXPECT_TRUE(Said("ok       clock: ")) << said_;
  EXPECT_FALSE(Said("rubbish")) << "never a token";

  node_.With([](FakeSession& session) {
    session.refusals["p3"].set_reason(v1::REFUSAL_REASON_NO_CONSENT);
  });
  options_.people.pop_back();
  EXPECT_EQ(Check(), kExitProblem);
  EXPECT_TRUE(Said("problem  token: consent to measure is not given")) << said_;
  EXPECT_EQ(JoinedOrSeen(), 0);
}

// A socket that somebody listens on, or not any more.
class Port {
 public:
  Port() : fd_(socket(AF_INET, SOCK_STREAM, 0)) {
    sockaddr_in address = {};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    EXPECT_EQ(bind(fd_, reinterpret_cast<sockaddr*>(&address), sizeof(address)), 0);
    socklen_t size = sizeof(address);
    getsockname(fd_, reinterpret_cast<sockaddr*>(&address), &size);
    address_ = "127.0.0.1:" + std::to_string(ntohs(address.sin_port));
  }
  ~Port() { close(fd_); }
  void Listen() { EXPECT_EQ(listen(fd_, 8), 0); }
  // Answers each connection with `bytes` and closes it, until the end.
  void Answer(const std::string& bytes, const std::atomic<bool>& stop) {
    while (!stop) {
      timeval wait = {0, 50'000};
      setsockopt(fd_, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof(wait));
      const int peer = accept(fd_, nullptr, nullptr);
      if (peer < 0) continue;
      char buffer[1024];
      if (read(peer, buffer, sizeof(buffer)) < 0) continue;
      send(peer, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      close(peer);
    }
  }
  const std::string& address() const { return address_; }

 private:
  int fd_;
  std::string address_;
};

TEST_F(CheckTest, ServersThatAreNotThereOrAreSomethingElse) {
  {
    Port closed;
    options_.servers = {closed.address()};
    EXPECT_EQ(Check(), kExitProblem);
    EXPECT_TRUE(Said("nothing listens at " + closed.address())) << said_;
    EXPECT_TRUE(Said("check the port")) << said_;
  }
  options_.servers = {"no-such-host.invalid:7400"};
  options_.channel.plaintext_on_network = true;
  EXPECT_EQ(Check(), kExitProblem);
  EXPECT_TRUE(Said("the name in no-such-host.invalid:7400 is not known")) << said_;
  options_.channel.plaintext_on_network = false;
  options_.servers = {"192.0.2.1:7400"};
  EXPECT_EQ(Check(), kExitProblem);
  EXPECT_TRUE(Said("use --tls")) << said_;
  options_.servers.clear();
  EXPECT_EQ(Check(), kExitUnfinished);
  EXPECT_TRUE(Said("give --server=HOST:PORT")) << said_;
  options_.servers = {"127.0.0.1:1", node_.address()};
  EXPECT_EQ(Check(), kExitProblem) << "one of two is down, and worth knowing";
  EXPECT_TRUE(Said("ok       code: ")) << said_;

  Port http;
  http.Listen();
  std::atomic<bool> stop = false;
  std::thread server(
      [&] { http.Answer("HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n", stop); });
  options_.servers = {http.address()};
  EXPECT_EQ(Check(), kExitProblem);
  EXPECT_TRUE(Said("does not speak plaintext gRPC")) << said_;
  EXPECT_TRUE(Said("--tls")) << said_;
  options_.channel.tls = true;
  EXPECT_EQ(Check(), kExitProblem);
  EXPECT_TRUE(Said("leave --tls out")) << said_;
  stop = true;
  server.join();
}

TEST_F(CheckTest, StrapsOfAHubEachForThemselves) {
  FakeStrap::Hand good, missing;
  good.device.link = Link::kConnected;
  good.device.contact = true;
  good.device.battery_percent = 70;
  world_.times = {.strap_us = 1'500'000,
                  .connect_us = kSecond,
                  .contact_us = kSecond,
                  .tells_us = kSecond,
                  .clean_us = kSecond,
                  .silent_us = kSecond,
                  .beats_us = 3 * kSecond};
  world_.make_source = [&](std::string_view spec) -> absl::StatusOr<std::unique_ptr<Source>> {
    return std::make_unique<FakeStrap>(spec == "bluez:A0:01" ? &good : &missing);
  };
  const int64_t now_us = clock_.SteadyMicros();
  for (int i = 0; i < 40; ++i) good.beats.push_back({300 + 10, now_us + i * 300'000, false, 0});
  straps_ = std::vector<FoundStrap>{Found("H10 1", "A0:01")};
  options_.people = {Someone("bluez:A0:02", "Ana"), Someone("bluez:A0:01", "Ben")};
  EXPECT_EQ(Check(), kExitProblem);
  EXPECT_TRUE(Said("ok       adapter: Bluetooth is on, 1 strap in sight")) << said_;
  EXPECT_TRUE(Said("problem  Ana strap: not found")) << said_;
  EXPECT_TRUE(Said("ok       Ben connection: connected")) << said_;
  EXPECT_TRUE(Said("ok       Ben beats: ")) << said_;
  EXPECT_LT(said_.find("Ben connection"), said_.find("Ana strap: not found"))
      << "nobody waits for somebody else";

  straps_ = absl::FailedPreconditionError("switch it on");
  EXPECT_EQ(Check(), kExitProblem);
  EXPECT_TRUE(Said("problem  adapter: Bluetooth cannot be used\n         -> switch it on"))
      << said_;
  EXPECT_TRUE(Said("waiting  Ana strap: cannot be seen without Bluetooth")) << said_;
}

TEST_F(CheckTest, StoppedInTheMiddle) {
  FakeStrap::Hand hand;
  world_.make_source = [&](std::string_view) -> absl::StatusOr<std::unique_ptr<Source>> {
    return std::make_unique<FakeStrap>(&hand);
  };
  std::thread stopper([this] {
    std::this_thread::sleep_for(std::chrono::milliseconds(300));
    stop_ = true;
  });
  EXPECT_EQ(Check(), kExitUnfinished);
  stopper.join();
  EXPECT_TRUE(Said("waiting  strap: not seen: stopped")) << said_;
  EXPECT_TRUE(said_.ends_with("Nothing is wrong as far as could be seen.\n")) << said_;
}

TEST_F(CheckTest, ScanListsWhatIsInSight) {
  FoundStrap near = Found("Polar H10 42", "A0:00:00:00:00:01");
  near.signal_dbm = -58;
  FoundStrap odd = Found("x\x1b[2J", "A0:00:00:00:00:02");
  odd.connected = true;
  straps_ = std::vector<FoundStrap>{near, odd};
  EXPECT_EQ(Scan(), kExitDone);
  EXPECT_TRUE(Said("A0:00:00:00:00:01  Polar H10 42              -58 dBm")) << said_;
  EXPECT_TRUE(Said("connected")) << said_;
  EXPECT_FALSE(Said("\x1b"));
  EXPECT_TRUE(Said("--source=bluez:A0:00:00:00:00:01")) << said_;
  json_ = true;
  EXPECT_EQ(Scan(), kExitDone);
  EXPECT_EQ(
      said_.find("{\"event\":\"strap\",\"address\":\"A0:00:00:00:00:01\",\"name\":\"Polar H10 "
                 "42\",\"signal_dbm\":-58,\"connected\":false,\"paired\":false}\n"),
      0u)
      << said_;
  EXPECT_TRUE(said_.ends_with("{\"event\":\"scanned\",\"straps\":2}\n"));
  json_ = false;
  straps_ = std::vector<FoundStrap>();
  EXPECT_EQ(Scan(), kExitDone);
  EXPECT_TRUE(Said("wet electrodes")) << said_;
  straps_ = absl::FailedPreconditionError("no adapter: plug one in");
  EXPECT_EQ(Scan(), kExitProblem);
  EXPECT_TRUE(Said("no adapter: plug one in")) << said_;
}

}  // namespace
}  // namespace attune::edge
