// All that is kept of one pair between ticks: sums over the circular shifts of one against the
// other.
#ifndef ATTUNE_SERVICES_SYNCHRONY_PAIR_PAIR_TRACK_H_
#define ATTUNE_SERVICES_SYNCHRONY_PAIR_PAIR_TRACK_H_

#include <cstddef>
#include <memory>

#include "services/synchrony/chance/moments.h"
#include "services/synchrony/chance/phase_sums.h"
#include "services/synchrony/chance/shift_sums.h"
#include "services/synchrony/params.h"
#include "services/synchrony/person_track.h"

namespace attune::synchrony {

class PairTrack {
 public:
  explicit PairTrack(const Params& params) : shifts_(SpanWindows(params)) {}

  // Only for pairs that somebody looks at; the group needs the windows alone.
  void KeepPhases(const Params& params) {
    if (phases_ == nullptr) phases_ = std::make_unique<PhaseSums>(SpanPhases(params));
  }
  void DropPhases() {
    phases_.reset();
    phases_standing.known = false;
  }

  // After every step of both people; the shift sums are followed for all pairs at once
  // (chance/shift_rows.h).
  void FollowPhases(const PersonTrack& a, const PersonTrack& b, const Kernels& kernels) {
    if (phases_ != nullptr) phases_->Follow(a.phases(), b.phases(), kernels);
    shifts_standing.known &= a.windows().changes().empty() && b.windows().changes().empty();
    phases_standing.known &= a.phases().changes().empty() && b.phases().changes().empty();
  }

  // FollowPhases() will be called soon.
  void PrefetchPhases(const PersonTrack& a, const PersonTrack& b) const {
    if (phases_ == nullptr || (a.phases().changes().empty() && b.phases().changes().empty()))
      return;
    phases_->Prefetch();
  }

  ShiftSums* mutable_shifts() { return &shifts_; }
  const ShiftSums& shifts() const { return shifts_; }
  const PhaseSums& phases() const { return *phases_; }  // after KeepPhases()

  // Kept by whoever looks; not known any more once the sums have changed.
  Standing shifts_standing;
  Standing phases_standing;

  size_t MemoryBytes() const {
    return sizeof(*this) + shifts_.MemoryBytes() +
           (phases_ == nullptr ? 0 : sizeof(PhaseSums) + phases_->MemoryBytes());
  }

 private:
  ShiftSums shifts_;
  std::unique_ptr<PhaseSums> phases_;
};

}  // namespace attune::synchrony

#endif  // ATTUNE_SERVICES_SYNCHRONY_PAIR_PAIR_TRACK_H_
