#include "services/synchrony/signal/channel.h"

#include <cmath>
#include <cstddef>
#include <limits>

#include "services/synchrony/dsp/math.h"

namespace attune::synchrony {
namespace {

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

constexpr double kRsaCentreHz = 0.26;
constexpr int kRsaHalf = 13;    // 2 / 14 Hz = 0.14 Hz to either side
constexpr int kPacerHalf = 66;  // 2 / 67 Hz = 0.03 Hz

double CentreHz(Channel channel, double pacer_hz, const Params& params) {
  switch (channel) {
    case Channel::kRsa:
      return kRsaCentreHz;
    case Channel::kPacer:
      return pacer_hz;
    default:
      return params.phase_centre_hz;
  }
}

PhaseFilter MakeFilter(Channel channel, double centre_hz, const Params& params) {
  switch (channel) {
    case Channel::kRsa:
      return {centre_hz, kRsaHalf, params.phase_min_valid_share};
    case Channel::kPacer:
      return {centre_hz, kPacerHalf, params.phase_min_valid_share};
    default:
      return PhaseFilter(params);
  }
}

// Least-squares line through the samples that are there.
void RemoveLineWithGaps(std::vector<double>& x) {
  double n = 0, sum_t = 0, sum_x = 0;
  for (size_t i = 0; i < x.size(); ++i) {
    if (std::isnan(x[i])) continue;
    ++n;
    sum_t += static_cast<double>(i);
    sum_x += x[i];
  }
  if (n == 0) return;
  const double mean_t = sum_t / n;
  const double mean_x = sum_x / n;
  double tt = 0, tx = 0;
  for (size_t i = 0; i < x.size(); ++i) {
    if (std::isnan(x[i])) continue;
    const double t = static_cast<double>(i) - mean_t;
    tt += t * t;
    tx += t * (x[i] - mean_x);
  }
  const double slope = tt > 0 ? tx / tt : 0;
  for (size_t i = 0; i < x.size(); ++i) {
    x[i] -= mean_x + slope * (static_cast<double>(i) - mean_t);
  }
}

}  // namespace

BandFilter::BandFilter(Channel channel, double pacer_hz, const Params& params)
    : filter_(MakeFilter(channel, CentreHz(channel, pacer_hz, params), params)),
      min_valid_share_(params.phase_min_valid_share) {
  // The real part of what exp(i w t) at the centre comes out as; a cosine is half of it.
  const double centre_hz = CentreHz(channel, pacer_hz, params);
  double gain = 0;
  for (int k = -half(); k <= half(); ++k) {
    const dsp::SinCos turn = dsp::SinCosPi(2 * centre_hz * k / kSamplesPerSecond);
    const size_t i = static_cast<size_t>(k + half());
    gain += filter_.re()[i] * turn.cos - filter_.im()[i] * turn.sin;
  }
  scale_ = 2 / gain;
}

std::vector<dsp::Complex> BandFilter::Apply(std::span<const double> grid_ms) const {
  std::vector<dsp::Complex> out(grid_ms.size(), {kNan, kNan});
  const size_t length = static_cast<size_t>(filter_.length());
  for (size_t start = 0; start + length <= grid_ms.size(); ++start) {
    double n = 0, sum = 0, re = 0, im = 0, re_gain = 0, im_gain = 0;
    for (size_t i = 0; i < length; ++i) {
      const double x = grid_ms[start + i];
      if (std::isnan(x)) continue;
      ++n;
      sum += x;
      re += filter_.re()[i] * x;
      im += filter_.im()[i] * x;
      re_gain += filter_.re()[i];
      im_gain += filter_.im()[i];
    }
    if (n < min_valid_share_ * static_cast<double>(length)) continue;
    const double mean = sum / n;
    out[start + static_cast<size_t>(half())] = {scale_ * (re - mean * re_gain),
                                                scale_ * (im - mean * im_gain)};
  }
  return out;
}

std::vector<double> ChannelOf(Channel channel, std::span<const double> grid_ms, double pacer_hz,
                              const Params& params) {
  std::vector<double> out(grid_ms.begin(), grid_ms.end());
  if (channel == Channel::kRaw) return out;
  if (channel == Channel::kDetrended) {
    RemoveLineWithGaps(out);
    return out;
  }
  const std::vector<dsp::Complex> band = BandFilter(channel, pacer_hz, params).Apply(grid_ms);
  for (size_t i = 0; i < out.size(); ++i) out[i] = band[i].re;
  return out;
}

}  // namespace attune::synchrony
