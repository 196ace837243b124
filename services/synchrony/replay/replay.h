// Runs a plan through a fresh engine, tick by tick as if live, and sums it up by phase.
//
// The one way from beats to a report: services/session makes its report with it, and so does
// `attunectl analyze` with recordings and exports. Late beats count, because all are there from the
// start; otherwise every tick is what it was live.
//
// Which ticks enter the summary:
//   person   those that end at counts_from_us or later
//   pair     those that count for both
//   group    those with at least group_least contributors, the same for group_settle_us
//   measures beyond the core: as above, each value once (they have their own cadence)
//
// Same plan, same parameters, same bits. Bounded by the plan. One caller at a time.
#ifndef ATTUNE_SERVICES_SYNCHRONY_REPLAY_REPLAY_H_
#define ATTUNE_SERVICES_SYNCHRONY_REPLAY_REPLAY_H_

#include <cstdint>
#include <map>
#include <utility>
#include <vector>

#include "services/synchrony/engine.h"
#include "services/synchrony/group/baseline.h"
#include "services/synchrony/replay/mean_number.h"
#include "services/synchrony/replay/plan.h"
#include "services/synchrony/replay/summary.h"

namespace attune::synchrony {

class Replay {
 public:
  Replay(Plan plan, const Params& params);

  int64_t tick() const { return tick_; }    // the last one made; 0: none
  int64_t ticks() const { return ticks_; }  // in all
  bool Done() const { return tick_ >= ticks_; }

  // Makes the next tick; not to be called when Done(). Valid until the next call.
  const Frame& Step();
  // Number of the phase in which the last tick lies.
  uint32_t phase() const;

  // Of the ticks made so far.
  Summary Sum() const;

 private:
  // A measure beyond the core, by phase; each value once.
  struct MoreSums {
    std::vector<MeanNumber> by_phase;
    int64_t as_of_us = -1;  // of the last value added
  };
  using More = std::map<Measure, MoreSums>;
  struct PersonSums {
    std::vector<MeanNumber> hr_bpm;  // by phase
    std::vector<MeanNumber> rmssd_ms;
    More more;
    double coverage = 0;
    uint64_t coverage_ticks = 0;
  };
  struct PairSums {
    std::vector<MeanNumber> r_mean_windowed;  // by phase
    std::vector<MeanNumber> plv_lf;
    More more;
  };
  struct GroupSums {
    std::vector<MeanNumber> order_parameter;  // by phase
    std::vector<MeanNumber> r_mean_pairwise;
    std::vector<int> fewest;
    More more;
    std::map<Measure, std::vector<ValueAt>> values;  // that count, for changes from the baseline
  };

  size_t IndexOf(int person) const;
  void Feed(int64_t through_us);
  void CountPerson(const PersonNumbers& numbers, int64_t tick_end_us);
  void CountPair(const PairNumbers& numbers, int64_t tick_end_us);
  void CountGroup(const GroupNumbers& numbers, int64_t tick_end_us);
  void CountMore(const std::vector<NamedNumber>& named, More* more) const;
  std::vector<NamedNumber> SumMore(const More& more, Subject subject, size_t phase) const;
  std::vector<MeanNumber> ByPhase() const;
  DataQuality Quality(size_t index) const;
  void Keep(Measure measure, int64_t as_of_us, const Number& number);
  std::vector<PhaseChange> Changes(const PlanPhase& phase) const;

  const Plan plan_;
  const Params params_;
  Engine engine_;
  const int64_t ticks_;
  int64_t tick_ = 0;
  size_t phase_ = 0;  // index
  Frame frame_;
  std::vector<std::vector<Beat>> beats_;  // as the engine keeps them
  std::vector<size_t> fed_;
  std::vector<PersonSums> people_;  // as Plan::people
  std::map<std::pair<int, int>, PairSums> pairs_;
  GroupSums group_;
  std::vector<int> contributors_;
  int64_t contributors_since_us_ = 0;
};

}  // namespace attune::synchrony

#endif  // ATTUNE_SERVICES_SYNCHRONY_REPLAY_REPLAY_H_
