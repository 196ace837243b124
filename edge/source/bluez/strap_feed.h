// What goes from the thread that listens to a strap to the agent's loop: intervals or, in precise
// mode, beats from the strap's ECG; the state of the strap, what was refused.
#ifndef ATTUNE_EDGE_SOURCE_BLUEZ_STRAP_FEED_H_
#define ATTUNE_EDGE_SOURCE_BLUEZ_STRAP_FEED_H_

#include <cstdint>
#include <deque>
#include <functional>
#include <string>
#include <vector>

#include "edge/source/polar/ecg_beats.h"
#include "edge/source/source.h"
#include "services/base/mutex.h"

namespace attune::edge {

// Intervals that the agent has not polled yet: over half an hour. Beyond it the oldest is dropped
// and counted as refused, and the next one follows a gap.
inline constexpr size_t kMostQueuedBeats = 4096;
inline constexpr size_t kMostStrapWarnings = 20;

// What the times of a Take mean.
struct StrapTiming {
  Stamping stamping = Stamping::kArrivalSteady;  // or kGivenSteady
  uint32_t jitter_us = 0;                        // kGivenSteady: as in SourceInfo
  uint32_t offset_bound_us = 0;
};

// Thread-safe.
class StrapFeed {
 public:
  // `arrival_us`: steady clock. It is moved by what is needed to keep what Take has promised, that
  // is by the moment between reading the clock and calling this.
  void AddInterval(uint32_t rr_1024, int64_t arrival_us, bool gap_before);
  // Precise mode begins or ends; the next beat follows a gap.
  void UseEcg(bool ecg);
  void AddFrame(const EcgFrame& frame, int64_t arrival_us);
  // What comes next is from another connection.
  void LinkLost();
  void AddRefused(uint64_t count, const std::string& words);
  void Change(const std::function<void(DeviceStatus&)>& change);

  // Appends what is there by `now_us`, at most kMostPerPoll, all of one kind; returns the time
  // through which everything of that kind is out.
  int64_t Take(int64_t now_us, std::vector<SourceBeat>* beats, StrapTiming* timing = nullptr);
  DeviceStatus device() const;
  std::vector<std::string> TakeWarnings();
  uint64_t refused() const;

 private:
  struct Queued {
    SourceBeat beat;
    StrapTiming timing;
  };
  void Push(const SourceBeat& beat, const StrapTiming& timing) ATTUNE_REQUIRES(mu_);
  void PushEcg() ATTUNE_REQUIRES(mu_);

  mutable Mutex mu_;
  std::deque<Queued> queue_ ATTUNE_GUARDED_BY(mu_);
  bool use_ecg_ ATTUNE_GUARDED_BY(mu_) = false;
  bool turned_ ATTUNE_GUARDED_BY(mu_) = false;  // UseEcg changed and nothing came since
  EcgBeats ecg_ ATTUNE_GUARDED_BY(mu_);
  bool overflowed_ ATTUNE_GUARDED_BY(mu_) = false;  // since the last Take
  int64_t last_us_ ATTUNE_GUARDED_BY(mu_) = INT64_MIN;
  int64_t promised_us_ ATTUNE_GUARDED_BY(mu_) = INT64_MIN;
  DeviceStatus device_ ATTUNE_GUARDED_BY(mu_);
  std::vector<std::string> warnings_ ATTUNE_GUARDED_BY(mu_);
  uint64_t refused_ ATTUNE_GUARDED_BY(mu_) = 0;
};

}  // namespace attune::edge

#endif  // ATTUNE_EDGE_SOURCE_BLUEZ_STRAP_FEED_H_
