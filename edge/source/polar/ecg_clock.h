// Time of samples on the edge's steady clock, from frames whose last sample has the strap's time.
//
// Within one link the strap's quartz is right but for a constant and a slow drift. A frame arrives
// some time after its last sample, never before:
//
//   steady(t) = t + C,   C = lower envelope of (arrival - time of the last sample) over 60 s
//
// that is the frame that was delayed least. C is fixed once kSettleUs are seen, then followed by no
// more than 50 ppm (what two quartzes drift apart), so that intervals stay what they were: the rule
// of the beat clock, on frames in place of intervals. Samples within a frame lie evenly between the
// time of the last frame and its own.
//
// A step of the strap's time that is longer than the samples explain: samples are missing. A step
// back is a frame met before; more than kMostStale in a row, a step far ahead of the arrivals, or a
// frame that comes earlier than C allows by more than kEarlyUs: the strap's clock was set anew, or
// C was wrong. Then everything begins again (an H10 that slept restarts its clock at 2019-01-01).
//
// Memory is bounded. No clock: the same calls give the same times. Not thread-safe.
#ifndef ATTUNE_EDGE_SOURCE_POLAR_ECG_CLOCK_H_
#define ATTUNE_EDGE_SOURCE_POLAR_ECG_CLOCK_H_

#include <cstddef>
#include <cstdint>
#include <deque>
#include <utility>

#include "edge/source/lower_envelope.h"

namespace attune::edge {

class EcgClock {
 public:
  static constexpr int64_t kSettleUs = 10'000'000;
  static constexpr int64_t kWindowUs = 60'000'000;
  static constexpr double kSlewPpm = 50;
  static constexpr int64_t kEarlyUs = 100'000;
  static constexpr int64_t kFarOffUs = 2'000'000;  // all frames of a window, later than C allows
  static constexpr int64_t kJumpUs = 5'000'000;    // the strap's time ahead of the arrivals
  static constexpr int kMostStale = 3;
  static constexpr size_t kMostFrames = 512;  // remembered; a sample further back has no time

  enum class Step {
    kFollows,  // right after the last one
    kLoss,     // samples are missing before it
    kAnew,     // first of an epoch: what came before has no common time with it
    kStale,    // met before; its samples do not count
  };
  // `samples`: how many it holds; `arrival_us`: steady clock, not decreasing.
  Step Add(uint64_t last_sample_ns, size_t samples, int64_t arrival_us);
  // The next frame begins an epoch.
  void LinkLost();

  // C is fixed (at once for what an epoch that has ended left over).
  bool settled() const { return settled_; }
  void SettleNow();
  // Of a sample, numbered as they were added (stale ones do not count), also between two. Only when
  // settled.
  double SteadyMicros(double sample) const;
  // How far the envelope is from C; 0 unless settled.
  double OffMicros() const { return off_us_; }
  // C rests on less than kSettleUs.
  bool short_epoch() const { return short_epoch_; }

 private:
  struct Frame {
    int64_t last = 0;    // number of its last sample
    double last_us = 0;  // strap's time since the first frame of the epoch
    double period_us = 0;
  };
  void Begin(uint64_t last_sample_ns, size_t samples, int64_t arrival_us);
  void Take(double last_us, size_t samples, double period_us, int64_t arrival_us);
  bool Follow(int64_t arrival_us);

  std::deque<Frame> frames_;
  bool in_epoch_ = false;
  bool settled_ = false;
  bool short_epoch_ = false;
  int64_t count_ = 0;  // samples, over epochs
  uint64_t zero_ns_ = 0;
  uint64_t last_ns_ = 0;
  double period_us_ = 0;
  int stale_ = 0;
  int64_t first_arrival_us_ = 0;
  int64_t last_arrival_us_ = 0;
  int64_t followed_us_ = 0;
  double c_us_ = 0;
  double off_us_ = 0;
  LowerEnvelope<double> envelope_;  // of arrival - time of the last sample
};

}  // namespace attune::edge

#endif  // ATTUNE_EDGE_SOURCE_POLAR_ECG_CLOCK_H_
