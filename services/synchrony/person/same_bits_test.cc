// All measures of one person of one fixed stretch, to the last bit. Run twice: as it is, and with
// CPU features hidden from the C library. The digest says nothing about right or wrong (the other
// tests do); a change of it means that recordings give other bits than before, for which
// kEngineVersion must rise.
#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>
#include <vector>

#include "services/synchrony/dsp/spline.h"
#include "services/synchrony/person/person_measures.h"

namespace attune::synchrony {
namespace {

// 300 s of intervals from integer arithmetic alone, with a gap.
Stretch Fixed() {
  Stretch stretch;
  stretch.to_us = 300'000'000;
  stretch.grid_ms.assign(1200, std::numeric_limits<double>::quiet_NaN());
  uint64_t state = 1;
  std::vector<Knot> knots;
  for (int64_t t_us = 500'000; t_us <= stretch.to_us;) {
    state = state * 6364136223846793005u + 1442695040888963407u;
    const int64_t breath = std::abs(t_us / 1000 % 4200 - 2100) / 20;  // a triangle of 0.24 Hz
    const int64_t wave = std::abs(t_us / 1000 % 10400 - 5200) / 60;
    const int64_t nn = 780 + breath + wave + static_cast<int64_t>(state >> 59);
    const bool after_gap = t_us / 1'000'000 == 250;
    stretch.nn.push_back({t_us, static_cast<double>(nn), false, !stretch.nn.empty() && !after_gap});
    stretch.raw_rr_ms.push_back(static_cast<double>(nn));
    knots.push_back({static_cast<double>(t_us) / 1e6, static_cast<double>(nn)});
    t_us += after_gap ? 5'000'000 : nn * 1000;
  }
  stretch.beats = static_cast<int>(knots.size());
  const size_t last = static_cast<size_t>(knots.back().t * 4);
  const std::vector<double> curve = dsp::PchipOnGrid(knots, 0.5, 0.25, last - 1);
  for (size_t i = 0; i < curve.size(); ++i) {
    const bool gap = i >= 1000 && i < 1016;
    if (!gap) stretch.grid_ms[i + 1] = curve[i];
  }
  return stretch;
}

TEST(SameBitsTest, OnAnyCpu) {
  const Stretch stretch = Fixed();
  uint64_t digest = 14695981039346656037u;
  const auto add = [&digest](uint64_t word) {
    for (int byte = 0; byte < 8; ++byte)
      digest = (digest ^ (word >> 8 * byte & 0xff)) * 1099511628211u;
  };
  int values = 0;
  for (const MeasureInfo& info : Catalogue()) {
    if (!IsPersonMeasure(info.measure)) continue;
    for (const double pacer_hz : {0.0, 0.1}) {
      const Number number = MeasurePerson(info.measure, stretch, pacer_hz, Params{});
      values += number.absent == Absence::kNone ? 1 : 0;
      add(static_cast<uint64_t>(number.absent));
      add(std::bit_cast<uint64_t>(number.value));
    }
  }
  EXPECT_GE(values, 36);
  EXPECT_EQ(digest, 0x30bc82ac1df5c95cu) << std::hex << digest;
}

}  // namespace
}  // namespace attune::synchrony
