// ECG frames of a strap in, beats with their times on the steady clock out
// (Stamping::kGivenSteady).
//
// R peaks (r_peaks.h) at their times (ecg_clock.h). The interval of a beat is the difference of two
// times, each rounded to 1/1024 s, so that intervals add up to the times for ever. An interval over
// missing samples, doubt or a new link is none: the R peak after it only begins the next interval,
// whose beat follows a gap.
//
// How well the times are known, of what the last Drain gave:
//
//   jitter        95 % bound of a beat against its neighbours: what noise does to R peaks
//                 (RPeak::error_samples), in steps, at least kLeastJitterUs
//   offset bound  the least delay that any frame had cannot be seen from here: one frame may wait
//   in
//                 the strap while the next is filled (0.56 s with 73 samples), and the strap's own
//                 filters and the radio take their time (tens of ms): kTransportUs. Beats are at
//                 most that late, and never early. How far the envelope is from C is added.
//
// Not thread-safe. No clock: the same calls give the same beats.
#ifndef ATTUNE_EDGE_SOURCE_POLAR_ECG_BEATS_H_
#define ATTUNE_EDGE_SOURCE_POLAR_ECG_BEATS_H_

#include <cstdint>
#include <deque>
#include <vector>

#include "edge/source/polar/ecg_clock.h"
#include "edge/source/polar/pmd.h"
#include "edge/source/polar/r_peaks.h"
#include "edge/source/source.h"

namespace attune::edge {

class EcgBeats {
 public:
  static constexpr uint32_t kLeastJitterUs = 2'000;
  static constexpr uint32_t kTransportUs = 600'000;
  static constexpr uint32_t kUnsettledUs = 500'000;  // C from less than EcgClock::kSettleUs
  static constexpr uint32_t kBoundStepUs = 50'000;   // published bounds are rounded up
  // After so much silence nothing older will come: frames are late by up to 5 s, peaks by 2 s.
  static constexpr int64_t kSilenceUs = 7'000'000;

  // Arrivals do not go back.
  void Add(const EcgFrame& frame, int64_t arrival_us);
  // The link is gone. What was decided comes out.
  void LinkLost();
  // Appends the beats whose time is fixed.
  void Drain(std::vector<SourceBeat>* beats);
  // No beat at or before this time will come out any more, steady clock.
  int64_t CompleteThroughUs(int64_t now_us);

  uint32_t jitter_us() const { return jitter_us_; }
  uint32_t offset_bound_us() const { return offset_bound_us_; }
  uint64_t losses() const { return losses_; }  // times at which samples were missing
  uint64_t doubtful() const { return peaks_.doubtful(); }
  uint64_t refused() const { return refused_; }  // stale frames, beats out of order
  // Time of the newest frame; INT64_MIN: none on this link.
  int64_t last_arrival_us() const { return last_arrival_us_; }

 private:
  void Stamp();

  EcgClock clock_;
  RPeaks peaks_;
  std::deque<RPeak> held_;  // bounded: stamped once kSettleUs are over
  std::vector<SourceBeat> out_;
  bool have_last_ = false;
  int64_t last_1024_ = 0;  // time of the last R peak, 1/1024 s
  bool gap_ = false;       // before the next beat
  int64_t last_us_ = INT64_MIN;
  int64_t promised_us_ = INT64_MIN;
  int64_t last_arrival_us_ = INT64_MIN;
  uint32_t out_jitter_us_ = kLeastJitterUs;
  uint32_t jitter_us_ = kLeastJitterUs;
  uint32_t offset_bound_us_ = kTransportUs;
  uint64_t losses_ = 0;
  uint64_t refused_ = 0;
};

}  // namespace attune::edge

#endif  // ATTUNE_EDGE_SOURCE_POLAR_ECG_BEATS_H_
