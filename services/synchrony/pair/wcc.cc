#include "services/synchrony/pair/wcc.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <limits>

namespace attune::synchrony {
namespace {

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();
// A window whose squares about its mean (or line) are below this share of its plain squares is
// rounding noise.
constexpr double kFlat = 1e-18;

struct Residuals {
  std::vector<double> a, b;  // about mean or line; 0 where a pair is missing
  int pairs = 0;
};

// Reads `n` pairs, leaves out those with a NaN.
void Fill(const double* a, const double* b, size_t n, bool remove_line, Residuals* out) {
  out->a.assign(n, 0);
  out->b.assign(n, 0);
  double count = 0, ma = 0, mb = 0, mu = 0;
  for (size_t i = 0; i < n; ++i) {
    if (std::isnan(a[i]) || std::isnan(b[i])) continue;
    count += 1;
    ma += a[i];
    mb += b[i];
    mu += static_cast<double>(i);
  }
  out->pairs = static_cast<int>(count);
  if (count == 0) return;
  ma /= count;
  mb /= count;
  mu /= count;
  double slope_a = 0, slope_b = 0;
  if (remove_line) {
    double ua = 0, ub = 0, uu = 0;
    for (size_t i = 0; i < n; ++i) {
      if (std::isnan(a[i]) || std::isnan(b[i])) continue;
      const double u = static_cast<double>(i) - mu;
      ua += u * (a[i] - ma);
      ub += u * (b[i] - mb);
      uu += u * u;
    }
    if (uu > 0) slope_a = ua / uu, slope_b = ub / uu;
  }
  for (size_t i = 0; i < n; ++i) {
    if (std::isnan(a[i]) || std::isnan(b[i])) continue;
    const double u = static_cast<double>(i) - mu;
    out->a[i] = a[i] - ma - slope_a * u;
    out->b[i] = b[i] - mb - slope_b * u;
  }
}

double SumOfProducts(const double* x, const double* y, size_t n) {
  // Four chains of additions, in a fixed order.
  double s0 = 0, s1 = 0, s2 = 0, s3 = 0;
  size_t i = 0;
  for (; i + 4 <= n; i += 4) {
    s0 += x[i] * y[i];
    s1 += x[i + 1] * y[i + 1];
    s2 += x[i + 2] * y[i + 2];
    s3 += x[i + 3] * y[i + 3];
  }
  for (; i < n; ++i) s0 += x[i] * y[i];
  return (s0 + s1) + (s2 + s3);
}

double Ratio(double ab, double aa, double bb) {
  return aa > 0 && bb > 0 ? std::clamp(ab / std::sqrt(aa * bb), -1.0, 1.0) : kNaN;
}

// Every complete window of a series about its mean or line, scaled to length 1; made when first
// asked for.
class UnitWindows {
 public:
  UnitWindows(std::span<const double> x, size_t length, bool remove_line)
      : x_(x), length_(length), remove_line_(remove_line) {
    missing_before_.push_back(0);
    for (double v : x) missing_before_.push_back(missing_before_.back() + (std::isnan(v) ? 1 : 0));
    state_.resize(x.size() - length + 1, kUnmade);
    values_.resize(state_.size() * length);
  }

  bool Complete(size_t start) const {
    return missing_before_[start + length_] == missing_before_[start];
  }
  // Of a complete window; null when it is flat.
  const double* At(size_t start) {
    double* values = &values_[start * length_];
    if (state_[start] == kUnmade) state_[start] = Make(&x_[start], values) ? kMade : kFlatWindow;
    return state_[start] == kMade ? values : nullptr;
  }

 private:
  enum State : unsigned char { kUnmade, kMade, kFlatWindow };

  bool Make(const double* x, double* out) const {
    const double n = static_cast<double>(length_);
    double mean = 0, slope = 0;
    for (size_t i = 0; i < length_; ++i) mean += x[i];
    mean /= n;
    if (remove_line_) {
      double xu = 0, uu = 0;
      for (size_t i = 0; i < length_; ++i) {
        const double u = static_cast<double>(i) - (n - 1) / 2;
        xu += (x[i] - mean) * u;
        uu += u * u;
      }
      if (uu > 0) slope = xu / uu;
    }
    for (size_t i = 0; i < length_; ++i) {
      out[i] = x[i] - mean - slope * (static_cast<double>(i) - (n - 1) / 2);
    }
    const double square = SumOfProducts(out, out, length_);
    if (!(square > kFlat * SumOfProducts(x, x, length_))) return false;
    const double scale = 1 / std::sqrt(square);
    for (size_t i = 0; i < length_; ++i) out[i] *= scale;
    return true;
  }

  std::span<const double> x_;
  size_t length_;
  bool remove_line_;
  std::vector<int> missing_before_;
  std::vector<State> state_;
  std::vector<double> values_;
};

// Top of the parabola through (-1, before), (0, top), (1, after), top the largest.
Peak Parabola(double lag, double before, double top, double after) {
  const double bend = before - 2 * top + after;
  const double shift = bend < 0 ? std::clamp(0.5 * (before - after) / bend, -0.5, 0.5) : 0;
  return {true, lag + shift, std::clamp(top - 0.25 * (before - after) * shift, -1.0, 1.0)};
}

// The largest value, if it is not at an end and no cell is missing.
Peak LargestWithin(std::span<const double> row, int max_lag) {
  size_t best = 0;
  for (size_t i = 0; i < row.size(); ++i) {
    if (std::isnan(row[i])) return {};
    const auto distance = [max_lag](size_t k) { return std::abs(static_cast<int>(k) - max_lag); };
    if (row[i] > row[best] || (row[i] == row[best] && distance(i) < distance(best))) best = i;
  }
  if (best == 0 || best + 1 >= row.size()) return {};
  return Parabola(static_cast<double>(best) - max_lag, row[best - 1], row[best], row[best + 1]);
}

// How many independent pairs the residuals are worth (Bartlett 1946): their number over the sum of
// the products of both autocorrelations. These are the plain sums, which shrink with the distance:
// that keeps the far ones, known from few pairs, from deciding.
double IndependentPairs(const Residuals& residuals) {
  const size_t n = residuals.a.size();
  const double* a = residuals.a.data();
  const double* b = residuals.b.data();
  const double scale = SumOfProducts(a, a, n) * SumOfProducts(b, b, n);
  double sum = 0;
  for (size_t k = 1; k < n; ++k) {
    sum += SumOfProducts(a, a + k, n - k) * SumOfProducts(b, b + k, n - k);
  }
  return residuals.pairs / std::max(1.0, 1 + 2 * sum / scale);
}

}  // namespace

LaggedMatrix WindowedLaggedCorrelation(std::span<const double> a, std::span<const double> b,
                                       const WccShape& shape) {
  LaggedMatrix matrix;
  matrix.max_lag = shape.max_lag;
  const size_t window = static_cast<size_t>(shape.window);
  const size_t max_lag = static_cast<size_t>(shape.max_lag);
  if (a.size() != b.size() || a.size() < window + max_lag) return matrix;
  UnitWindows wa(a, window, shape.remove_line), wb(b, window, shape.remove_line);
  Residuals residuals;
  for (size_t p = max_lag; p + window <= a.size(); p += static_cast<size_t>(shape.hop)) {
    ++matrix.rows;
    for (int lag = -shape.max_lag; lag <= shape.max_lag; ++lag) {
      const size_t start_a = lag > 0 ? p - static_cast<size_t>(lag) : p;
      const size_t start_b = lag < 0 ? p - static_cast<size_t>(-lag) : p;
      if (wa.Complete(start_a) && wb.Complete(start_b)) {
        const double* ua = wa.At(start_a);
        const double* ub = wb.At(start_b);
        matrix.r.push_back(ua && ub ? std::clamp(SumOfProducts(ua, ub, window), -1.0, 1.0) : kNaN);
        continue;
      }
      Fill(&a[start_a], &b[start_b], window, shape.remove_line, &residuals);
      const double* ra = residuals.a.data();
      const double* rb = residuals.b.data();
      matrix.r.push_back(residuals.pairs < shape.min_valid_share * shape.window ||
                                 residuals.pairs < 3
                             ? kNaN
                             : Ratio(SumOfProducts(ra, rb, window), SumOfProducts(ra, ra, window),
                                     SumOfProducts(rb, rb, window)));
    }
  }
  return matrix;
}

std::vector<double> MeanByLag(const LaggedMatrix& matrix) {
  const size_t width = static_cast<size_t>(2 * matrix.max_lag + 1);
  std::vector<double> sum(width), count(width);
  for (size_t row = 0; row < matrix.rows; ++row) {
    const std::span<const double> r = matrix.Row(row);
    for (size_t i = 0; i < width; ++i) {
      if (std::isnan(r[i])) continue;
      sum[i] += r[i];
      count[i] += 1;
    }
  }
  for (size_t i = 0; i < width; ++i) sum[i] = count[i] > 0 ? sum[i] / count[i] : kNaN;
  return sum;
}

PeakPicker::PeakPicker(int max_lag, int look_ahead, double span_share)
    : max_lag_(max_lag), look_ahead_(look_ahead) {
  const int width = 2 * max_lag + 1;
  // At least five points for a quadratic that smooths.
  reach_ = std::max(2, static_cast<int>(span_share * width / 2));
  for (int at = 0; at < width; ++at) {
    // Weighted normal equations of 1, u, u^2 about `at`; the fit read at u = 0 is the first row of
    // their inverse, applied to the weighted powers.
    double m[5] = {};
    std::vector<double> weight(static_cast<size_t>(2 * reach_ + 1));
    for (int u = -reach_; u <= reach_; ++u) {
      if (at + u < 0 || at + u >= width) continue;
      const double d = std::fabs(static_cast<double>(u)) / (reach_ + 1);
      const double cube = 1 - d * d * d;
      const double w = cube * cube * cube;
      weight[static_cast<size_t>(u + reach_)] = w;
      double power = w;
      for (double& sum : m) sum += power, power *= u;
    }
    const double c0 = m[2] * m[4] - m[3] * m[3];
    const double c1 = m[2] * m[3] - m[1] * m[4];
    const double c2 = m[1] * m[3] - m[2] * m[2];
    const double determinant = m[0] * c0 + m[1] * c1 + m[2] * c2;
    for (int u = -reach_; u <= reach_; ++u) {
      smoother_.push_back(weight[static_cast<size_t>(u + reach_)] * (c0 + c1 * u + c2 * u * u) /
                          determinant);
    }
  }
}

Peak PeakPicker::Pick(std::span<const double> row) const {
  const int width = 2 * max_lag_ + 1;
  std::vector<double> smooth(static_cast<size_t>(width));
  const double* weight = smoother_.data();
  for (int at = 0; at < width; ++at) {
    for (int u = -reach_; u <= reach_; ++u, ++weight) {
      if (at + u >= 0 && at + u < width) {
        smooth[static_cast<size_t>(at)] += *weight * row[static_cast<size_t>(at + u)];
      }
    }
    if (std::isnan(smooth[static_cast<size_t>(at)])) return {};
  }
  const auto is_peak = [&](int at) {
    if (at <= 0 || at >= width - 1) return false;
    for (int k = -look_ahead_; k <= look_ahead_; ++k) {
      if (k == 0 || at + k < 0 || at + k >= width) continue;
      if (!(smooth[static_cast<size_t>(at)] > smooth[static_cast<size_t>(at + k)])) return false;
    }
    return true;
  };
  for (int distance = 0; distance < max_lag_; ++distance) {
    const bool right = is_peak(max_lag_ + distance), left = is_peak(max_lag_ - distance);
    if (!right && !left) continue;
    int at = right ? max_lag_ + distance : max_lag_ - distance;
    if (right && left &&
        smooth[static_cast<size_t>(max_lag_ - distance)] >
            smooth[static_cast<size_t>(max_lag_ + distance)]) {
      at = max_lag_ - distance;
    }
    const size_t i = static_cast<size_t>(at);
    return Parabola(at - max_lag_, smooth[i - 1], smooth[i], smooth[i + 1]);
  }
  return {};
}

PeakSummary SummarisePeaks(const LaggedMatrix& matrix, const PeakPicker& picker) {
  PeakSummary summary;
  std::vector<Peak> peaks;
  for (size_t k = 0; k < matrix.rows; ++k) {
    const std::span<const double> row = matrix.Row(k);
    if (std::any_of(row.begin(), row.end(), [](double r) { return std::isnan(r); })) continue;
    ++summary.rows;
    const Peak peak = picker.Pick(row);
    if (peak.found) peaks.push_back(peak);
  }
  summary.peaks = peaks.size();
  if (peaks.empty()) return summary;
  const double n = static_cast<double>(peaks.size());
  for (const Peak& peak : peaks) {
    summary.mean_r += peak.r / n;
    summary.mean_lag += peak.lag / n;
  }
  if (peaks.size() < 2) return summary;
  double rr = 0, ll = 0;
  for (const Peak& peak : peaks) {
    rr += (peak.r - summary.mean_r) * (peak.r - summary.mean_r);
    ll += (peak.lag - summary.mean_lag) * (peak.lag - summary.mean_lag);
  }
  summary.sd_r = std::sqrt(rr / (n - 1));
  summary.sd_lag = std::sqrt(ll / (n - 1));
  return summary;
}

LagEstimate EstimateLag(std::span<const double> a, std::span<const double> b,
                        const LagShape& shape) {
  LagEstimate estimate;
  const size_t window = static_cast<size_t>(shape.window);
  const size_t max_lag = static_cast<size_t>(shape.max_lag);
  const size_t width = 2 * max_lag + 1;
  if (a.size() != b.size() || a.size() < window + max_lag) return estimate;
  const size_t base = a.size() - window;
  const size_t blocks = static_cast<size_t>(shape.blocks);

  // Sums of each lag and block: ab, aa, bb.
  struct Sums {
    double ab = 0, aa = 0, bb = 0;
  };
  std::vector<Sums> sums(width * blocks), total(width);
  std::vector<double> row(width);
  Residuals residuals;
  for (size_t i = 0; i < width; ++i) {
    const size_t start_a = i > max_lag ? base - (i - max_lag) : base;
    const size_t start_b = i < max_lag ? base - (max_lag - i) : base;
    Fill(&a[start_a], &b[start_b], window, true, &residuals);
    if (residuals.pairs < shape.min_valid_share * shape.window || residuals.pairs < 3) {
      return estimate;
    }
    for (size_t k = 0; k < blocks; ++k) {
      const size_t from = window * k / blocks, length = window * (k + 1) / blocks - from;
      const double* ra = &residuals.a[from];
      const double* rb = &residuals.b[from];
      const Sums s = {SumOfProducts(ra, rb, length), SumOfProducts(ra, ra, length),
                      SumOfProducts(rb, rb, length)};
      sums[i * blocks + k] = s;
      total[i] = {total[i].ab + s.ab, total[i].aa + s.aa, total[i].bb + s.bb};
    }
    row[i] = Ratio(total[i].ab, total[i].aa, total[i].bb);
  }
  const std::vector<double> whole = row;
  const Peak peak = LargestWithin(whole, shape.max_lag);
  if (!peak.found) return estimate;
  estimate.found = true;
  estimate.lag_ms = peak.lag * shape.ms_per_sample;
  estimate.r = peak.r;
  estimate.se_ms = kNaN;
  if (blocks < 2) return estimate;
  std::vector<double> without;
  for (size_t k = 0; k < blocks; ++k) {
    for (size_t i = 0; i < width; ++i) {
      const Sums& s = sums[i * blocks + k];
      row[i] = Ratio(total[i].ab - s.ab, total[i].aa - s.aa, total[i].bb - s.bb);
    }
    const Peak left = LargestWithin(row, shape.max_lag);
    if (!left.found) return estimate;
    without.push_back(left.lag);
  }
  double mean = 0, squares = 0;
  const double n = static_cast<double>(blocks);
  for (double lag : without) mean += lag / n;
  for (double lag : without) squares += (lag - mean) * (lag - mean);
  const double scatter = (n - 1) / n * squares;
  // The window at the peak once more, for its width.
  const int at = static_cast<int>(std::floor(peak.lag + 0.5));
  const size_t i = static_cast<size_t>(at + shape.max_lag);
  Fill(&a[at > 0 ? base - static_cast<size_t>(at) : base],
       &b[at < 0 ? base - static_cast<size_t>(-at) : base], window, true, &residuals);
  const double bend = 2 * whole[i] - whole[i - 1] - whole[i + 1];
  const double breadth = peak.r > 0 && bend > 0
                             ? (1 - peak.r * peak.r) / (peak.r * bend * IndependentPairs(residuals))
                             : kNaN;
  if (std::isnan(breadth)) return estimate;
  estimate.se_ms = std::sqrt(std::max(scatter, breadth)) * shape.ms_per_sample;
  return estimate;
}

}  // namespace attune::synchrony
