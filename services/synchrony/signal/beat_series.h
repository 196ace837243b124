// One person's beats in memory: ascending in time, bounded, the same whatever order they came in.
#ifndef ATTUNE_SERVICES_SYNCHRONY_SIGNAL_BEAT_SERIES_H_
#define ATTUNE_SERVICES_SYNCHRONY_SIGNAL_BEAT_SERIES_H_

#include <cstddef>
#include <cstdint>
#include <memory_resource>
#include <vector>

#include "services/synchrony/numbers.h"
#include "services/synchrony/signal/packed_beats.h"

namespace attune::synchrony {

class BeatSeries {
 public:
  explicit BeatSeries(size_t max_beats,
                      std::pmr::memory_resource* memory = std::pmr::get_default_resource())
      : max_beats_(max_beats), beats_(memory) {}

  // What Add did: kChanged also when a second beat at a known time altered the first.
  enum class Added { kRefused, kUnchanged, kChanged };
  Added Add(const Beat& beat);

  // Forgets beats before `time_us`, for good: Add refuses them from now on. How many have left
  // beats().
  size_t DropBefore(int64_t time_us);

  // Index of the first beat later than `time_us`; beats().size() if none.
  size_t UpperBound(int64_t time_us) const;
  // The same, found from `hint`: any index will do, one nearby is fast.
  size_t UpperBoundNear(int64_t time_us, size_t hint) const;

  // May still begin with a few beats that DropBefore has given up; they decide nothing any more.
  const PackedBeats& beats() const { return beats_; }
  // Without those.
  std::vector<Beat> Retained() const;

  // Something small to be kept with beat k; lost when a beat is added before it.
  void Mark(size_t k, uint8_t mark) { beats_.set_mark(k, mark); }

  // Beats before `end` will hardly be read again.
  void Pack(size_t end) { beats_.Pack(end); }

  size_t MemoryBytes() const { return beats_.MemoryBytes(); }

 private:
  size_t max_beats_;
  int64_t oldest_us_ = 0;
  PackedBeats beats_;
};

}  // namespace attune::synchrony

#endif  // ATTUNE_SERVICES_SYNCHRONY_SIGNAL_BEAT_SERIES_H_
