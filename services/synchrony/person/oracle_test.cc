// The algorithms of one person against values computed independently (tests/data/reference-values/
// hrv): NumPy and SciPy from the definitions.
#include <gtest/gtest.h>

#include <cmath>
#include <string>
#include <vector>

#include "services/synchrony/dsp/math.h"
#include "services/synchrony/dsp/spectrum.h"
#include "services/synchrony/dsp/spline.h"
#include "services/synchrony/dsp/stats.h"
#include "services/synchrony/person/breathing.h"
#include "services/synchrony/person/coherence_ratio.h"
#include "services/synchrony/person/rsa.h"
#include "services/synchrony/person/time_domain.h"
#include "services/synchrony/testing/test_data.h"

namespace attune::synchrony {
namespace {

using testing::JsonAt;
using testing::JsonNumber;
using testing::JsonNumbers;

const char kFolder[] = "tests/data/reference-values/hrv/";

class OracleTest : public ::testing::TestWithParam<const char*> {
 protected:
  OracleTest() {
    auto csv = testing::ReadCsv(std::string(kFolder) + "input_nn.csv");
    const std::vector<double> all = testing::ToDoubles(csv["nn_ms"]);
    double t = 0;
    for (size_t i = 0; i < all.size(); ++i) {
      if (csv["case"][i] != GetParam()) continue;
      nn_.push_back(all[i]);
      t += all[i] / 1000;
      knots_.push_back({t, all[i]});
    }
    for (size_t i = 1; i < nn_.size(); ++i) differences_.push_back(nn_[i] - nn_[i - 1]);
  }

  // Even PCHIP grid from the first whole step after the first beat to the last beat.
  std::vector<double> Grid(double rate_hz) const {
    const double first = std::ceil(rate_hz * knots_.front().t) / rate_hz;
    const double count = std::floor((knots_.back().t - first) * rate_hz) + 1;
    return dsp::PchipOnGrid(knots_, first, 1 / rate_hz, static_cast<size_t>(count));
  }

  void Expect(double value, double expected, double relative) const {
    EXPECT_NEAR(value, expected, relative * std::fabs(expected)) << GetParam();
  }

  std::vector<double> nn_, differences_;
  std::vector<Knot> knots_;
};

TEST_P(OracleTest, TimeDomain) {
  const std::string json = testing::ReadFile(std::string(kFolder) + "expected_time_domain.json");
  const std::string_view e = JsonAt(json, GetParam());
  ASSERT_EQ(nn_.size(), static_cast<size_t>(JsonNumber(e, "n")));
  const IntervalStatistics s = StatisticsOf(nn_, differences_);
  Expect(s.mean_nn_ms, JsonNumber(e, "mean_nn"), 1e-10);
  Expect(s.sdnn_ms, JsonNumber(e, "sdnn"), 1e-10);
  Expect(s.rmssd_ms, JsonNumber(e, "rmssd"), 1e-10);
  Expect(dsp::Log(s.rmssd_ms), JsonNumber(e, "lnrmssd"), 1e-10);
  Expect(s.sdsd_ms, JsonNumber(e, "sdsd"), 1e-10);
  Expect(s.pnn50_pct, JsonNumber(e, "pnn50_pct"), 1e-10);
  Expect(s.pnn20_pct, JsonNumber(e, "pnn20_pct"), 1e-10);
  Expect(s.sd1_ms, JsonNumber(e, "sd1"), 1e-10);
  Expect(s.sd2_ms, JsonNumber(e, "sd2"), 1e-10);
}

// pyHRV publishes 43.391 as SDSD of its own sample, whose RMSSD is 60.523: it takes the deviation
// of |d|, which is not a deviation of the differences at all. With a mean difference near 0, as in
// any long series, SDSD is within a hair of RMSSD.
TEST_P(OracleTest, SdsdIsNotThatOfAbsoluteDifferences) {
  std::vector<double> absolute;
  for (double d : differences_) absolute.push_back(std::fabs(d));
  const IntervalStatistics s = StatisticsOf(nn_, differences_);
  EXPECT_NEAR(s.sdsd_ms, s.rmssd_ms, 0.005 * s.rmssd_ms);
  EXPECT_LT(dsp::StandardDeviation(absolute, 1), 0.9 * s.sdsd_ms);
}

TEST_P(OracleTest, PorgesBohrer) {
  const std::string json =
      testing::ReadFile(std::string(kFolder) + "expected_rsa_respiration.json");
  const std::string_view e = JsonAt(JsonAt(json, GetParam()), "rsa");
  const std::vector<double> grid = Grid(2);
  ASSERT_EQ(grid.size(), static_cast<size_t>(JsonNumber(e, "grid_n")));
  const struct {
    PorgesBohrerFilter filter;
    const char* name;
    double tolerance;
  } kFilters[] = {{PorgesBohrerFilter::kFir53, "fir53", 1e-6},
                  {PorgesBohrerFilter::kButterworth, "butter", 1e-4}};
  for (const auto& [filter, name, tolerance] : kFilters) {
    const std::vector<double> epochs = PorgesBohrerEpochs(grid, filter);
    const std::vector<double> expected = JsonNumbers(JsonAt(e, name), "epochs_ln_ms2");
    ASSERT_EQ(epochs.size(), expected.size());
    for (size_t i = 0; i < epochs.size(); ++i) EXPECT_NEAR(epochs[i], expected[i], tolerance);
    EXPECT_NEAR(dsp::Mean(epochs), JsonNumber(JsonAt(e, name), "mean_ln_ms2"), tolerance);
  }
  const auto value = PorgesBohrer(grid);
  ASSERT_TRUE(value.has_value());
  EXPECT_NEAR(*value, JsonNumber(JsonAt(e, "fir53"), "mean_ln_ms2"), 1e-6);
}

TEST_P(OracleTest, Breathing) {
  const std::string json =
      testing::ReadFile(std::string(kFolder) + "expected_rsa_respiration.json");
  const std::string_view e = JsonAt(JsonAt(json, GetParam()), "respiration");
  const dsp::Spectrum spectrum = BreathingSpectrum(Grid(4));
  const struct {
    BreathingBand band;
    const char* name;
  } kBands[] = {{BreathingBand(), "band_0.15_0.45"}, {{0.10, 0.50}, "band_0.10_0.50"}};
  for (const auto& [band, name] : kBands) {
    const std::string_view b = JsonAt(e, name);
    const auto peak = FindBreathing(spectrum, band);
    ASSERT_TRUE(peak.has_value());
    EXPECT_EQ(peak->bin_hz, JsonNumber(b, "peak_bin_hz"));
    Expect(peak->hz, JsonNumber(b, "peak_hz_parabolic"), 1e-7);
    // The reference also counts bins beyond the band's edge into the peak; ours is a share.
    double beyond = 0, inside = 0;
    for (size_t k = 0; k < spectrum.density.size(); ++k) {
      const double hz = spectrum.hz(k);
      const bool in_band = hz >= band.low_hz && hz <= band.high_hz;
      if (in_band) inside += spectrum.density[k];
      if (!in_band && std::fabs(hz - peak->bin_hz) <= 0.02) beyond += spectrum.density[k];
    }
    EXPECT_LE(peak->share, 1);
    Expect(peak->share + beyond / inside, JsonNumber(b, "power_fraction"), 1e-7);
    EXPECT_EQ(peak->highest, JsonAt(b, "max_in_band_is_local_max").substr(0, 4) == "true");
  }
}

TEST_P(OracleTest, CoherenceRatio) {
  const std::string json =
      testing::ReadFile(std::string(kFolder) + "expected_coherence_ratio.json");
  const std::vector<double> rows = JsonNumbers(JsonAt(json, GetParam()), "rows");
  ASSERT_EQ(rows.size() % 5, 0u);
  ASSERT_GT(rows.size(), 0u);
  const std::vector<double> grid = Grid(2);
  std::vector<double> ratios;
  for (size_t row = 0; row < rows.size() / 5; ++row) {
    const auto c = CoherenceOf(std::span(grid).subspan(row * kCoherenceHop, kCoherenceSamples));
    ASSERT_TRUE(c.has_value());
    EXPECT_EQ(c->peak_hz, rows[5 * row + 1]);
    Expect(c->peak_ms2, rows[5 * row + 2], 1e-8);
    Expect(c->total_ms2, rows[5 * row + 3], 1e-8);
    Expect(c->ratio, rows[5 * row + 4], 1e-8);
    ratios.push_back(rows[5 * row + 4]);
  }
  const auto median = CoherenceOfGrid(grid);
  ASSERT_TRUE(median.has_value());
  Expect(*median, dsp::Quantile(ratios, 0.5), 1e-8);
}

INSTANTIATE_TEST_SUITE_P(Cases, OracleTest,
                         ::testing::Values("nsr003", "nsr008", "nsr013", "nsr021", "nsr023",
                                           "nsr027", "synthetic_sine"));

}  // namespace
}  // namespace attune::synchrony
