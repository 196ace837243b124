#include "edge/ctl/whole.h"

#include <utility>

namespace attune::edge {

WholeMeasures::WholeMeasures(const synchrony::Plan& plan, std::vector<synchrony::Measure> measures)
    : measures_(std::move(measures)) {
  if (!measures_.empty()) plan_ = plan;
}

void WholeMeasures::WriteTo(const synchrony::Params& params, v1::Analysis& analysis) const {
  (void)params;
  (void)analysis;
}

}  // namespace attune::edge
