#include "edge/source/polar/r_peaks.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdlib>
#include <functional>

#include "edge/source/polar/ecg_filters.h"

namespace attune::edge {
namespace {

constexpr int kLag = kEcgTapsHalf + kEcgHannHalf;  // of f behind the samples
constexpr int kApart = 32;                         // beats are further apart than that
constexpr int kWindow = 150;                       // of the level
constexpr int kWindowsBefore = 5;
constexpr int kWindowsAfter = 1;
constexpr int kAroundFrom = 13;  // what a peak is held against: so far from it ...
constexpr int kAroundTo = 32;    // ... to there
constexpr int kReach = 14;       // of R from the peak of f
constexpr int kKnots = 17;
constexpr int kBaseHalf = 32;
constexpr int32_t kMost24Bits = 8'388'607;
constexpr int kStepFrom = 10;  // of an electrode: from the peak
constexpr int kStepTo = 18;
// White noise below 40 Hz: its slopes have 0.67 times the deviation of its second differences; the
// median of these is 0.67 of that deviation; a peak moves by slope / curvature; 95 % is 1.96 times.
// A third more, because the curvature is as noisy as all else.
constexpr double kErrorOfRoughness = 1.96 * 4 / 3;
constexpr double kMostError = 1.3;  // samples
constexpr int kMostDoubts = 3;      // of the last eight that might have been beats
constexpr double kTurn = 1.8;       // polarity is turned beyond it
constexpr double kForget = 0.875;   // of polarity, per beat

static_assert(RPeaks::kDelay > kWindow * (2 * kWindowsAfter + 1) / 2 + kLag);
static_assert(RPeaks::kDelay > kReach + kKnots / 2 + kBaseHalf + kLag);
static_assert(RPeaks::kSettle > RPeaks::kDelay);

// The second derivatives of the natural spline through y at 0, 1 ... kKnots - 1: the tridiagonal
// system m[i-1] + 4 m[i] + m[i+1] = 6 (y[i-1] - 2 y[i] + y[i+1]) with m = 0 at both ends.
std::array<double, kKnots> SplineSeconds(const std::array<double, kKnots>& y) {
  std::array<double, kKnots> upper = {};
  std::array<double, kKnots> m = {};
  for (size_t i = 1; i + 1 < kKnots; ++i) {
    const double pivot = 4 - upper[i - 1];
    upper[i] = 1 / pivot;
    m[i] = (6 * (y[i - 1] - 2 * y[i] + y[i + 1]) - m[i - 1]) / pivot;
  }
  for (size_t i = kKnots - 2; i > 0; --i) m[i] -= upper[i] * m[i + 1];
  return m;
}

// Where the spline through `y` has the maximum next to its middle knot, from that knot.
double SplinePeak(const std::array<double, kKnots>& y) {
  const std::array<double, kKnots> m = SplineSeconds(y);
  size_t i = kKnots / 2;
  double slope = y[i + 1] - y[i] - (2 * m[i] + m[i + 1]) / 6;
  double from = 0;
  if (slope < 0) {
    --i;
    slope = y[i + 1] - y[i] - (2 * m[i] + m[i + 1]) / 6;
    from = -1;
  }
  // slope + m[i] u + (m[i+1] - m[i]) u^2 / 2 = 0, the root that is -slope / m[i] for small u^2.
  const double square = m[i] * m[i] - 2 * (m[i + 1] - m[i]) * slope;
  const double divisor = std::sqrt(std::max(square, 0.0)) - m[i];
  if (!(divisor > 0)) return 0;
  return from + std::clamp(2 * slope / divisor, 0.0, 1.0);
}

using Around = std::array<double, 2 * kAroundTo + 1>;

// An electrode that slips makes a step, not a peak: it does not come back on one side, and the
// ECG is elsewhere afterwards.
bool IsStep(const Around& v, int peak) {
  double left = v[peak];
  double right = v[peak];
  double before = 0;
  double after = 0;
  for (int i = 3; i <= 8; ++i) {
    left = std::min(left, v[peak - i]);
    right = std::min(right, v[peak + i]);
  }
  for (int i = kStepFrom; i <= kStepTo; ++i) {
    before += v[peak - i];
    after += v[peak + i];
  }
  const double fall = std::max(v[peak] - left, v[peak] - right);
  const double lesser = std::min(v[peak] - left, v[peak] - right);
  const double shift = std::abs(after - before) / (kStepTo - kStepFrom + 1);
  return lesser < 0.35 * fall && shift > 0.4 * fall;
}

// Median of the second differences away from the peak: what is left of them is noise.
double Roughness(const Around& v) {
  std::array<double, 2 * (kAroundTo - kAroundFrom)> differences;
  size_t count = 0;
  for (int i = kAroundFrom; i < kAroundTo; ++i) {
    for (const int at : {kAroundTo - i, kAroundTo + i}) {
      differences[count++] = std::abs(v[at - 1] - 2 * v[at] + v[at + 1]);
    }
  }
  std::nth_element(differences.begin(), differences.begin() + count / 2, differences.end());
  return differences[count / 2];
}

}  // namespace

void RPeaks::Reset() {
  start_ = next_ = added_;
  equal_ = 0;
  gap_ = true;
  up_ = down_ = 0;
}

int64_t RPeaks::decided() const { return std::max(start_, next_ - kReach - 1); }

void RPeaks::Add(int32_t microvolts, std::vector<RPeak>* peaks) {
  const int32_t x = std::clamp(microvolts, -kMost24Bits - 1, kMost24Bits);
  const int64_t n = added_++;
  if (n == start_) {
    // As if it had always been so: no step at the start.
    for (int64_t i = n - 2 * kBaseHalf - kEcgTapsHalf; i < n; ++i) At(raw_, i) = x;
    for (int64_t i = n - 2 * kLag; i < n; ++i) At(band_, i) = At(energy_, i) = 0;
  }
  equal_ = n > start_ && x == At(raw_, n - 1) ? equal_ + 1 : 1;
  At(raw_, n) = x;
  At(flat_, n) = 0;
  if (equal_ == kFlat) {
    for (int64_t i = n - kFlat + 1; i <= n; ++i) At(flat_, i) = 1;
  } else if (equal_ > kFlat) {
    At(flat_, n) = 1;
  }

  const int64_t b = n - kEcgTapsHalf;
  if (b >= start_) {
    int64_t sum = int64_t{kEcgBandPass[0]} * At(raw_, b);
    for (int i = 1; i <= kEcgTapsHalf; ++i) {
      sum += int64_t{kEcgBandPass[i]} * (int64_t{At(raw_, b - i)} + At(raw_, b + i));
    }
    At(band_, b) = static_cast<int32_t>(std::abs(sum) >> 15);
  }
  const int64_t e = n - kLag;
  if (e >= start_) {
    int64_t sum = int64_t{kEcgHann[0]} * At(band_, e);
    for (int i = 1; i <= kEcgHannHalf; ++i) {
      sum += int64_t{kEcgHann[i]} * (int64_t{At(band_, e - i)} + At(band_, e + i));
    }
    At(energy_, e) = static_cast<int32_t>(sum >> 15);
  }

  if (added_ - start_ < kSettle) return;
  if (added_ - start_ == kSettle) LearnPolarity(n - kLag - kAroundTo);
  while (next_ + kDelay < added_) Decide(next_++, peaks);
}

bool RPeaks::MayBeat(int64_t p) const {
  const int32_t f = At(energy_, p);
  if (f < kLeastMicrovolts) return false;
  for (int i = 1; i <= kApart; ++i) {
    if (p - i >= start_ && At(energy_, p - i) >= f) return false;
    if (At(energy_, p + i) > f) return false;
  }
  return true;
}

int32_t RPeaks::LevelAt(int64_t p) const {
  std::array<int32_t, kWindowsBefore + 1 + kWindowsAfter> most = {};
  size_t windows = 0;
  for (int k = -kWindowsBefore; k <= kWindowsAfter; ++k) {
    const int64_t from = std::max(start_, p + k * kWindow - kWindow / 2);
    const int64_t to = p + k * kWindow + kWindow / 2;
    if (to <= from) continue;
    int32_t largest = 0;
    for (int64_t i = from; i < to; ++i) largest = std::max(largest, At(energy_, i));
    most[windows++] = largest;
  }
  std::sort(most.begin(), most.end(), std::greater<>());
  return most[windows * 2 / 7];
}

bool RPeaks::DrownedAt(int64_t p) const {
  std::array<int32_t, 2 * (kAroundTo - kAroundFrom + 1)> around = {};
  size_t count = 0;
  for (int i = kAroundFrom; i <= kAroundTo; ++i) {
    if (p - i >= start_) around[count++] = At(energy_, p - i);
    around[count++] = At(energy_, p + i);
  }
  const size_t rank = count * 2 / 5;
  std::nth_element(around.begin(), around.begin() + rank, around.begin() + count);
  return At(energy_, p) < 4 * int64_t{around[rank]};
}

double RPeaks::LowPassed(int64_t p) const {
  int64_t sum = int64_t{kEcgLowPass[0]} * At(raw_, p);
  for (int i = 1; i <= kEcgTapsHalf; ++i) {
    sum += int64_t{kEcgLowPass[i]} * (int64_t{At(raw_, p - i)} + At(raw_, p + i));
  }
  return static_cast<double>(sum) / 32768;
}

double RPeaks::BaseAt(int64_t p) const {
  int64_t sum = 0;
  for (int64_t i = p - kBaseHalf; i <= p + kBaseHalf; ++i) sum += At(raw_, i);
  return static_cast<double>(sum) / (2 * kBaseHalf + 1);
}

void RPeaks::Weigh(int64_t p) {
  double up = 0;
  double down = 0;
  for (int64_t i = p - kReach; i <= p + kReach; ++i) {
    const double v = LowPassed(i) - BaseAt(i);
    up = std::max(up, v);
    down = std::max(down, -v);
  }
  up_ = kForget * up_ + up;
  down_ = kForget * down_ + down;
}

void RPeaks::LearnPolarity(int64_t through) {
  int32_t largest = 0;
  for (int64_t p = start_; p < through; ++p) largest = std::max(largest, At(energy_, p));
  for (int64_t p = start_; p < through; ++p) {
    if (2 * int64_t{At(energy_, p)} >= largest && MayBeat(p)) Weigh(p);
  }
  sign_ = down_ > kTurn * up_ ? -1 : 1;
}

bool RPeaks::Refine(int64_t p, RPeak* peak) const {
  std::array<double, 2 * kAroundTo + 1> v;
  for (int i = -kAroundTo; i <= kAroundTo; ++i) {
    v[static_cast<size_t>(i + kAroundTo)] = sign_ * LowPassed(p + i);
  }
  double highest = 0;
  int best = 0;
  for (int i = kAroundTo - kReach; i <= kAroundTo + kReach; ++i) {
    if (!(v[i] > v[i - 1] && v[i] >= v[i + 1])) continue;
    const double height = v[i] - sign_ * BaseAt(p + i - kAroundTo);
    if (height > highest) {
      highest = height;
      best = i;
    }
  }
  if (best == 0) return false;
  if (IsStep(v, best)) return false;
  std::array<double, kKnots> knots;
  std::copy_n(v.begin() + best - kKnots / 2, kKnots, knots.begin());
  const double curvature = 2 * v[best] - v[best - 1] - v[best + 1];
  peak->sample = static_cast<double>(p + best - kAroundTo) + SplinePeak(knots);
  peak->error_samples = Roughness(v) * kErrorOfRoughness / curvature;
  return peak->error_samples <= kMostError;
}

void RPeaks::Decide(int64_t p, std::vector<RPeak>* peaks) {
  if (At(flat_, p) != 0) gap_ = true;
  if (!MayBeat(p)) return;
  const int64_t f = At(energy_, p);
  const int64_t level = LevelAt(p);
  if (10 * f < 3 * level) return;
  RPeak peak;
  const bool doubt =
      f > 4 * level || DrownedAt(p) || !Refine(p, &peak) || peak.sample < last_ + kApart / 2;
  doubts_ = static_cast<uint8_t>(doubts_ << 1 | (doubt ? 1 : 0));
  if (doubt || std::popcount(doubts_) > kMostDoubts) {
    ++doubtful_;
    gap_ = true;
    return;
  }
  peak.gap_before = gap_ || peak.sample - last_ > kLongestRr;
  gap_ = false;
  last_ = peak.sample;
  peaks->push_back(peak);
  // The other side may prove the stronger one; what is given from there on is another series.
  Weigh(p);
  const int sign = down_ > kTurn * up_ ? -1 : up_ > kTurn * down_ ? 1 : sign_;
  if (sign != sign_) {
    sign_ = sign;
    gap_ = true;
  }
}

}  // namespace attune::edge
