#include "services/synchrony/pair/coherence.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "services/synchrony/dsp/clean_run.h"
#include "services/synchrony/dsp/complex.h"
#include "services/synchrony/dsp/spectrum.h"
#include "services/synchrony/dsp/varies.h"

namespace attune::synchrony {

double Coherence::BandMean(double low_hz, double high_hz) const {
  double sum = 0;
  int bins = 0;
  for (size_t k = 0; k < squared.size(); ++k) {
    const double hz = static_cast<double>(k) * df_hz;
    if (hz < low_hz || hz >= high_hz) continue;
    sum += squared[k];
    ++bins;
  }
  return bins > 0 ? sum / bins : std::numeric_limits<double>::quiet_NaN();
}

Coherence CoherenceOf(std::span<const double> a, std::span<const double> b,
                      const CoherenceShape& shape) {
  Coherence result;
  if (!dsp::Varies(a) || !dsp::Varies(b)) return result;
  std::vector<double> sxx, syy;
  std::vector<dsp::Complex> sxy;
  for (const dsp::CleanRun& run : dsp::CleanRuns(a, b)) {
    const dsp::CrossSpectrum part =
        dsp::WelchCross(a.subspan(run.begin, run.count), b.subspan(run.begin, run.count),
                        shape.rate_hz, shape.segment, shape.overlap);
    if (part.segments == 0) continue;
    const double weight = part.segments;
    sxx.resize(part.sxx.size());
    syy.resize(part.sxx.size());
    sxy.resize(part.sxx.size());
    for (size_t k = 0; k < part.sxx.size(); ++k) {
      sxx[k] += weight * part.sxx[k];
      syy[k] += weight * part.syy[k];
      sxy[k] += weight * part.sxy[k];
    }
    result.segments += part.segments;
    result.df_hz = part.df_hz;
  }
  for (size_t k = 0; k < sxx.size(); ++k) {
    const double power = sxx[k] * syy[k];
    result.squared.push_back(power > 0 ? std::min(1.0, dsp::SquaredAbs(sxy[k]) / power) : 0);
  }
  return result;
}

double CoherenceBias(int segments) {
  const double k = segments;
  return (1 + (k - 1) / (18 * k)) / k;
}

}  // namespace attune::synchrony
