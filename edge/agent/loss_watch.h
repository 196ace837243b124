// Finds out that intervals went missing on the way, from when the others arrive.
//
// Notifications of a strap come late by amounts that vary (up to 4 s), but never early. A lost one
// makes every later one seem later by the intervals that it held, for good: the earliest arrivals
// are missing from then on. So, for a row of limits of lateness, this counts how often lateness is
// below the limit and how long it stays above it, and says that something was lost when it has been
// above for longer than chance allows:
//
//   run * -ln(1 - share below the limit) > 20    (2e-9, were the delays independent)
//   run > 3 * the longest run before             (they are not: a steady heart drifts slowly
//                                                 against the strap's own second)
//
// and only while lateness is higher than it used to be, too: a loss shifts all of it.
//
// What can be known: with delays spread evenly over 4 s and one notification a second, the loss of
// one notification shows after one to three minutes; with the delays of a Polar H10 after half a
// minute. What is shorter than a limit's step is never seen; no interval of a heart is so short.
// Until then, a stamp cannot be too early by more than its own lateness (see BeatClock).
//
// Not thread-safe. No clock: the same calls give the same answers.
#ifndef ATTUNE_EDGE_AGENT_LOSS_WATCH_H_
#define ATTUNE_EDGE_AGENT_LOSS_WATCH_H_

#include <array>
#include <cstddef>
#include <cstdint>

namespace attune::edge {

class LossWatch {
 public:
  static constexpr int64_t kFirstUs = -1'900'000;  // the limits
  static constexpr int64_t kStepUs = 100'000;
  static constexpr size_t kLimits = 60;
  static constexpr double kForget = 1.0 / 512;  // of the counts, at each notification
  static constexpr double kImprobable = 20;     // -ln
  static constexpr double kTimesLongest = 3;
  static constexpr double kMostShare = 0.45;  // more is not believed: 34 in a row at least
  static constexpr double kMostRun = 300;     // what takes longer is drift: learnt anew
  static constexpr double kLeastBelow = 10;   // so many below before a share is believed
  static constexpr double kHighShare = 0.95;  // lateness that is seldom exceeded
  static constexpr double kHighInRun = 0.12;  // must be exceeded so often in the run
  static constexpr int kLeastRuns = 5;        // and so many runs that ended

  // One notification that came `late_us` after the earliest possible moment, as far as that is
  // known. True: intervals before it are missing.
  bool Add(int64_t late_us);
  // Nothing learnt so far holds any more.
  void Clear() { limits_ = {}; }

 private:
  static int64_t LimitUs(size_t i) { return kFirstUs + static_cast<int64_t>(i) * kStepUs; }
  // The limit below which kHighShare of the notifications came.
  int64_t HighUs() const;

  struct Limit {
    double all = 0;       // notifications before the present run, fading
    double below = 0;     // of these
    double run = 0;       // in a row above, up to now
    double longest = 0;   // of the runs that ended
    int runs = 0;         // that ended
    int64_t high_us = 0;  // when the run began
    double high = 0;      // of the run, later than that
  };
  std::array<Limit, kLimits> limits_ = {};
};

}  // namespace attune::edge

#endif  // ATTUNE_EDGE_AGENT_LOSS_WATCH_H_
