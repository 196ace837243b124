#include "services/synchrony/signal/channel.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstdint>
#include <limits>
#include <vector>

namespace attune::synchrony {
namespace {

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

std::vector<double> Wave(double hz, double amplitude, double phase, int n) {
  std::vector<double> x;
  for (int i = 0; i < n; ++i) {
    x.push_back(900 + amplitude * std::cos(2 * M_PI * hz * i / 4 + phase));
  }
  return x;
}

TEST(ChannelTest, DelaysAreThoseOfTheTable) {
  const Params params;
  EXPECT_EQ(BandFilter(Channel::kRsa, 0, params).delay_us(), 3'250'000);
  EXPECT_EQ(BandFilter(Channel::kLf, 0, params).delay_us(), 10'000'000);
  EXPECT_EQ(BandFilter(Channel::kPacer, 0.1, params).delay_us(), 16'500'000);
}

// The live phase and this channel are one filter: same phase, `half` samples apart.
TEST(ChannelTest, LfIsTheLivePhaseFilter) {
  const Params params;
  const PhaseFilter live(params);
  const PhaseFilter same(params.phase_centre_hz, 40, params.phase_min_valid_share);
  EXPECT_EQ(live.re(), same.re());
  EXPECT_EQ(live.im(), same.im());
  const BandFilter band(Channel::kLf, 0, params);
  EXPECT_EQ(2 * band.half() + 1, live.length());
  std::vector<int16_t> values, masks;
  std::vector<double> grid;
  for (int i = 0; i < live.length(); ++i) {
    values.push_back(static_cast<int16_t>(100 * std::cos(0.15 * i) + 40 * std::sin(0.31 * i)));
    grid.push_back(values.back());
    masks.push_back(-1);
  }
  for (int missing : {0, 7, 12}) {
    if (missing > 0) {
      masks[static_cast<size_t>(missing)] = 0;
      values[static_cast<size_t>(missing)] = 0;
      grid[static_cast<size_t>(missing)] = kNan;
    }
    const UnitVector unit = live.Apply(values.data(), masks.data());
    const dsp::Complex z = band.Apply(grid)[40];
    ASSERT_TRUE(unit.valid());
    EXPECT_NEAR(z.re / dsp::Abs(z), unit.re, 1e-12);
    EXPECT_NEAR(z.im / dsp::Abs(z), unit.im, 1e-12);
  }
}

// At the centre: amplitude and phase as they are, at their own time (rounded coefficients and the
// mirror frequency cost less than 1 %).
TEST(ChannelTest, WaveAtTheCentreComesBack) {
  const Params params;
  struct Case {
    Channel channel;
    double hz;
  };
  for (const Case& c : {Case{Channel::kRsa, 0.26}, Case{Channel::kLf, 0.095},
                        Case{Channel::kPacer, 0.1}, Case{Channel::kPacer, 0.075}}) {
    const std::vector<double> x = Wave(c.hz, 30, 0.7, 400);
    const BandFilter band(c.channel, c.hz, params);
    const std::vector<dsp::Complex> z = band.Apply(x);
    const std::vector<double> real = ChannelOf(c.channel, x, c.hz, params);
    ASSERT_EQ(z.size(), x.size());
    for (int i = 0; i < 400; ++i) {
      const size_t at = static_cast<size_t>(i);
      const bool inside = i >= band.half() && i < 400 - band.half();
      ASSERT_EQ(std::isnan(z[at].re), !inside) << i;
      if (!inside) continue;
      const double angle = 2 * M_PI * c.hz * i / 4 + 0.7;
      ASSERT_NEAR(z[at].re, 30 * std::cos(angle), 0.3) << c.hz;
      ASSERT_NEAR(z[at].im, 30 * std::sin(angle), 0.3) << c.hz;
      ASSERT_EQ(real[at], z[at].re);
    }
  }
}

// Half of the amplitude (-6 dB) at the edges, almost nothing an octave away, nothing of a constant.
TEST(ChannelTest, BandsHaveTheirEdges) {
  const Params params;
  const auto amplitude = [&params](Channel channel, double pacer_hz, double hz) {
    const std::vector<dsp::Complex> z =
        BandFilter(channel, pacer_hz, params).Apply(Wave(hz, 1, 0, 401));
    double sum = 0;
    for (size_t i = 100; i <= 300; ++i) sum += dsp::Abs(z[i]) / 201;
    return sum;
  };
  EXPECT_NEAR(amplitude(Channel::kRsa, 0, 0.12), 0.5, 0.03);
  EXPECT_NEAR(amplitude(Channel::kRsa, 0, 0.40), 0.5, 0.03);
  EXPECT_NEAR(amplitude(Channel::kLf, 0, 0.045), 0.5, 0.04);
  EXPECT_NEAR(amplitude(Channel::kLf, 0, 0.145), 0.5, 0.04);
  EXPECT_NEAR(amplitude(Channel::kPacer, 0.1, 0.07), 0.5, 0.02);
  EXPECT_NEAR(amplitude(Channel::kPacer, 0.1, 0.13), 0.5, 0.02);
  EXPECT_LT(amplitude(Channel::kPacer, 0.1, 0.2), 0.02);
  EXPECT_LT(amplitude(Channel::kLf, 0, 0.25), 0.02);
  EXPECT_LT(amplitude(Channel::kRsa, 0, 0), 1e-9);
}

TEST(ChannelTest, DetrendedHasNoLineAndKeepsItsGaps) {
  std::vector<double> x;
  for (int i = 0; i < 50; ++i) x.push_back(i % 7 == 3 ? kNan : 800 - 2.5 * i);
  const std::vector<double> y = ChannelOf(Channel::kDetrended, x, 0, Params{});
  const std::vector<double> raw = ChannelOf(Channel::kRaw, x, 0, Params{});
  for (size_t i = 0; i < x.size(); ++i) {
    ASSERT_EQ(std::isnan(y[i]), std::isnan(x[i]));
    if (std::isnan(x[i])) continue;
    EXPECT_NEAR(y[i], 0, 1e-10);
    EXPECT_EQ(raw[i], x[i]);
  }
}

TEST(ChannelTest, TooManyMissingIsMissing) {
  std::vector<double> x = Wave(0.1, 20, 0, 133);
  const BandFilter band(Channel::kPacer, 0.1, Params{});
  ASSERT_EQ(band.half(), 66);
  EXPECT_FALSE(std::isnan(band.Apply(x)[66].re));
  for (size_t i = 0; i < 27; ++i) x[i * 4] = kNan;  // 106 of 133 left: below 0.8
  EXPECT_TRUE(std::isnan(band.Apply(x)[66].re));
}

}  // namespace
}  // namespace attune::synchrony
