#include "edge/agent/private_channel.h"

#include <dlfcn.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstring>
#include <map>
#include <memory>
#include <sstream>
#include <string>
#include <vector>

#include "edge/lsl/testing.h"

namespace attune::edge {
namespace {

constexpr int64_t kSecond = 1'000'000;
constexpr char kStub[] = "edge/lsl/liblsl_stub.so";

class Box final : public Outbox {
 public:
  const std::string& boot_id() const override { return boot_id_; }
  uint64_t next_seq() const override { return beats_.size() + 1; }
  uint64_t oldest_retained_seq() const override { return 1; }
  std::optional<StampedBeat> Get(uint64_t seq) const override { return beats_.at(seq - 1); }
  void NoteDurable(uint64_t) override {}
  void NoteKnown(uint64_t) override {}
  std::vector<std::optional<StampedBeat>> beats_;

 private:
  std::string boot_id_ = std::string(16, 'b');
};

class PrivateChannelTest : public testing::Test {
 protected:
  PrivateChannelTest() {
    std::string pattern = "/tmp/attune-channel.XXXXXX";
    folder_ = mkdtemp(pattern.data());
    path_ = folder_ + "/s";
  }
  ~PrivateChannelTest() override {
    if (fd_ >= 0) close(fd_);
    unlink(path_.c_str());
    rmdir(folder_.c_str());
  }
  void Connect() {
    if (fd_ >= 0) close(fd_);
    fd_ = socket(AF_UNIX, SOCK_STREAM, 0);
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::strncpy(address.sun_path, path_.c_str(), sizeof address.sun_path - 1);
    ASSERT_EQ(connect(fd_, reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
  }
  void Step() { channel_.Step(now_us_, true, clock_, &box_); }
  // The lines that are there now.
  std::vector<std::string> Lines() {
    std::string all;
    char buffer[65536];
    ssize_t n = 0;
    while ((n = recv(fd_, buffer, sizeof buffer, MSG_DONTWAIT)) > 0) {
      all.append(buffer, static_cast<size_t>(n));
    }
    std::vector<std::string> lines;
    std::istringstream stream(all);
    for (std::string line; std::getline(stream, line);) lines.push_back(line);
    return lines;
  }
  // Session time is steady time + 3 s.
  void KnowTheTime() { clock_.Anchor(1, 1, now_us_ + 3 * kSecond, now_us_, now_us_); }

  static v1::Welcome Welcome() {
    v1::Welcome welcome;
    welcome.set_participant(3);
    welcome.mutable_session()->set_session_id("the-session-1234");
    welcome.mutable_session()->set_clock_rate(1);
    return welcome;
  }
  static v1::EdgeDown Frame(double hr_bpm) {
    v1::EdgeDown down;
    v1::Presence& person = *down.mutable_frame()->add_people();
    person.set_participant(3);
    person.set_alias("Ana");
    v1::PersonFrame& values = *down.mutable_frame()->mutable_frame()->add_people();
    values.set_participant(3);
    values.mutable_hr_bpm()->set_value(hr_bpm);
    values.mutable_rmssd_ms()->set_absent(v1::ABSENCE_NOT_ENOUGH_DATA);
    return down;
  }
  static v1::EdgeDown Pacer(bool stopped) {
    v1::EdgeDown down;
    down.mutable_entry()->set_at_session_us(60 * kSecond);
    v1::Practice& practice = *down.mutable_entry()->mutable_practice();
    practice.set_kind(v1::PRACTICE_KIND_PACED_BREATHING);
    practice.mutable_pacer()->set_inhale_ms(4000);
    practice.mutable_pacer()->set_exhale_ms(5500);
    practice.set_started_session_us(60 * kSecond);
    if (stopped) practice.set_stopped_session_us(90 * kSecond);
    return down;
  }

  std::string folder_, path_;
  int fd_ = -1;
  int64_t now_us_ = 100 * kSecond;
  ClockSync clock_;
  Box box_;
  PrivateChannel channel_{"Ana"};
};

TEST_F(PrivateChannelTest, LinesForOtherPrograms) {
  ASSERT_TRUE(channel_.OfferSocket(path_).ok());
  box_.beats_.push_back(StampedBeat{1 * kSecond, 900, false, 0, 0});  // of an earlier run
  KnowTheTime();
  Step();
  Connect();
  Step();
  channel_.OnWelcome(Welcome());
  channel_.OnMessage(Frame(61.5));
  channel_.OnMessage(Pacer(false));
  box_.beats_.push_back(StampedBeat{102 * kSecond, 850, true, 0, 0});
  box_.beats_.push_back(std::nullopt);
  Step();
  channel_.OnOver();
  EXPECT_EQ(
      Lines(),
      (std::vector<std::string>{
          R"({"event":"link","session_us":103000000,"connected":true})",
          R"({"event":"hello","session_us":103000000,"format":1,"name":"Ana",)"
          R"("session_id":"the-session-1234","participant":3,"clock_rate":1})",
          R"({"event":"frame","session_us":103000000,"frame":{"frame":{"people":[{"participant":3,)"
          R"("hr_bpm":{"value":61.5},"rmssd_ms":{"absent":"ABSENCE_NOT_ENOUGH_DATA"}}]},)"
          R"("people":[{"participant":3,"alias":"Ana"}]}})",
          R"({"event":"entry","session_us":103000000,"entry":{"at_session_us":"60000000",)"
          R"("practice":{"kind":"PRACTICE_KIND_PACED_BREATHING","pacer":{"inhale_ms":4000,)"
          R"("exhale_ms":5500},"started_session_us":"60000000"}}})",
          R"({"event":"beat","session_us":103000000,"beat":{"time_session_us":102000000,)"
          R"("rr_1024":850,"gap_before":true}})",
          R"({"event":"over","session_us":103000000})"}));
}

TEST_F(PrivateChannelTest, WhoComesLaterLearnsHowThingsStand) {
  ASSERT_TRUE(channel_.OfferSocket(path_).ok());
  KnowTheTime();
  Step();
  channel_.OnWelcome(Welcome());
  channel_.OnMessage(Pacer(false));
  channel_.OnMessage(Frame(61));
  Connect();
  Step();
  auto lines = Lines();
  ASSERT_EQ(lines.size(), 4u);
  EXPECT_NE(lines[0].find("\"hello\""), std::string::npos);
  EXPECT_NE(lines[1].find("\"link\""), std::string::npos);
  EXPECT_NE(lines[2].find("PACED_BREATHING"), std::string::npos);
  EXPECT_NE(lines[3].find("\"hr_bpm\""), std::string::npos);
  // Neither a practice that is over nor a value that is no longer live.
  channel_.OnMessage(Pacer(true));
  now_us_ += 6 * kSecond;
  Step();
  Connect();
  Step();
  lines = Lines();
  ASSERT_EQ(lines.size(), 2u);
  EXPECT_NE(lines[1].find("\"link\""), std::string::npos);
}

TEST_F(PrivateChannelTest, WordsForTheTerminal) {
  Step();
  channel_.OnWelcome(Welcome());
  EXPECT_EQ(channel_.OwnWords(now_us_), "");
  v1::EdgeDown frame = Frame(61.4);
  channel_.OnMessage(frame);
  EXPECT_EQ(channel_.OwnWords(now_us_), "HR 61");
  frame.mutable_frame()->mutable_frame()->mutable_people(0)->mutable_rmssd_ms()->set_value(42.3);
  channel_.OnMessage(frame);
  EXPECT_EQ(channel_.OwnWords(now_us_), "HR 61, RMSSD 42 ms");
  EXPECT_EQ(channel_.OwnWords(now_us_ + 6 * kSecond), "") << "never an old number as live";

  channel_.OnMessage(Pacer(false));
  v1::EdgeDown down;
  down.mutable_entry()->mutable_prompt()->set_kind(v1::PROMPT_KIND_MICRO_PAUSE);
  channel_.OnMessage(down);
  down.mutable_entry()->mutable_annotation()->set_label("a \x1b[2J mark");
  down.mutable_entry()->mutable_annotation()->set_participant(3);
  channel_.OnMessage(down);
  down.mutable_entry()->mutable_joined()->set_participant(4);
  channel_.OnMessage(down);
  const auto notes = channel_.TakeNotes();
  ASSERT_EQ(notes.size(), 3u) << "who joins is no cue";
  EXPECT_EQ(notes[0], "paced breathing started: breathe in 4 s, out 5.5 s");
  EXPECT_NE(notes[1].find("for you alone"), std::string::npos);
  EXPECT_EQ(notes[2].find('\x1b'), std::string::npos) << "labels cannot steer the terminal";
  EXPECT_NE(notes[2].find("(Ana)"), std::string::npos);
  EXPECT_TRUE(channel_.TakeNotes().empty());
}

TEST_F(PrivateChannelTest, StreamsForRecorders) {
  auto library = LslLibrary::Load(kStub);
  ASSERT_TRUE(library.ok()) << library.status();
  ASSERT_TRUE(channel_.OfferLsl(*library).ok());
  KnowTheTime();
  Step();
  box_.beats_.push_back(StampedBeat{102'500'000, 512, false, 0, 0});  // half a second ago
  Step();
  channel_.OnMessage(Pacer(false));  // began 43 s ago
  void* handle = dlopen(kStub, RTLD_NOW | RTLD_NOLOAD);
  const auto pushed =
      reinterpret_cast<decltype(&stub_lsl_pushed)>(dlsym(handle, "stub_lsl_pushed"));
  double value = 0, at_s = 0;
  char words[64] = {};
  ASSERT_EQ(pushed("Attune RR Ana", 0, &value, &at_s, words, sizeof words), 1);
  EXPECT_EQ(value, 500);
  EXPECT_STREQ(words, "ms");
  EXPECT_DOUBLE_EQ(at_s, 999.5) << "the time of the beat; the stand-in's clock stands at 1000";
  ASSERT_EQ(pushed("Attune markers Ana", 0, &value, &at_s, words, sizeof words), 1);
  EXPECT_STREQ(words, "paced breathing started");
  EXPECT_DOUBLE_EQ(at_s, 957);
}

}  // namespace
}  // namespace attune::edge
