#include "services/synchrony/dsp/fft.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstdint>
#include <vector>

#include "services/synchrony/dsp/analytic.h"
#include "services/synchrony/dsp/math.h"

namespace attune::synchrony::dsp {
namespace {

std::vector<Complex> Noise(size_t n) {
  uint64_t state = 1;
  const auto next = [&state] {
    state = state * 6364136223846793005u + 1442695040888963407u;
    return static_cast<double>(state >> 11) * 0x1p-52 - 1;
  };
  std::vector<Complex> x(n);
  for (Complex& v : x) v = {next(), next()};
  return x;
}

// From the definition, with the C library's functions.
std::vector<Complex> Slow(const std::vector<Complex>& x) {
  const size_t n = x.size();
  std::vector<Complex> out(n);
  for (size_t k = 0; k < n; ++k) {
    for (size_t i = 0; i < n; ++i) {
      const double angle = -2 * M_PI * static_cast<double>(i * k % n) / static_cast<double>(n);
      out[k] += x[i] * Complex{std::cos(angle), std::sin(angle)};
    }
  }
  return out;
}

TEST(FftTest, AnyLengthIsTheDefinition) {
  for (size_t n : {1u, 2u, 3u, 4u, 5u, 7u, 8u, 12u, 31u, 64u, 97u, 120u, 256u, 720u}) {
    const std::vector<Complex> x = Noise(n);
    const std::vector<Complex> slow = Slow(x);
    const Fft fft(n);
    std::vector<Complex> fast = x;
    fft.Forward(fast);
    for (size_t k = 0; k < n; ++k) ASSERT_LT(Abs(fast[k] - slow[k]), 1e-12) << n << " " << k;
    fft.Inverse(fast);
    for (size_t k = 0; k < n; ++k) ASSERT_LT(Abs(fast[k] - x[k]), 1e-13) << n << " " << k;
  }
}

TEST(FftTest, RealDataWithZerosBehind) {
  for (size_t n : {1u, 2u, 3u, 4u, 6u, 9u, 16u, 50u, 256u}) {
    std::vector<double> x;
    std::vector<Complex> padded(n);
    for (const Complex& v : Noise((n + 1) / 2)) {
      padded[x.size()].re = v.re;
      x.push_back(v.re);
    }
    const std::vector<Complex> slow = Slow(padded);
    const RealFft fft(n);
    const std::vector<Complex> fast = fft.Forward(x);
    ASSERT_EQ(fast.size(), n / 2 + 1);
    for (size_t k = 0; k < fast.size(); ++k) ASSERT_LT(Abs(fast[k] - slow[k]), 1e-12) << n;
  }
}

TEST(AnalyticSignalTest, CosineBecomesTurningPhasor) {
  for (size_t n : {40u, 45u}) {
    std::vector<double> x;
    for (size_t i = 0; i < n; ++i) {
      x.push_back(3 * std::cos(2 * M_PI * 5 * static_cast<double>(i) / static_cast<double>(n)));
    }
    const std::vector<Complex> z = AnalyticSignal(x);
    for (size_t i = 0; i < n; ++i) {
      const double angle = 2 * M_PI * 5 * static_cast<double>(i) / static_cast<double>(n);
      ASSERT_NEAR(z[i].re, x[i], 1e-13);
      ASSERT_NEAR(z[i].im, 3 * std::sin(angle), 1e-13);
      ASSERT_NEAR(std::cos(Phase(z[i]) - angle), 1, 1e-13);
    }
  }
}

TEST(MathTest, AgreesWithTheCLibraryToRounding) {
  for (double x = -0.97; x < 1; x += 0.031) {
    EXPECT_NEAR(Sin(x), std::sin(x), 3e-16);
    EXPECT_NEAR(Cos(x), std::cos(x), 3e-16);
    EXPECT_NEAR(Tan(x), std::tan(x), 5e-16);
    EXPECT_NEAR(SinPi(x), std::sin(M_PI * x), 1e-15);
    EXPECT_NEAR(SinCosPi(x).cos, CosPi(x), 3e-16);
    EXPECT_NEAR(Atan2(x, 0.3), std::atan2(x, 0.3), 5e-16);
    EXPECT_NEAR(Exp(x), std::exp(x), 1e-15);
    EXPECT_NEAR(Log(x + 1), std::log(x + 1), 1e-15);
    EXPECT_NEAR(Atanh(x), std::atanh(x), 1e-15);
    EXPECT_NEAR(Tanh(x), std::tanh(x), 3e-16);
    EXPECT_NEAR(Pow(x + 1, 2.5), std::pow(x + 1, 2.5), 3e-15);
    EXPECT_NEAR(Erfc(x), std::erfc(x), 1e-15);
    EXPECT_NEAR(LogGamma(x + 2), std::lgamma(x + 2), 2e-15);
  }
  EXPECT_EQ(CosPi(0.5), 0);
  EXPECT_EQ(SinPi(1), 0);
}

}  // namespace
}  // namespace attune::synchrony::dsp
