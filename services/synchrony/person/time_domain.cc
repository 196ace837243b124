#include "services/synchrony/person/time_domain.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>

#include "services/synchrony/dsp/stats.h"

namespace attune::synchrony {
namespace {

double ShareAbovePct(std::span<const double> differences_ms, double limit_ms) {
  int above = 0;
  for (double d : differences_ms) above += std::fabs(d) > limit_ms ? 1 : 0;
  return 100.0 * above / static_cast<double>(differences_ms.size());
}

}  // namespace

Intervals IntervalsOf(const Stretch& stretch) {
  Intervals out;
  for (size_t k = 0; k < stretch.nn.size(); ++k) {
    const NnInterval& nn = stretch.nn[k];
    if (nn.corrected) continue;
    out.nn_ms.push_back(nn.nn_ms);
    if (nn.adjacent && k > 0) out.differences_ms.push_back(nn.nn_ms - stretch.nn[k - 1].nn_ms);
  }
  return out;
}

IntervalStatistics StatisticsOf(std::span<const double> nn_ms,
                                std::span<const double> differences_ms) {
  IntervalStatistics out;
  out.mean_nn_ms = dsp::Mean(nn_ms);
  out.sdnn_ms = dsp::StandardDeviation(nn_ms, 1);
  double squares = 0;
  for (double d : differences_ms) squares += d * d;
  out.rmssd_ms = std::sqrt(squares / static_cast<double>(differences_ms.size()));
  out.sdsd_ms = dsp::StandardDeviation(differences_ms, 1);
  out.pnn50_pct = ShareAbovePct(differences_ms, 50);
  out.pnn20_pct = ShareAbovePct(differences_ms, 20);
  out.sd1_ms = out.sdsd_ms / std::sqrt(2.0);
  const double sd2_squared = 2 * out.sdnn_ms * out.sdnn_ms - out.sdsd_ms * out.sdsd_ms / 2;
  out.sd2_ms = std::isnan(sd2_squared) ? std::numeric_limits<double>::quiet_NaN()
                                       : std::sqrt(std::max(0.0, sd2_squared));
  return out;
}

}  // namespace attune::synchrony
