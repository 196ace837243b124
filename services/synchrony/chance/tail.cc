#include "services/synchrony/chance/tail.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>

namespace attune::synchrony {
namespace {

constexpr int kMaxHalfFreedom = 32;  // Student's t with 2..64 degrees of freedom
constexpr int kMaxBlocks = 64;       // F(2, 2 m) with m of 2..64
constexpr int kGroupHalfFreedom = 15;
constexpr double kGroupSkew = 0.05;  // z = y + kGroupSkew (y^2 - 1)
constexpr double kBandTail = 0.025;

// (2 i - 1) / (2 i).
constexpr auto kOddOverEven = [] {
  std::array<double, kMaxHalfFreedom> ratios{};
  for (int i = 1; i < kMaxHalfFreedom; ++i) {
    ratios[static_cast<size_t>(i)] = (2.0 * i - 1) / (2.0 * i);
  }
  return ratios;
}();

// P(T > t), t >= 0, T Student's t with 2 h degrees of freedom. `root` is sqrt(2 h + t^2).
constexpr double UpperT(double t, double root, int h) {
  const double sine = t / root;
  const double cosine2 = 1 - sine * sine;
  // 1 + cos^2 / 2 + (1 * 3) / (2 * 4) cos^4 + ... from the far end.
  double sum = 1;
  for (int i = h - 1; i >= 1; --i) sum = 1 + sum * (cosine2 * kOddOverEven[static_cast<size_t>(i)]);
  return 0.5 * (1 - sine * sum);
}

// base^-m.
constexpr double InversePower(double base, int m) {
  double power = 1;
  for (; m > 0; m >>= 1) {
    if (m & 1) power *= base;
    base *= base;
  }
  return 1 / power;
}

// P(X > ratio), X of F(2, 2 m).
constexpr double UpperF(double ratio, int m) { return InversePower(1 + ratio / m, m); }

// The x in [0, 64] at which a falling function passes `p`: halving, at compile time.
template <typename Function>
constexpr double Solve(Function upper, double p) {
  double low = 0, high = 64;
  for (int i = 0; i < 60; ++i) {
    const double middle = (low + high) / 2;
    (upper(middle) > p ? low : high) = middle;
  }
  return (low + high) / 2;
}

constexpr double Sqrt(double x) {
  double root = x > 1 ? x : 1;
  for (int i = 0; i < 40; ++i) root = (root + x / root) / 2;
  return root;
}

// The ends of the band, by half the degrees of freedom or by m.
struct Band {
  double low = 0;
  double high = 0;
};

constexpr auto kBandT = [] {
  std::array<double, kMaxHalfFreedom + 1> ends{};
  for (int h = 1; h <= kMaxHalfFreedom; ++h) {
    ends[static_cast<size_t>(h)] =
        Solve([h](double t) { return UpperT(t, Sqrt(2 * h + t * t), h); }, kBandTail);
  }
  return ends;
}();

constexpr auto kBandF = [] {
  std::array<Band, kMaxBlocks + 1> ends{};
  for (int m = 2; m <= kMaxBlocks; ++m) {
    const auto upper = [m](double ratio) { return UpperF(ratio, m); };
    ends[static_cast<size_t>(m)] = {Solve(upper, 1 - kBandTail), Solve(upper, kBandTail)};
  }
  return ends;
}();

void Student(double skew, int h, Chance* chance) {
  const double t = skew == 0 ? chance->z : Unskewed(chance->z, skew);
  chance->p = UpperStudent(t, 2 * h);
  const double end = kBandT[static_cast<size_t>(h)];
  const double shift = skew * (end * end - 1);
  chance->low = chance->mean + chance->sd * (shift - end);
  chance->high = chance->mean + chance->sd * (shift + end);
}

double MeanSquare(const Chance& chance) {
  const int n = chance.shifts;
  return chance.mean * chance.mean + chance.sd * chance.sd * (n - 1) / n;
}

void Locking(double observed, Chance* chance) {
  const int m = std::clamp((chance->shifts + 2) / 5, 2, kMaxBlocks);
  const double mean_square = MeanSquare(*chance);
  chance->p = UpperF(observed * observed / mean_square, m);
  const Band& band = kBandF[static_cast<size_t>(m)];
  chance->low = std::sqrt(mean_square * band.low);
  chance->high = std::min(1.0, std::sqrt(mean_square * band.high));
}

}  // namespace

Chance FromNull(Statistic statistic, double observed, double mean, double sd, int count) {
  Chance chance;
  chance.mean = chance.low = chance.high = mean;
  chance.shifts = count;
  if (!(sd > 0)) return chance;
  chance.sd = sd;
  chance.z = (observed - mean) / sd;
  switch (statistic) {
    case Statistic::kMeanR:
      Student(0, std::clamp(count / 4, 1, kMaxHalfFreedom), &chance);
      break;
    case Statistic::kPhaseLocking:
      Locking(observed, &chance);
      break;
    case Statistic::kGroup:
      Student(kGroupSkew, kGroupHalfFreedom, &chance);
      break;
    case Statistic::kGroupOfTwo:
      Student(0, kGroupHalfFreedom, &chance);
      break;
  }
  chance.p = std::max(chance.p, kSmallestP);
  return chance;
}

double UpperStudent(double t, int freedom) {
  const double upper = UpperT(std::fabs(t), std::sqrt(freedom + t * t), freedom / 2);
  return t >= 0 ? upper : 1 - upper;
}

double UpperLocking(double ratio, int m) { return UpperF(ratio, m); }

double LockingRatio(double observed, const Chance& chance) {
  return observed * observed / MeanSquare(chance);
}

double Unskewed(double z, double a) {
  // The rising branch; below all of it, its lower end.
  const double inside = 1 + 4 * a * (a + z);
  return (std::sqrt(std::max(0.0, inside)) - 1) / (2 * a);
}

}  // namespace attune::synchrony
