#include "services/synchrony/dsp/spectrum.h"

#include <algorithm>
#include <cmath>

#include "services/synchrony/dsp/fft.h"
#include "services/synchrony/dsp/math.h"
#include "services/synchrony/dsp/stats.h"

namespace attune::synchrony::dsp {
namespace {

// One segment's transform: minus the mean, windowed, padded.
class Segments {
 public:
  Segments(double rate_hz, int segment, int overlap, int padded)
      : segment_(static_cast<size_t>(segment)),
        hop_(static_cast<size_t>(segment - overlap)),
        rate_hz_(rate_hz),
        fft_(static_cast<size_t>(std::max(padded, segment))),
        work_(segment_) {
    for (size_t i = 0; i < segment_; ++i) {
      window_.push_back(0.5 -
                        0.5 * CosPi(2 * static_cast<double>(i) / static_cast<double>(segment)));
      squares_ += window_.back() * window_.back();
    }
  }

  size_t segment() const { return segment_; }
  size_t hop() const { return hop_; }
  size_t bins() const { return fft_.bins(); }
  double df_hz() const { return rate_hz_ / static_cast<double>(fft_.length()); }

  std::vector<Complex> Transform(std::span<const double> x) {
    const double mean = Mean(x);
    for (size_t i = 0; i < segment_; ++i) work_[i] = window_[i] * (x[i] - mean);
    return fft_.Forward(work_);
  }

  // What turns a sum of |X_k|^2 over `segments` into a one-sided density.
  double Scale(size_t k, int segments) const {
    const bool alone = k == 0 || 2 * k == fft_.length();  // no mirror bin
    return (alone ? 1 : 2) / (rate_hz_ * squares_ * segments);
  }

 private:
  size_t segment_;
  size_t hop_;
  double rate_hz_;
  RealFft fft_;
  std::vector<double> work_;
  std::vector<double> window_;
  double squares_ = 0;
};

}  // namespace

Spectrum WelchOfRuns(std::span<const std::span<const double>> runs, double rate_hz, int segment,
                     int overlap, int padded) {
  Segments plan(rate_hz, segment, overlap, padded);
  Spectrum out;
  out.df_hz = plan.df_hz();
  out.density.assign(plan.bins(), 0);
  for (std::span<const double> x : runs) {
    for (size_t start = 0; start + plan.segment() <= x.size(); start += plan.hop()) {
      const std::vector<Complex> bins = plan.Transform(x.subspan(start, plan.segment()));
      for (size_t k = 0; k < bins.size(); ++k) out.density[k] += SquaredAbs(bins[k]);
      ++out.segments;
    }
  }
  if (out.segments == 0) {
    out.density.clear();
    return out;
  }
  for (size_t k = 0; k < out.density.size(); ++k) out.density[k] *= plan.Scale(k, out.segments);
  return out;
}

Spectrum Welch(std::span<const double> x, double rate_hz, int segment, int overlap, int padded) {
  return WelchOfRuns({&x, 1}, rate_hz, segment, overlap, padded);
}

CrossSpectrum WelchCross(std::span<const double> x, std::span<const double> y, double rate_hz,
                         int segment, int overlap, int padded) {
  Segments plan(rate_hz, segment, overlap, padded);
  CrossSpectrum out;
  out.df_hz = plan.df_hz();
  if (x.size() < plan.segment()) return out;
  out.sxx.assign(plan.bins(), 0);
  out.syy.assign(plan.bins(), 0);
  out.sxy.assign(plan.bins(), {});
  for (size_t start = 0; start + plan.segment() <= x.size(); start += plan.hop()) {
    const std::vector<Complex> bins_x = plan.Transform(x.subspan(start, plan.segment()));
    const std::vector<Complex> bins_y = plan.Transform(y.subspan(start, plan.segment()));
    for (size_t k = 0; k < bins_x.size(); ++k) {
      out.sxx[k] += SquaredAbs(bins_x[k]);
      out.syy[k] += SquaredAbs(bins_y[k]);
      out.sxy[k] += Conj(bins_x[k]) * bins_y[k];
    }
    ++out.segments;
  }
  for (size_t k = 0; k < out.sxx.size(); ++k) {
    const double scale = plan.Scale(k, out.segments);
    out.sxx[k] *= scale;
    out.syy[k] *= scale;
    out.sxy[k] = scale * out.sxy[k];
  }
  return out;
}

double BandPower(const Spectrum& spectrum, double low_hz, double high_hz) {
  double sum = 0;
  for (size_t k = 0; k < spectrum.density.size(); ++k) {
    if (spectrum.hz(k) >= low_hz && spectrum.hz(k) < high_hz) sum += spectrum.density[k];
  }
  return sum * spectrum.df_hz;
}

namespace {

// Samples of unevenly spaced data, each with its turn exp(i 2 pi f t) at the present frequency,
// which moves on by one step at a time. Padded with zeros to whole lanes.
class Turns {
 public:
  Turns(std::span<const double> t_s, std::span<const double> x, double step_hz)
      : step_hz_(step_hz) {
    const size_t padded = (x.size() + kLanes - 1) / kLanes * kLanes;
    for (auto* column : {&t_, &y_, &cos_, &sin_, &step_cos_, &step_sin_}) column->resize(padded);
    const double mean = Mean(x);
    for (size_t i = 0; i < x.size(); ++i) {
      y_[i] = x[i] - mean;
      t_[i] = t_s[i] - t_s[0];  // smaller angles; the result does not depend on the origin
      const SinCos turn = SinCosPi(2 * step_hz * t_[i]);
      step_cos_[i] = turn.cos;
      step_sin_[i] = turn.sin;
    }
    count_ = x.size();
  }

  // From the definition, which ends the rounding of the steps.
  void MoveTo(int k) {
    for (size_t i = 0; i < count_; ++i) {
      const SinCos turn = SinCosPi(2 * (k * step_hz_) * t_[i]);
      cos_[i] = turn.cos;
      sin_[i] = turn.sin;
    }
  }

  void Step() {
    for (size_t i = 0; i < t_.size(); ++i) {
      const double c = cos_[i] * step_cos_[i] - sin_[i] * step_sin_[i];
      sin_[i] = cos_[i] * step_sin_[i] + sin_[i] * step_cos_[i];
      cos_[i] = c;
    }
  }

  // Four sums each, in lanes that the compiler may take at once without changing a bit.
  void Sum(double* yc, double* ys, double* cc, double* cs) const {
    double yc4[kLanes] = {}, ys4[kLanes] = {}, cc4[kLanes] = {}, cs4[kLanes] = {};
    for (size_t i = 0; i < t_.size(); i += kLanes) {
      for (size_t lane = 0; lane < kLanes; ++lane) {
        yc4[lane] += y_[i + lane] * cos_[i + lane];
        ys4[lane] += y_[i + lane] * sin_[i + lane];
        cc4[lane] += cos_[i + lane] * cos_[i + lane];
        cs4[lane] += cos_[i + lane] * sin_[i + lane];
      }
    }
    *yc = (yc4[0] + yc4[1]) + (yc4[2] + yc4[3]);
    *ys = (ys4[0] + ys4[1]) + (ys4[2] + ys4[3]);
    *cc = (cc4[0] + cc4[1]) + (cc4[2] + cc4[3]);
    *cs = (cs4[0] + cs4[1]) + (cs4[2] + cs4[3]);
  }

  double span_s() const { return t_[count_ - 1]; }

 private:
  static constexpr size_t kLanes = 4;

  double step_hz_;
  size_t count_ = 0;
  std::vector<double> t_, y_, cos_, sin_, step_cos_, step_sin_;
};

}  // namespace

std::vector<double> LombScargle(std::span<const double> t_s, std::span<const double> x,
                                double step_hz, int first, int last) {
  if (x.size() < 3) return {};
  constexpr int kAnew = 16;  // steps in a row: rounding stays below 1e-14
  Turns turns(t_s, x, step_hz);
  const double n = static_cast<double>(x.size());
  const double length_s = n * turns.span_s() / (n - 1);
  std::vector<double> density;
  for (int k = first; k <= last; ++k) {
    if ((k - first) % kAnew == 0) {
      turns.MoveTo(k);
    } else {
      turns.Step();
    }
    double yc, ys, cc, cs;
    turns.Sum(&yc, &ys, &cc, &cs);
    const double ss = n - cc;
    // tau: tan(2 w tau) = sum sin 2wt / sum cos 2wt; turned into its frame, sums stay sums.
    const double angle = 0.5 * Atan2(2 * cs, cc - ss);
    const double c = Cos(angle), s = Sin(angle);
    const double along = yc * c + ys * s;
    const double across = ys * c - yc * s;
    const double along_squares = c * c * cc + 2 * c * s * cs + s * s * ss;
    const double across_squares = c * c * ss - 2 * c * s * cs + s * s * cc;
    double power = 0;
    if (along_squares > 0) power += along * along / along_squares;
    if (across_squares > 0) power += across * across / across_squares;
    density.push_back(power * length_s / n);
  }
  return density;
}

}  // namespace attune::synchrony::dsp
