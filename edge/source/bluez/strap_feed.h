// What goes from the thread that listens to a strap to the agent's loop: intervals, the state of
// the strap, what was refused.
#ifndef ATTUNE_EDGE_SOURCE_BLUEZ_STRAP_FEED_H_
#define ATTUNE_EDGE_SOURCE_BLUEZ_STRAP_FEED_H_

#include <cstdint>
#include <deque>
#include <functional>
#include <string>
#include <vector>

#include "edge/source/source.h"
#include "services/base/mutex.h"

namespace attune::edge {

// Intervals that the agent has not polled yet: over half an hour. Beyond it the oldest is dropped
// and counted as refused, and the next one follows a gap.
inline constexpr size_t kMostQueuedBeats = 4096;
inline constexpr size_t kMostStrapWarnings = 20;

// Thread-safe.
class StrapFeed {
 public:
  // `arrival_us`: steady clock. It is moved by what is needed to keep what Take has promised, that
  // is by the moment between reading the clock and calling this.
  void AddInterval(uint32_t rr_1024, int64_t arrival_us, bool gap_before);
  void AddRefused(uint64_t count, const std::string& words);
  void Change(const std::function<void(DeviceStatus&)>& change);

  // Appends intervals that arrived by `now_us`, at most kMostPerPoll; returns the time through
  // which everything is out.
  int64_t Take(int64_t now_us, std::vector<SourceBeat>* beats);
  DeviceStatus device() const;
  std::vector<std::string> TakeWarnings();
  uint64_t refused() const;

 private:
  mutable Mutex mu_;
  std::deque<SourceBeat> queue_ ATTUNE_GUARDED_BY(mu_);
  bool overflowed_ ATTUNE_GUARDED_BY(mu_) = false;  // since the last Take
  int64_t last_us_ ATTUNE_GUARDED_BY(mu_) = INT64_MIN;
  int64_t promised_us_ ATTUNE_GUARDED_BY(mu_) = INT64_MIN;
  DeviceStatus device_ ATTUNE_GUARDED_BY(mu_);
  std::vector<std::string> warnings_ ATTUNE_GUARDED_BY(mu_);
  uint64_t refused_ ATTUNE_GUARDED_BY(mu_) = 0;
};

}  // namespace attune::edge

#endif  // ATTUNE_EDGE_SOURCE_BLUEZ_STRAP_FEED_H_
