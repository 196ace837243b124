#include "services/synchrony/testing/injection.h"

#include <gtest/gtest.h>

#include <cstdio>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "services/synchrony/signal/beat_track.h"
#include "services/synchrony/signal/lipponen.h"
#include "services/synchrony/testing/test_data.h"

namespace attune::synchrony {
namespace {

using testing::BeatsFromMs;

const char* Name(BeatClass kind) {
  constexpr const char* kNames[] = {"normal", "missed", "extra",       "ectopic",
                                    "long",   "short",  "out of range"};
  return kNames[static_cast<size_t>(kind)];
}

// The verdicts that a session stands on: each beat judged with the beats of the next three seconds.
std::vector<Verdict> Live(const std::vector<double>& rr_ms) {
  const Params params;
  BeatTrack track(params, BeatsFromMs(rr_ms));
  std::vector<Verdict> verdicts;
  for (size_t k = 0; k < track.beats().size(); ++k) {
    verdicts.push_back(
        track.Judge(k, track.UpperBound(track.beats()[k].time_us + params.horizon_us)));
  }
  return verdicts;
}

struct Score {
  int events = 0;   // put in
  int found = 0;    // with the right class at the right beat
  int flagged = 0;  // put in and not taken as normal
  int claimed = 0;  // verdicts of the class
  double sensitivity() const { return static_cast<double>(found) / events; }
  double precision() const { return static_cast<double>(found) / claimed; }
};

struct Scores {
  std::map<BeatClass, Score> of;
  int beats = 0;
  int false_alarms = 0;  // verdicts that touch no event

  void Add(const testing::InjectedSeries& series, const std::vector<Verdict>& verdicts) {
    beats += static_cast<int>(verdicts.size());
    std::vector<bool> near(verdicts.size() + 2);
    for (const testing::InjectedEvent& event : series.events) {
      Score& score = of[event.truth.kind];
      ++score.events;
      score.found += verdicts[event.index] == event.truth ? 1 : 0;
      score.flagged += verdicts[event.index].clean() ? 0 : 1;
      near[event.index] = near[event.index + 1] = true;
    }
    for (size_t k = 0; k < verdicts.size(); ++k) {
      if (verdicts[k].artefact()) ++of[verdicts[k].kind].claimed;
      if (!verdicts[k].clean() && !near[k]) ++false_alarms;
    }
  }

  void Print(const char* title) const {
    std::printf("%s: %d beats, %d false alarms away from events\n", title, beats, false_alarms);
    for (const auto& [kind, score] : of) {
      std::printf("  %-12s put in %5d  found %5d  flagged %5d  claimed %5d", Name(kind),
                  score.events, score.found, score.flagged, score.claimed);
      if (score.events > 0) {
        std::printf("  sensitivity %.4f  precision %.4f", score.sensitivity(), score.precision());
      }
      std::printf("\n");
    }
  }
};

// The published batch form (one pass), as verdicts on the same intervals. An event of two intervals
// counts as found at either of them.
std::vector<Verdict> Published(const testing::InjectedSeries& series) {
  const LipponenClasses classes = FindLipponen(BeatsUsOf(series.rr_ms));
  std::vector<Verdict> verdicts(series.rr_ms.size());
  const auto mark = [&verdicts](const std::vector<size_t>& beats, Verdict verdict) {
    // Beat k ends interval k - 1 of the list.
    for (const size_t k : beats) {
      if (k > 0) verdicts[k - 1] = verdict;
    }
  };
  mark(classes.longshort, {BeatClass::kLong, 0});
  mark(classes.missed, {BeatClass::kMissed, 1});
  mark(classes.extra, {BeatClass::kExtra, 1});
  mark(classes.ectopic, {BeatClass::kEctopic, 1});
  for (const testing::InjectedEvent& event : series.events) {
    const bool two = event.truth.kind != BeatClass::kMissed;
    if (two && verdicts[event.index + 1] == event.truth) {
      std::swap(verdicts[event.index], verdicts[event.index + 1]);
    }
  }
  return verdicts;
}

TEST(InjectionTest, StreamingFormFindsWhatWasPutIn) {
  Scores scores, published;
  int people = 0;
  for (int nsr = 1; nsr <= 54; ++nsr) {
    const std::vector<double> clean = testing::CleanStretch(nsr);
    if (clean.size() < 300) continue;
    ++people;
    const auto series = testing::Inject(clean, {}, 20260000u + static_cast<unsigned>(nsr));
    scores.Add(series, Live(series.rr_ms));
    published.Add(series, Published(series));
  }
  std::printf("%d people\n", people);
  scores.Print("streaming form");
  published.Print("published form, one pass (reported, no bar)");
  for (const BeatClass kind : {BeatClass::kMissed, BeatClass::kExtra, BeatClass::kEctopic}) {
    EXPECT_GE(scores.of[kind].events, 500);
  }
  for (const BeatClass kind : {BeatClass::kMissed, BeatClass::kExtra}) {
    EXPECT_GE(scores.of[kind].sensitivity(), 0.95) << Name(kind);
    EXPECT_GE(scores.of[kind].precision(), 0.95) << Name(kind);
  }
  // Stated for ectopic beats; held as well.
  EXPECT_GE(scores.of[BeatClass::kEctopic].sensitivity(), 0.95);
  EXPECT_GE(scores.of[BeatClass::kEctopic].precision(), 0.95);
  EXPECT_LE(scores.false_alarms, scores.beats / 1000);
}

TEST(InjectionTest, CleanSeriesStayNearlyUntouched) {
  Scores scores;
  for (int nsr = 1; nsr <= 54; ++nsr) {
    const std::vector<double> clean = testing::CleanStretch(nsr);
    if (clean.size() < 300) continue;
    testing::InjectedSeries series;
    series.rr_ms = clean;
    scores.Add(series, Live(clean));
  }
  scores.Print("nothing put in");
  EXPECT_GT(scores.beats, 90'000);
  EXPECT_LE(scores.false_alarms, scores.beats / 1000);
}

}  // namespace
}  // namespace attune::synchrony
