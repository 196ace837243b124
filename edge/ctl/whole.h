// Measures over a whole recording: those that cannot be had live.
#ifndef ATTUNE_EDGE_CTL_WHOLE_H_
#define ATTUNE_EDGE_CTL_WHOLE_H_

#include <vector>

#include "attune/v1/analysis.pb.h"
#include "services/synchrony/measure.h"
#include "services/synchrony/params.h"
#include "services/synchrony/replay/plan.h"

namespace attune::edge {

// Holds what it needs of the plan. Not thread-safe.
class WholeMeasures {
 public:
  // `measures`: of Availability::kBatch, ascending. People and pairs as the plan has them at its
  // end, all of its length.
  WholeMeasures(const synchrony::Plan& plan, std::vector<synchrony::Measure> measures);

  void WriteTo(const synchrony::Params& params, v1::Analysis& analysis) const;

 private:
  const std::vector<synchrony::Measure> measures_;
  synchrony::Plan plan_;  // empty when nothing is asked for
};

}  // namespace attune::edge

#endif  // ATTUNE_EDGE_CTL_WHOLE_H_
