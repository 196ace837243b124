// The order parameter of a group (Kuramoto): R(t) = |mean over people of exp(i phase)|, averaged
// over time. 1: all in step; N independent people give about sqrt(pi / (4 N)), which is why a value
// says nothing without its chance level.
//
// Chance: in each of a fixed number of draws everybody's phases are delayed by a time of their own,
// which takes the step between people away and leaves each of them as they are. A moment's R is
// computed once per draw; the means over the window slide. So a tick costs draws x people,
// whatever the window.
#ifndef ATTUNE_SERVICES_SYNCHRONY_GROUP_ORDER_H_
#define ATTUNE_SERVICES_SYNCHRONY_GROUP_ORDER_H_

#include <cstddef>
#include <cstdint>
#include <memory_resource>
#include <vector>

#include "services/synchrony/params.h"
#include "services/synchrony/signal/phase.h"

namespace attune::synchrony {

// R of one moment over the vectors that are valid; -1 with fewer than `min_valid` of them.
double OrderParameter(const std::vector<UnitVector>& people, int min_valid);

// The mean of R over the last order_window_seconds, as observed and in each draw; the same whatever
// came before.
class OrderTrack {
 public:
  // `params` must outlive this, as must `memory`, in which it lies.
  explicit OrderTrack(const Params& params,
                      std::pmr::memory_resource* memory = std::pmr::get_default_resource());

  // Brings it to `moment`; the rings (one a contributor, all stepped to it) hold SpanPhases()
  // moments each. A moment with fewer than contributor_min_coverage of them valid is left out.
  // False when nothing had to be done: Mean() says what it said before.
  bool Follow(const std::vector<const PhaseRing*>& people, int64_t moment);
  // Whose rings these are has changed (or may have).
  void Forget() { known_ = -1; }

  int draws() const { return columns_ - 1; }
  // draw -1: as observed. False when more than half of the window's moments were left out.
  bool Mean(int draw, double* r) const;

  size_t MemoryBytes() const;

 private:
  void ChooseDelays(int people, int range);
  void Moment(const std::vector<const PhaseRing*>& people, int64_t moment);

  const Params& params_;
  int columns_;  // observed, then the draws
  int window_;   // moments
  int64_t known_ = -1;
  std::pmr::vector<uint32_t> revisions_;
  // Delay in moments of each person in each column, by person.
  int people_ = 0;
  int range_ = 0;
  std::pmr::vector<uint8_t> delays_;
  // R of each moment in the window in each column, in units of 2^-30, -1: left out; their sums.
  std::pmr::vector<int32_t> moments_;
  std::pmr::vector<int64_t> sums_;
  std::pmr::vector<int32_t> used_;
};

}  // namespace attune::synchrony

#endif  // ATTUNE_SERVICES_SYNCHRONY_GROUP_ORDER_H_
