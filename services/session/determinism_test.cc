// Same input with fixed stamps, same bytes: whatever order it arrives in, however it is cut into
// messages, repeated, however often the owner dies meanwhile, and whatever else runs.
#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <thread>
#include <vector>

#include "services/base/random.h"
#include "services/session/testing/driver.h"

namespace attune::session {
namespace {

using testing::AllGrants;
using testing::Driver;
using testing::Heart;
using testing::HeartBeat;
using testing::HeartSpec;
using testing::kMs;
using testing::kS;

constexpr int kPeople = 3;
constexpr int64_t kEndUs = 200 * kS;
constexpr int64_t kStepUs = 250 * kMs;

// Some of those that run only when asked for, of people, pairs and the group; cheap ones, since
// every run computes them anew.
const std::vector<v1::Measure> kMeasures = {v1::MEASURE_SDNN_MS, v1::MEASURE_LEAVE_ONE_OUT_R,
                                            v1::MEASURE_CONCORDANCE_INDEX, v1::MEASURE_PLV_RSA,
                                            v1::MEASURE_S_ESTIMATOR};

struct Outcome {
  std::map<uint64_t, std::string> frames;
  std::string report;
  uint64_t by_lateness = 0;
  uint64_t epochs = 0;
};

struct Weather {
  uint64_t seed = 0;  // 0: calm, everything in time and once
  bool crashes = false;
  bool checkpoints = false;
};

class Playback {
 public:
  explicit Playback(const Weather& weather)
      : weather_(weather),
        random_(weather.seed),
        driver_(v1::SESSION_KIND_LAB, 3, kEndUs, {}, kMeasures) {
    for (int i = 0; i < kPeople; ++i) {
      const uint32_t number =
          driver_.Join("P" + std::to_string(i), AllGrants(), 0, i < 2 ? "pair" : "");
      driver_.core().NoteAttached(number, true, 0);
      HeartSpec spec;
      spec.seed = static_cast<uint64_t>(i) + 10;
      spec.wave_seed = 5;
      spec.from_us = i * 3 * kS;
      spec.to_us = kEndUs + 10 * kS;
      hearts_.push_back(Heart(spec));
      back_us_.push_back(0);
      lag_us_.push_back(0);
    }
  }

  Outcome Play() {
    for (int64_t now_us = 0; now_us <= kEndUs + 30 * kS; now_us += kStepUs) {
      Happen(now_us);
      if (now_us <= kEndUs + 20 * kS) MaybeCrash(now_us);
      std::vector<int> order(kPeople);
      for (int i = 0; i < kPeople; ++i) order[i] = i;
      for (int i = kPeople - 1; i > 0; --i) std::swap(order[i], order[Draw(i + 1)]);
      for (const int i : order) SendSome(i, now_us);
      driver_.Tick(now_us);
    }
    Outcome outcome;
    outcome.frames = driver_.frames();
    outcome.report = driver_.Report().SerializeAsString();
    outcome.by_lateness = driver_.core().ticks_by_lateness();
    outcome.epochs = driver_.core().epochs();
    driver_.Replay();  // compares every digest
    EXPECT_EQ(driver_.Report().SerializeAsString(), outcome.report);
    return outcome;
  }

 private:
  uint64_t Draw(uint64_t bound) { return weather_.seed == 0 ? 0 : random_.Below(bound); }

  // The same in every run, at the same session time.
  void Happen(int64_t now_us) {
    if (now_us == 60 * kS) {
      v1::AnnotateRequest request;
      request.set_request_id("annotate-1");
      request.set_label("second phase");
      request.set_at_session_us(now_us);
      request.set_begins_phase(true);
      driver_.Do(driver_.core().ProposeAnnotate(request, now_us));
    }
    if (now_us == 90 * kS) {
      v1::StartPracticeRequest request;
      request.set_request_id("practice-1");
      request.set_kind(v1::PRACTICE_KIND_LISTENING);
      request.set_planned_us(20 * kS);
      driver_.Do(driver_.core().ProposeStartPractice(request, now_us));
    }
  }

  void MaybeCrash(int64_t now_us) {
    if (weather_.checkpoints && Draw(80) == 0) driver_.SaveAndRestore(), Reattach(now_us);
    if (!weather_.crashes || Draw(200) != 0) return;
    driver_.Replay(Draw(4));
    driver_.Owner(now_us);
    Reattach(now_us + static_cast<int64_t>(Draw(8)) * kS);
  }

  void Reattach(int64_t not_before_us) {
    for (int i = 0; i < kPeople; ++i) {
      back_us_[i] = std::max(back_us_[i], not_before_us);
      attached_[i] = false;
    }
  }

  void SendSome(int i, int64_t now_us) {
    if (now_us < back_us_[i]) return;
    const auto number = static_cast<uint32_t>(i) + 1;
    if (!attached_[i]) driver_.core().NoteAttached(number, true, now_us);
    attached_[i] = true;
    if (Draw(3) == 2) return;  // nothing this time
    lag_us_[i] = static_cast<int64_t>(Draw(1500)) * kMs;
    const std::vector<HeartBeat>& beats = hearts_[i];
    const auto known = static_cast<size_t>(driver_.core().Cursor(number, Driver::BootId(i)));
    size_t to = known;
    while (to < beats.size() && beats[to].time_us <= now_us - lag_us_[i]) ++to;
    if (to > known + 1 && Draw(2) == 1) to = known + 1 + Draw(to - known);
    to = std::min(to, known + 512);
    // Now and then some that are known already.
    const size_t from = known - (Draw(4) == 1 ? std::min<size_t>(known, Draw(20)) : 0);
    const int64_t unsent_us = to < beats.size() ? beats[to].time_us - 1 : kEndUs + 60 * kS;
    const int64_t complete_us = std::min(unsent_us, now_us - lag_us_[i]);
    driver_.Send(number, beats, from, to, complete_us, now_us, Driver::BootId(i));
    if (to < beats.size() || now_us < kEndUs + 15 * kS) return;
    const auto finished = driver_.core().ProposeSourceFinished(number, now_us);
    if (finished.ok() && finished->has_value()) driver_.Do(**finished);
  }

  const Weather weather_;
  SeededRandom random_;
  Driver driver_;
  std::vector<std::vector<HeartBeat>> hearts_;
  std::vector<int64_t> back_us_;
  std::vector<int64_t> lag_us_;
  bool attached_[kPeople] = {true, true, true};
};

const Outcome& Calm() {
  static const Outcome outcome = Playback({}).Play();
  return outcome;
}

void ExpectSame(const Outcome& outcome, uint64_t seed) {
  EXPECT_EQ(outcome.by_lateness, 0u) << "seed " << seed;
  ASSERT_EQ(outcome.frames.size(), Calm().frames.size()) << "seed " << seed;
  for (const auto& [tick, bytes] : Calm().frames) {
    ASSERT_EQ(outcome.frames.at(tick), bytes) << "seed " << seed << " tick " << tick;
  }
  EXPECT_EQ(outcome.report, Calm().report) << "seed " << seed;
}

TEST(DeterminismTest, TheCalmRunIsNotEmpty) {
  EXPECT_EQ(Calm().frames.size(), 200u);
  v1::Frame frame;
  ASSERT_TRUE(frame.ParseFromString(Calm().frames.at(199)));
  ASSERT_EQ(frame.pairs_size(), 3);
  EXPECT_EQ(frame.pairs(0).r_mean_windowed().outcome_case(), v1::Number::kValue);
  v1::Report report;
  ASSERT_TRUE(report.ParseFromString(Calm().report));
  EXPECT_EQ(report.phases_size(), 2);
  EXPECT_GT(report.pairs(0).phases(1).ticks(), 30u);
}

TEST(DeterminismTest, AnyOrderOfArrival) {
  for (uint64_t seed = 1; seed <= 50; ++seed) ExpectSame(Playback({seed}).Play(), seed);
}

TEST(DeterminismTest, ManyAtOnce) {
  std::vector<Outcome> outcomes(4);
  std::vector<std::thread> threads;
  for (Outcome& outcome : outcomes) {
    threads.emplace_back([&outcome] { outcome = Playback({}).Play(); });
  }
  for (std::thread& thread : threads) thread.join();
  for (const Outcome& outcome : outcomes) ExpectSame(outcome, 0);
}

TEST(DeterminismTest, OwnersComeAndGo) {
  uint64_t epochs = 0;
  for (uint64_t seed = 101; seed <= 120; ++seed) {
    const Outcome outcome = Playback({seed, true, false}).Play();
    ExpectSame(outcome, seed);
    epochs += outcome.epochs;
  }
  EXPECT_GT(epochs, 60u);
}

TEST(DeterminismTest, Checkpoints) {
  for (uint64_t seed = 201; seed <= 210; ++seed)
    ExpectSame(Playback({seed, true, true}).Play(), seed);
}

}  // namespace
}  // namespace attune::session
