// The smallest of the values of a time window that slides: what both clocks of straps (the beat
// clock, the ECG's) take as the thing that was delayed least. Amortised constant time. Not
// thread-safe.
#ifndef ATTUNE_EDGE_SOURCE_LOWER_ENVELOPE_H_
#define ATTUNE_EDGE_SOURCE_LOWER_ENVELOPE_H_

#include <cstdint>
#include <deque>
#include <utility>

namespace attune::edge {

template <typename T>
class LowerEnvelope {
 public:
  // `at_us` does not decrease.
  void Add(int64_t at_us, T value) {
    while (!kept_.empty() && kept_.back().second >= value) kept_.pop_back();
    kept_.emplace_back(at_us, value);
  }
  // Forgets what is older, but never the newest.
  void DropBefore(int64_t at_us) {
    while (kept_.size() > 1 && kept_.front().first < at_us) kept_.pop_front();
  }
  void Clear() { kept_.clear(); }
  bool empty() const { return kept_.empty(); }
  // Of a window that is not empty.
  T smallest() const { return kept_.front().second; }

 private:
  std::deque<std::pair<int64_t, T>> kept_;  // (time, value), both ascending
};

}  // namespace attune::edge

#endif  // ATTUNE_EDGE_SOURCE_LOWER_ENVELOPE_H_
