// One person's beats in memory: ascending in time, bounded, the same whatever order they came in.
#ifndef ATTUNE_SERVICES_SYNCHRONY_SIGNAL_BEAT_SERIES_H_
#define ATTUNE_SERVICES_SYNCHRONY_SIGNAL_BEAT_SERIES_H_

#include <cstddef>
#include <cstdint>
#include <vector>

#include "services/synchrony/numbers.h"

namespace attune::synchrony {

// Gives back what a vector that has grown and shrunk holds beyond its size and some room to grow.
template <typename T>
void TrimCapacity(std::vector<T>* values) {
  constexpr size_t kRoom = 64;
  if (values->capacity() <= values->size() + 2 * kRoom) return;
  std::vector<T> fitting;
  fitting.reserve(values->size() + kRoom);
  fitting.insert(fitting.end(), values->begin(), values->end());
  values->swap(fitting);
}

class BeatSeries {
 public:
  explicit BeatSeries(size_t max_beats) : max_beats_(max_beats) {}

  // What Add did: kChanged also when a second beat at a known time altered the first.
  enum class Added { kRefused, kUnchanged, kChanged };
  Added Add(const Beat& beat);

  // Forgets beats before `time_us`, for good: Add refuses them from now on.
  void DropBefore(int64_t time_us);

  // Index of the first beat later than `time_us`; beats().size() if none.
  size_t UpperBound(int64_t time_us) const;
  // The same, found from `hint`: any index will do, one nearby is fast.
  size_t UpperBoundNear(int64_t time_us, size_t hint) const;

  // May still begin with a few beats that DropBefore has given up; they decide nothing any more.
  const std::vector<Beat>& beats() const { return beats_; }
  // Without those.
  std::vector<Beat> Retained() const;

 private:
  size_t max_beats_;
  int64_t oldest_us_ = 0;
  std::vector<Beat> beats_;
};

}  // namespace attune::synchrony

#endif  // ATTUNE_SERVICES_SYNCHRONY_SIGNAL_BEAT_SERIES_H_
