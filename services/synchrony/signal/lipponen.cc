#include "services/synchrony/signal/lipponen.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

namespace attune::synchrony {
namespace {

constexpr double kAlpha = 5.2;
constexpr double kC1 = 0.13;
constexpr double kC2 = 0.17;
constexpr size_t kQuartileReach = 45;
constexpr size_t kMedianReach = 5;
constexpr double kFarOff = 1e9;    // stands for a quotient by zero
constexpr double kNothing = 1e-9;  // seconds: beats are whole microseconds, less is rounding
constexpr size_t kFewest = 4;

// The values of k - reach..k + reach, sorted, as k moves up.
class CentredWindow {
 public:
  CentredWindow(const std::vector<double>& values, size_t reach) : values_(values), reach_(reach) {}

  const std::vector<double>& At(size_t k) {
    for (; end_ < std::min(values_.size(), k + reach_ + 1); ++end_) {
      sorted_.insert(std::upper_bound(sorted_.begin(), sorted_.end(), values_[end_]),
                     values_[end_]);
    }
    for (; begin_ + reach_ < k; ++begin_) {
      sorted_.erase(std::lower_bound(sorted_.begin(), sorted_.end(), values_[begin_]));
    }
    return sorted_;
  }

 private:
  const std::vector<double>& values_;
  const size_t reach_;
  size_t begin_ = 0;
  size_t end_ = 0;
  std::vector<double> sorted_;
};

double Quantile(const std::vector<double>& sorted, double q) {
  const double position = q * static_cast<double>(sorted.size() - 1);
  const auto at = static_cast<size_t>(position);
  if (at + 1 >= sorted.size()) return sorted.back();
  return sorted[at] + (position - static_cast<double>(at)) * (sorted[at + 1] - sorted[at]);
}

std::vector<double> ThresholdsOf(const std::vector<double>& values) {
  std::vector<double> sizes;
  for (const double value : values) sizes.push_back(std::fabs(value));
  CentredWindow window(sizes, kQuartileReach);
  std::vector<double> thresholds;
  for (size_t k = 0; k < sizes.size(); ++k) {
    const std::vector<double>& sorted = window.At(k);
    thresholds.push_back(kAlpha * ((Quantile(sorted, 0.75) - Quantile(sorted, 0.25)) / 2));
  }
  return thresholds;
}

void Normalise(const std::vector<double>& thresholds, std::vector<double>* values) {
  for (size_t k = 0; k < values->size(); ++k) {
    double& value = (*values)[k];
    if (thresholds[k] > kNothing) {
      value /= thresholds[k];
    } else {
      value = std::fabs(value) > kNothing ? std::copysign(kFarOff, value) : 0;
    }
  }
}

double MeanFrom1(const std::vector<double>& values) {
  double sum = 0;
  for (size_t k = 1; k < values.size(); ++k) sum += values[k];
  return sum / static_cast<double>(values.size() - 1);
}

// After `sources` were deleted (-1) or put in (+1). Each index is compared, as it stands after the
// sources before, with the next source as it was: off by one for close neighbours, as the peer is.
void Shift(const std::vector<size_t>& sources, int by, std::vector<size_t>* indices) {
  for (const size_t source : sources) {
    for (size_t& index : *indices) {
      if (index > source) index += static_cast<size_t>(by);
    }
  }
  std::sort(indices->begin(), indices->end());
  indices->erase(std::unique(indices->begin(), indices->end()), indices->end());
}

void MoveToTheMiddle(const std::vector<size_t>& indices, std::vector<int64_t>* beats_us) {
  const std::vector<int64_t> before = *beats_us;
  for (const size_t k : indices) {
    if (k <= 1 || k + 1 >= before.size()) continue;
    (*beats_us)[k] = before[k - 1] + (before[k + 1] - before[k - 1]) / 2;
  }
  std::sort(beats_us->begin(), beats_us->end());
}

}  // namespace

LipponenSeries LipponenSeriesOf(const std::vector<int64_t>& beats_us) {
  LipponenSeries s;
  const size_t n = beats_us.size();
  if (n < kFewest) return s;
  s.rr.resize(n);
  for (size_t k = 1; k < n; ++k) {
    s.rr[k] = static_cast<double>(beats_us[k] - beats_us[k - 1]) * 1e-6;
  }
  s.rr[0] = MeanFrom1(s.rr);
  s.d.resize(n);
  for (size_t k = 1; k < n; ++k) s.d[k] = s.rr[k] - s.rr[k - 1];
  s.d[0] = MeanFrom1(s.d);
  s.th1 = ThresholdsOf(s.d);
  Normalise(s.th1, &s.d);

  CentredWindow around(s.rr, kMedianReach);
  for (size_t k = 0; k < n; ++k) {
    s.med.push_back(Quantile(around.At(k), 0.5));
    const double m = s.rr[k] - s.med[k];
    s.m.push_back(m < 0 ? 2 * m : m);
  }
  s.th2 = ThresholdsOf(s.m);
  Normalise(s.th2, &s.m);

  const auto mirrored = [&s, n](ptrdiff_t k) {
    const auto last = static_cast<ptrdiff_t>(n) - 1;
    if (k < 0) k = -k;
    if (k > last) k = 2 * last - k;
    return s.d[static_cast<size_t>(k)];
  };
  for (size_t i = 0; i < n; ++i) {
    const auto k = static_cast<ptrdiff_t>(i);
    const double before = mirrored(k - 1), after = mirrored(k + 1), second = mirrored(k + 2);
    s.s12.push_back(s.d[i] > 0   ? std::max(before, after)
                    : s.d[i] < 0 ? std::min(before, after)
                                 : 0);
    s.s22.push_back(s.d[i] >= 0 ? std::min(after, second) : std::max(after, second));
  }
  return s;
}

LipponenClasses FindLipponen(const std::vector<int64_t>& beats_us) {
  LipponenClasses classes;
  const LipponenSeries s = LipponenSeriesOf(beats_us);
  const size_t n = s.rr.size();
  for (size_t i = 0; i + 2 < n;) {
    if (std::fabs(s.d[i]) <= 1) {
      ++i;
      continue;
    }
    if ((s.d[i] > 1 && s.s12[i] < -kC1 * s.d[i] - kC2) ||
        (s.d[i] < -1 && s.s12[i] > -kC1 * s.d[i] + kC2)) {
      classes.ectopic.push_back(i++);
      continue;
    }
    const size_t candidates = std::fabs(s.d[i + 1]) < std::fabs(s.d[i + 2]) ? 2 : 1;
    for (size_t j = i; j < i + candidates; ++j) {
      const bool rises = s.d[j] > 1 && s.s22[j] < -1;
      const bool falls = s.d[j] < -1 && s.s22[j] > 1;
      if (!rises && !falls && std::fabs(s.m[j]) <= 3) continue;
      if (falls && std::fabs(s.rr[j] + s.rr[j + 1] - s.med[j]) < s.th2[j]) {
        classes.extra.push_back(j);
      } else if (rises && std::fabs(s.rr[j] / 2 - s.med[j]) < s.th2[j]) {
        classes.missed.push_back(j);
      } else {
        classes.longshort.push_back(j);
      }
    }
    i += candidates;
  }
  return classes;
}

std::vector<int64_t> CorrectLipponen(const std::vector<int64_t>& beats_us,
                                     const LipponenClasses& classes) {
  std::vector<int64_t> beats;
  LipponenClasses left = classes;
  for (size_t k = 0, next = 0; k < beats_us.size(); ++k) {
    if (next < left.extra.size() && left.extra[next] == k) {
      ++next;
    } else {
      beats.push_back(beats_us[k]);
    }
  }
  for (std::vector<size_t>* indices : {&left.missed, &left.ectopic, &left.longshort}) {
    Shift(left.extra, -1, indices);
  }
  std::vector<int64_t> filled;
  for (size_t k = 0, next = 0; k < beats.size(); ++k) {
    for (; next < left.missed.size() && left.missed[next] <= k; ++next) {
      if (left.missed[next] == k && k > 1) {
        filled.push_back(beats[k - 1] + (beats[k] - beats[k - 1]) / 2);
      }
    }
    filled.push_back(beats[k]);
  }
  for (std::vector<size_t>* indices : {&left.ectopic, &left.longshort}) {
    Shift(left.missed, 1, indices);
  }
  MoveToTheMiddle(left.ectopic, &filled);
  MoveToTheMiddle(left.longshort, &filled);
  return filled;
}

LipponenResult Lipponen(std::vector<int64_t> beats_us, bool iterative) {
  LipponenResult result;
  result.beats_us = std::move(beats_us);
  size_t last = std::numeric_limits<size_t>::max();
  for (;;) {
    LipponenClasses classes = FindLipponen(result.beats_us);
    const size_t count = classes.count();
    result.counts.push_back(count);
    if (count >= last) return result;
    last = count;
    result.beats_us = CorrectLipponen(result.beats_us, classes);
    result.classes = std::move(classes);
    if (!iterative) return result;
  }
}

std::vector<int64_t> BeatsUsOf(const std::vector<double>& rr_ms) {
  std::vector<int64_t> beats = {0};
  for (const double rr : rr_ms) beats.push_back(beats.back() + std::llround(rr * 1000));
  return beats;
}

std::vector<double> IntervalsMsOf(const std::vector<int64_t>& beats_us) {
  std::vector<double> intervals;
  for (size_t k = 1; k < beats_us.size(); ++k) {
    intervals.push_back(static_cast<double>(beats_us[k] - beats_us[k - 1]) / 1000);
  }
  return intervals;
}

}  // namespace attune::synchrony
