// Precise mode, against a fake Polar H10 behind a fake org.bluez: the whole way from frames on the
// bus to beats, and every way back to intervals.
#include <algorithm>
#include <cmath>
#include <cstdio>

#include "edge/source/bluez/strap_fixture_for_test.h"
#include "edge/source/polar/frames_for_test.h"
#include "edge/source/polar/h10_for_test.h"
#include "edge/source/polar/pmd.h"
#include "edge/source/polar/synthetic_ecg.h"
#include "services/base/mutex.h"

namespace attune::edge {
namespace {

constexpr uint8_t kGet = 1;
constexpr uint8_t kStart = 2;
constexpr uint8_t kStop = 3;

// How the fake strap answers commands.
struct Answers {
  uint8_t get_error = 0;
  uint8_t start_error = 0;
  bool running = false;  // says once that it runs already
  bool silent = false;   // does not answer
  FakeBytes features = {0x0f, 0x05, 0, 0, 0, 0, 0, 0};
  FakeBytes settings = {0x00, 0x01, 0x82, 0x00, 0x01, 0x01, 0x0e, 0x00};
  std::vector<std::string> control_flags = {"read", "write", "indicate"};
};

class EcgSourceTest : public StrapTest {
 protected:
  EcgSourceTest() { MakeFake(); }
  // The fake calls OnCommand as long as it lives.
  ~EcgSourceTest() override { fake_.reset(); }

  void AddH10(const Answers& answers) {
    answers_ = answers;
    FakeStrap strap = HeartRateStrap(kAna, "Polar H10 00000001");
    FakeCharacteristic control{
        kPmdControlUuid, answers.control_flags, answers.features,
        [this, fake = fake_.get()](const FakeBytes& command) { return OnCommand(*fake, command); }};
    strap.services.push_back({kPmdServiceUuid, {control, {kPmdDataUuid, {"notify"}, {}, {}}}});
    fake_->AddStrap(strap);
  }
  std::string OnCommand(FakeBluez& fake, const FakeBytes& command) {
    MutexLock lock(mu_);
    commands_.push_back(command);
    if (answers_.silent || command.size() < 2) return "";
    FakeBytes answer = {0xf0, command[0], command[1], 0, 0};
    if (command[0] == kGet) {
      answer[3] = answers_.get_error;
      if (answer[3] == 0) {
        answer.insert(answer.end(), answers_.settings.begin(), answers_.settings.end());
      } else {
        answer.pop_back();
      }
    } else if (command[0] == kStart) {
      answer[3] = answers_.running ? kPmdAlreadyInState : answers_.start_error;
    } else {
      answers_.running = false;
    }
    fake.Notify(kAna, kPmdControlUuid, answer);
    return "";
  }
  std::vector<uint8_t> Operations() {
    MutexLock lock(mu_);
    std::vector<uint8_t> operations;
    for (const FakeBytes& command : commands_) operations.push_back(command[0]);
    return operations;
  }
  bool EventuallyOperations(const std::vector<uint8_t>& wanted) {
    const bool so = Eventually([&] { return Operations() == wanted; });
    if (!so) ADD_FAILURE() << "commands: " << testing::PrintToString(Operations());
    return so;
  }
  bool EventuallyMode(Source& source, const std::string& mode) {
    const bool so = Eventually([&] { return source.device().mode == mode; });
    if (!so) ADD_FAILURE() << source.device().mode << ": " << source.device().trouble;
    return so;
  }
  static FakeBytes Bytes(const EcgFrame& frame) {
    FakeBytes bytes = {kPmdEcg};
    for (int i = 0; i < 8; ++i) {
      bytes.push_back(static_cast<uint8_t>(frame.last_sample_ns >> (8 * i)));
    }
    bytes.push_back(0);
    for (const int32_t v : frame.microvolts) {
      for (int i = 0; i < 3; ++i) bytes.push_back(static_cast<uint8_t>(v >> (8 * i)));
    }
    return bytes;
  }
  void ExpectIntervals(Source& source) {
    Notify(kAna, HeartRateValue(60, {1024, 1000}));
    Notify(kAna, HeartRateValue(60, {999}));
    ASSERT_TRUE(EventuallyBeats(source, 3));
    EXPECT_EQ(source.info().stamping, Stamping::kArrivalSteady);
    EXPECT_EQ(Intervals(), (std::vector<uint32_t>{1024, 1000, 999}));
    EXPECT_EQ(Gaps(), (std::vector<bool>{true, false, false}));
  }

  Mutex mu_;
  Answers answers_ ATTUNE_GUARDED_BY(mu_);
  std::vector<FakeBytes> commands_ ATTUNE_GUARDED_BY(mu_);
};

// The test moves the time: a frame has been taken at exactly its arrival when the battery level
// that was sent after it is known.
class EcgTimeTest : public EcgSourceTest {
 protected:
  ~EcgTimeTest() override { host_.reset(); }
  std::unique_ptr<Source> MakeAt(int64_t steady_us) {
    time_.Advance(steady_us);
    HostOptions host;
    host.retry_us = 40'000;
    host.clock = &time_;
    host_ = std::make_shared<BluezHost>(host);
    BluezOptions options = Quick(std::string(kAna) + ",ecg");
    options.battery_us = 1'000'000'000'000;
    return Make(options);
  }
  void Send(Source& source, const char* characteristic, const FakeBytes& value) {
    ASSERT_TRUE(fake_->Notify(kAna, characteristic, value));
    level_ = level_ == 99 ? 1 : level_ + 1;
    ASSERT_TRUE(fake_->Notify(kAna, kBatteryLevel, {static_cast<uint8_t>(level_)}));
    for (int i = 0; i < 100'000 && source.device().battery_percent != level_; ++i) {
      std::this_thread::sleep_for(std::chrono::microseconds(50));
    }
    ASSERT_EQ(source.device().battery_percent, level_);
  }
  // Sends frames at their time, with a notification of intervals in between, and polls.
  void Play(Source& source, const std::vector<ArrivingFrame>& frames) {
    for (const ArrivingFrame& one : frames) {
      if (one.arrival_us > time_.SteadyMicros()) {
        time_.Advance(one.arrival_us - time_.SteadyMicros());
      }
      Send(source, kPmdDataUuid, Bytes(one.frame));
      const int64_t now_us = time_.SteadyMicros();
      const size_t before = beats_.size();
      const int64_t through_us = source.Poll(now_us, &beats_);
      for (size_t i = before; i < beats_.size(); ++i) {
        EXPECT_GT(beats_[i].time_us, promised_us_) << "was promised not to come";
        EXPECT_LT(beats_[i].time_us, now_us);
      }
      EXPECT_EQ(source.info().stamping, Stamping::kGivenSteady);
      EXPECT_GE(through_us, promised_us_);
      promised_us_ = through_us;
    }
  }
  // Lets timers see the time.
  void Wake() {
    host_->PostAndWait([] {});
  }

  ManualClock time_;
  int level_ = 0;
  int64_t promised_us_ = INT64_MIN;
};

TEST_F(EcgTimeTest, RecordedEcgGivesTheBeatsOfTheOracle) {
  const H10Ecg ecg = ReadH10Ecg();
  const std::vector<H10Beat> expected = ReadH10Beats();
  AddH10({});
  auto source = MakeAt(kSteadyAtZeroUs);
  EXPECT_EQ(source->info().stamping, Stamping::kGivenSteady);
  ASSERT_TRUE(EventuallyMode(*source, "ecg"));
  ASSERT_TRUE(Eventually([&] { return fake_->notifying(kAna, kBatteryLevel); }));
  const auto frames = FramesOf(ecg.microvolts, [&](size_t i) { return ecg.time_s[i]; });
  Play(*source, frames);
  EXPECT_EQ(source->device().mode, "ecg");
  EXPECT_EQ(source->device().trouble, "");
  EXPECT_EQ(source->refused(), 0u);
  EXPECT_EQ(source->info().jitter_us % 1'000, 0u);
  // The first R peak has no interval.
  ASSERT_GE(beats_.size(), expected.size() - 1);
  double mean_s = 0;
  std::vector<double> off_s;
  for (size_t i = 1; i < expected.size(); ++i) {
    off_s.push_back(static_cast<double>(beats_[i - 1].time_us - kSteadyAtZeroUs) / 1e6 -
                    expected[i].time_s);
    mean_s += off_s.back() / static_cast<double>(expected.size() - 1);
    // The queue turned to the ECG before its first beat.
    EXPECT_EQ(beats_[i - 1].gap_before, i == 1) << i;
  }
  double most_s = 0;
  for (const double off : off_s) most_s = std::max(most_s, std::abs(off - mean_s));
  EXPECT_LT(most_s, 0.008);
  EXPECT_GT(mean_s, 0);
  EXPECT_LT(mean_s, 0.1);
  std::printf("%zu beats within %.2f ms of the oracle after %.1f ms\n", off_s.size(), most_s * 1e3,
              mean_s * 1e3);
  // Streams left running empty the strap's battery.
  EXPECT_TRUE(EventuallyOperations({kGet, kStart}));
  source.reset();
  EXPECT_TRUE(EventuallyOperations({kGet, kStart, kStop}));
}

TEST_F(EcgTimeTest, LostFrameAndIntervalsMeanwhile) {
  AddH10({});
  const auto source = MakeAt(kSteadyAtZeroUs);
  ASSERT_TRUE(EventuallyMode(*source, "ecg"));
  ASSERT_TRUE(Eventually([&] { return fake_->notifying(kAna, kBatteryLevel); }));
  const SyntheticEcg ecg = MakeSyntheticEcg({.seconds = 60});
  auto frames = FramesOf(ecg.microvolts, [](size_t i) { return static_cast<double>(i) / 130; });
  frames.erase(frames.begin() + 60);
  const std::vector<ArrivingFrame> first(frames.begin(), frames.begin() + 40);
  const std::vector<ArrivingFrame> second(frames.begin() + 40, frames.end());
  Play(*source, first);
  // What the strap counts itself is not mixed in; its contact is taken.
  Send(*source, kHeartRateMeasurement, HeartRateValue(60, {777, 778}));
  EXPECT_EQ(source->device().contact, true);
  Play(*source, second);
  int gaps = 0;
  for (size_t i = 1; i < beats_.size(); ++i) {
    gaps += beats_[i].gap_before ? 1 : 0;
    EXPECT_NE(beats_[i].rr_1024, 777u);
    if (!beats_[i].gap_before) {
      EXPECT_NEAR(static_cast<double>(beats_[i].time_us - beats_[i - 1].time_us) * 1024e-6,
                  beats_[i].rr_1024, 1.01);
    }
  }
  EXPECT_EQ(gaps, 1);
  EXPECT_GT(beats_.size(), 50u);
}

TEST_F(EcgTimeTest, WithoutContactNothingIsPassedOn) {
  AddH10({});
  const auto source = MakeAt(kSteadyAtZeroUs);
  ASSERT_TRUE(EventuallyMode(*source, "ecg"));
  ASSERT_TRUE(Eventually([&] { return fake_->notifying(kAna, kBatteryLevel); }));
  const SyntheticEcg ecg = MakeSyntheticEcg({.seconds = 40});
  const auto frames =
      FramesOf(ecg.microvolts, [](size_t i) { return static_cast<double>(i) / 130; });
  Play(*source, {frames.begin(), frames.begin() + 30});
  Send(*source, kHeartRateMeasurement, {0x14, 0, 0x00, 0x04});
  EXPECT_EQ(source->device().contact, false);
  EXPECT_NE(source->device().trouble, "");
  const size_t before = beats_.size();
  Play(*source, {frames.begin() + 30, frames.end()});
  EXPECT_EQ(beats_.size(), before);
}

TEST_F(EcgTimeTest, StrapThatDoesNotAnswerFallsBack) {
  AddH10({.silent = true});
  const auto source = MakeAt(kSteadyAtZeroUs);
  ASSERT_TRUE(EventuallyOperations({kGet}));
  time_.Advance(5'100'000);
  Wake();
  EXPECT_TRUE(EventuallyMode(*source, "intervals"));
  EXPECT_TRUE(EventuallyTrouble(*source, "does not answer"));
}

TEST_F(EcgTimeTest, EcgThatStopsFallsBackAndIsToldToStop) {
  AddH10({});
  const auto source = MakeAt(kSteadyAtZeroUs);
  ASSERT_TRUE(EventuallyMode(*source, "ecg"));
  ASSERT_TRUE(Eventually([&] { return fake_->notifying(kAna, kBatteryLevel); }));
  const SyntheticEcg ecg = MakeSyntheticEcg({.seconds = 30});
  Play(*source, FramesOf(ecg.microvolts, [](size_t i) { return static_cast<double>(i) / 130; }));
  EXPECT_GT(beats_.size(), 20u);
  // Intervals still come.
  time_.Advance(4'000'000);
  Send(*source, kHeartRateMeasurement, HeartRateValue(60, {1024}));
  time_.Advance(4'000'000);
  Send(*source, kHeartRateMeasurement, HeartRateValue(60, {1024}));
  time_.Advance(4'000'000);
  Wake();
  EXPECT_TRUE(EventuallyMode(*source, "intervals"));
  EXPECT_TRUE(EventuallyTrouble(*source, "has stopped"));
  EXPECT_TRUE(EventuallyOperations({kGet, kStart, kStop}));
  // What was decided comes out first, then intervals, each in a Poll of its own.
  Send(*source, kHeartRateMeasurement, HeartRateValue(60, {901, 902}));
  beats_.clear();
  ASSERT_TRUE(Eventually([&] {
    source->Poll(time_.SteadyMicros(), &beats_);
    return beats_.size() >= 2;
  }));
  EXPECT_EQ(source->info().stamping, Stamping::kArrivalSteady);
  EXPECT_EQ(Intervals(), (std::vector<uint32_t>{901, 902}));
  EXPECT_EQ(Gaps(), (std::vector<bool>{true, false}));
}

TEST_F(EcgSourceTest, StrapWithoutTheServiceFallsBack) {
  fake_->AddStrap(HeartRateStrap(kAna, "Another strap"));
  const auto source = Make(Quick(std::string(kAna) + ",ecg"));
  ASSERT_TRUE(EventuallyMode(*source, "intervals"));
  EXPECT_TRUE(EventuallyTrouble(*source, "does not offer its ECG"));
  ExpectIntervals(*source);
  // Still said while intervals come.
  EXPECT_TRUE(EventuallyTrouble(*source, "intervals are used instead"));
  EXPECT_EQ(source->refused(), 0u);
}

TEST_F(EcgSourceTest, OldStrapWithoutTheRightsFallsBack) {
  AddH10({.control_flags = {"notify"}});
  const auto source = Make(Quick(std::string(kAna) + ",ecg"));
  ASSERT_TRUE(EventuallyMode(*source, "intervals"));
  EXPECT_TRUE(EventuallyTrouble(*source, "does not offer its ECG"));
  ExpectIntervals(*source);
}

TEST_F(EcgSourceTest, StrapWithoutAnEcgFallsBack) {
  AddH10({.features = {0x0f, 0x6e, 0}});
  const auto source = Make(Quick(std::string(kAna) + ",ecg"));
  ASSERT_TRUE(EventuallyMode(*source, "intervals"));
  EXPECT_TRUE(EventuallyTrouble(*source, "cannot measure an ECG"));
  EXPECT_TRUE(Operations().empty());
}

TEST_F(EcgSourceTest, SmallPacketsFallBack) {
  AddH10({.get_error = kPmdInvalidMtu});
  const auto source = Make(Quick(std::string(kAna) + ",ecg"));
  ASSERT_TRUE(EventuallyMode(*source, "intervals"));
  EXPECT_TRUE(EventuallyTrouble(*source, "too small"));
  ExpectIntervals(*source);
}

TEST_F(EcgSourceTest, RefusedStartFallsBack) {
  AddH10({.start_error = 12});
  const auto source = Make(Quick(std::string(kAna) + ",ecg"));
  ASSERT_TRUE(EventuallyMode(*source, "intervals"));
  EXPECT_TRUE(EventuallyTrouble(*source, "cannot do this now"));
  ExpectIntervals(*source);
  EXPECT_TRUE(EventuallyOperations({kGet, kStart, kStop}));
}

TEST_F(EcgSourceTest, AnotherRateFallsBack) {
  AddH10({.settings = {0x00, 0x01, 0x00, 0x02, 0x01, 0x01, 0x0e, 0x00}});
  const auto source = Make(Quick(std::string(kAna) + ",ecg"));
  ASSERT_TRUE(EventuallyMode(*source, "intervals"));
  EXPECT_TRUE(EventuallyTrouble(*source, "512 samples per second"));
}

TEST_F(EcgSourceTest, StrapThatRunsAlreadyIsStoppedAndStarted) {
  AddH10({.running = true});
  const auto source = Make(Quick(std::string(kAna) + ",ecg"));
  ASSERT_TRUE(EventuallyMode(*source, "ecg"));
  EXPECT_TRUE(EventuallyOperations({kGet, kStart, kStop, kStart}));
  EXPECT_EQ(source->device().trouble, "");
}

TEST_F(EcgSourceTest, UnreadableFramesAreRefusedThenFallBack) {
  AddH10({});
  const auto source = Make(Quick(std::string(kAna) + ",ecg"));
  ASSERT_TRUE(EventuallyMode(*source, "ecg"));
  FakeBytes compressed(40, 1);
  compressed[0] = kPmdEcg;
  compressed[9] = 0x80;
  for (int i = 0; i < 19; ++i) fake_->Notify(kAna, kPmdDataUuid, compressed);
  ASSERT_TRUE(Eventually([&] { return source->refused() == 19; }));
  EXPECT_EQ(source->device().mode, "ecg");
  fake_->Notify(kAna, kPmdDataUuid, compressed);
  ASSERT_TRUE(EventuallyMode(*source, "intervals"));
  EXPECT_TRUE(EventuallyTrouble(*source, "compressed"));
  EXPECT_EQ(source->TakeWarnings().size(), 2u) << "said once, and that it fell back";
}

TEST_F(EcgSourceTest, EachConnectionTriesAgain) {
  AddH10({.start_error = 12});
  const auto source = Make(Quick(std::string(kAna) + ",ecg"));
  ASSERT_TRUE(EventuallyMode(*source, "intervals"));
  ExpectIntervals(*source);
  {
    MutexLock lock(mu_);
    answers_.start_error = 0;
  }
  fake_->DropLink(kAna);
  ASSERT_TRUE(EventuallyMode(*source, "ecg"));
  EXPECT_EQ(source->device().trouble, "");
  Poll(*source);
  EXPECT_EQ(source->info().stamping, Stamping::kGivenSteady);
}

}  // namespace
}  // namespace attune::edge
