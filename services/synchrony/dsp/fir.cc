#include "services/synchrony/dsp/fir.h"

#include <cstddef>

#include "services/synchrony/dsp/math.h"

namespace attune::synchrony::dsp {
namespace {

// Least-squares cubic through 2 m + 1 samples at -m..m, in polynomials orthogonal there:
// 1, k, k^2 - a, k^3 - b k.
class Cubic {
 public:
  explicit Cubic(int m) : m_(m) {
    double k4 = 0, k6 = 0;
    for (int k = -m; k <= m; ++k) {
      const double k2 = static_cast<double>(k) * k;
      square_sum_[1] += k2;
      k4 += k2 * k2;
      k6 += k2 * k2 * k2;
    }
    square_sum_[0] = 2 * m + 1;
    a_ = square_sum_[1] / square_sum_[0];
    b_ = k4 / square_sum_[1];
    square_sum_[2] = k4 - a_ * square_sum_[1];
    square_sum_[3] = k6 - b_ * k4;
  }

  // What sample k weighs in the value at `at`.
  double Weight(int k, int at) const {
    double sum = 0;
    for (int p = 0; p < 4; ++p) sum += Polynomial(p, k) * Polynomial(p, at) / square_sum_[p];
    return sum;
  }

  double At(std::span<const double> x, int at) const {
    double sum = 0;
    for (int k = -m_; k <= m_; ++k) sum += Weight(k, at) * x[static_cast<size_t>(k + m_)];
    return sum;
  }

 private:
  double Polynomial(int p, double k) const {
    switch (p) {
      case 0:
        return 1;
      case 1:
        return k;
      case 2:
        return k * k - a_;
      default:
        return k * (k * k - b_);
    }
  }

  int m_;
  double a_ = 0;
  double b_ = 0;
  double square_sum_[4] = {0, 0, 0, 0};
};

}  // namespace

std::vector<double> FirBandPass(int taps, double low_hz, double high_hz, double rate_hz) {
  const double low = 2 * low_hz / rate_hz;
  const double high = 2 * high_hz / rate_hz;
  const double centre = (low + high) / 2;
  const int half = (taps - 1) / 2;
  std::vector<double> filter;
  double gain = 0;
  for (int k = -half; k <= half; ++k) {
    // high sinc(high k) - low sinc(low k), sinc(x) = sin(pi x) / (pi x)
    const double ideal = k == 0 ? high - low : (SinPi(high * k) - SinPi(low * k)) / (kPi * k);
    const double window = 0.54 + 0.46 * CosPi(static_cast<double>(k) / half);
    filter.push_back(ideal * window);
    gain += filter.back() * CosPi(centre * k);
  }
  for (double& tap : filter) tap /= gain;
  return filter;
}

std::vector<double> ConvolveValid(std::span<const double> x, std::span<const double> filter) {
  if (x.size() < filter.size()) return {};
  std::vector<double> out(x.size() - filter.size() + 1);
  for (size_t i = 0; i < out.size(); ++i) {
    double sum = 0;
    for (size_t k = 0; k < filter.size(); ++k) sum += filter[filter.size() - 1 - k] * x[i + k];
    out[i] = sum;
  }
  return out;
}

std::vector<double> MovingCubic(std::span<const double> x, int points) {
  const size_t n = static_cast<size_t>(points);
  if (x.size() < n) return {};
  const int m = points / 2;
  const Cubic cubic(m);
  std::vector<double> middle;
  for (int k = -m; k <= m; ++k) middle.push_back(cubic.Weight(k, 0));
  std::vector<double> out;
  out.reserve(x.size());
  for (int at = -m; at < 0; ++at) out.push_back(cubic.At(x.first(n), at));
  const std::vector<double> inside = ConvolveValid(x, middle);
  out.insert(out.end(), inside.begin(), inside.end());
  for (int at = 1; at <= m; ++at) out.push_back(cubic.At(x.last(n), at));
  return out;
}

}  // namespace attune::synchrony::dsp
