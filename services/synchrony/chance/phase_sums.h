// Phase locking of two people over every circular shift, kept as the session runs.
//
// S_k is the sum of u_i conj(v_j) over all slots with i - j = k (mod size) of the two people's unit
// vectors (signal/phase.h), C_k counts those where both have a phase. |S_0| / C_0 is the observed
// phase locking value (Lachaux et al. 1999), arg S_0 the phase by which b is behind a. Integers,
// kept as in shift_sums.h.
#ifndef ATTUNE_SERVICES_SYNCHRONY_CHANCE_PHASE_SUMS_H_
#define ATTUNE_SERVICES_SYNCHRONY_CHANCE_PHASE_SUMS_H_

#include <cstddef>
#include <cstdint>
#include <memory_resource>
#include <utility>
#include <vector>

#include "services/synchrony/chance/shift_counts.h"
#include "services/synchrony/kernel/kernels.h"
#include "services/synchrony/signal/phase.h"

namespace attune::synchrony {

class PhaseSums {
 public:
  // The sums lie in `memory`, which must outlive them.
  explicit PhaseSums(int size,
                     std::pmr::memory_resource* memory = std::pmr::get_default_resource());
  // As `other`, moved to `memory`.
  PhaseSums(PhaseSums&& other, std::pmr::memory_resource* memory);

  // After every step of the two rings; the first time from nothing.
  void Follow(const PhaseRing& a, const PhaseRing& b, const Kernels& kernels);
  // From nothing, always (the reference).
  void Recompute(const PhaseRing& a, const PhaseRing& b, const Kernels& kernels);

  int size() const { return static_cast<int>(re_.size()); }
  bool complete() const { return complete_; }
  int count(int shift) const { return complete_ ? size() : counts_.at(shift); }

  // S_k in units of kPhaseScale^2.
  const int32_t* re() const { return re_.data(); }
  const int32_t* im() const { return im_.data(); }

  friend bool operator==(const PhaseSums& x, const PhaseSums& y) {
    return x.re_ == y.re_ && x.im_ == y.im_ && x.counts_ == y.counts_ && x.complete_ == y.complete_;
  }

  size_t MemoryBytes() const {
    return (re_.capacity() + im_.capacity()) * sizeof(int32_t) + counts_.MemoryBytes();
  }

 private:
  void AddRowOfA(int slot, const int32_t* re, const int32_t* im);
  void AddRowOfB(int slot, const int32_t* re, const int32_t* im);

  bool begun_ = false;
  bool complete_ = false;
  std::pmr::vector<int32_t> re_;
  std::pmr::vector<int32_t> im_;
  ShiftCounts counts_;
};

}  // namespace attune::synchrony

#endif  // ATTUNE_SERVICES_SYNCHRONY_CHANCE_PHASE_SUMS_H_
