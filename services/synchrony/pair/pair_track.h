// All that is kept of one pair between ticks: sums over the circular shifts of one against the
// other.
#ifndef ATTUNE_SERVICES_SYNCHRONY_PAIR_PAIR_TRACK_H_
#define ATTUNE_SERVICES_SYNCHRONY_PAIR_PAIR_TRACK_H_

#include <cstddef>
#include <memory_resource>
#include <optional>
#include <utility>

#include "services/synchrony/chance/moments.h"
#include "services/synchrony/chance/phase_sums.h"
#include "services/synchrony/chance/shift_sums.h"
#include "services/synchrony/params.h"
#include "services/synchrony/person_track.h"

namespace attune::synchrony {

class alignas(64) PairTrack {
 public:
  // The sums lie in `memory`, which must outlive the track.
  PairTrack(const Params& params, std::pmr::memory_resource* memory)
      : shifts_(SpanWindows(params), memory) {}
  // As `other`, moved to `memory`.
  PairTrack(PairTrack&& other, std::pmr::memory_resource* memory)
      : of_shifts(other.of_shifts),
        of_phases(other.of_phases),
        shifts_(std::move(other.shifts_), memory) {
    if (other.phases_.has_value()) phases_.emplace(std::move(*other.phases_), memory);
  }

  // What its sums take of `memory`.
  static size_t SumBytes(const Params& params, bool phases) {
    return static_cast<size_t>(SpanWindows(params)) * sizeof(int64_t) +
           (phases ? 2 * static_cast<size_t>(SpanPhases(params)) * sizeof(int32_t) : 0);
  }

  // Only for pairs that somebody looks at; the group needs the windows alone.
  void KeepPhases(const Params& params, std::pmr::memory_resource* memory) {
    if (!phases_.has_value()) phases_.emplace(SpanPhases(params), memory);
  }
  void DropPhases() {
    phases_.reset();
    of_phases = {};
  }
  bool keeps_phases() const { return phases_.has_value(); }

  // After every step of both people; the shift sums are followed for all pairs at once
  // (chance/shift_rows.h).
  void FollowPhases(const PersonTrack& a, const PersonTrack& b, const Kernels& kernels) {
    if (phases_.has_value()) phases_->Follow(a.phases(), b.phases(), kernels);
    if (!a.windows().changes().empty() || !b.windows().changes().empty()) of_shifts = {};
    if (!a.phases().changes().empty() || !b.phases().changes().empty()) of_phases = {};
  }

  ShiftSums* mutable_shifts() { return &shifts_; }
  const ShiftSums& shifts() const { return shifts_; }
  const PhaseSums& phases() const { return *phases_; }  // after KeepPhases()

  // What the sums say, kept by whoever looks; not known any more once they have changed. Between
  // two moments the sums themselves, which are far away, need not be read.
  struct Kept {
    int cells = -1;  // beneath the observed value; -1: not known
    double value = 0;
    Standing standing;
  };
  Kept of_shifts;
  Kept of_phases;

  size_t MemoryBytes() const {
    return sizeof(*this) + shifts_.MemoryBytes() + (keeps_phases() ? phases_->MemoryBytes() : 0);
  }

 private:
  ShiftSums shifts_;
  std::optional<PhaseSums> phases_;
};

}  // namespace attune::synchrony

#endif  // ATTUNE_SERVICES_SYNCHRONY_PAIR_PAIR_TRACK_H_
