#include "services/synchrony/testing/injection.h"

#include <cmath>
#include <random>

#include "services/synchrony/testing/test_data.h"

namespace attune::synchrony::testing {

std::vector<double> CleanStretch(int nsr) {
  const std::vector<double> rr = ReadNsr(nsr);
  size_t best = 0, best_length = 0, begin = 0;
  for (size_t i = 0; i < rr.size(); ++i) {
    const bool out = rr[i] < 300 || rr[i] > 2000;
    if (out || (i > begin && std::fabs(rr[i] - rr[i - 1]) > 0.2 * rr[i - 1])) {
      begin = out ? i + 1 : i;
    }
    if (i + 1 > begin + best_length) {
      best = begin;
      best_length = i + 1 - begin;
    }
  }
  const auto first = rr.begin() + static_cast<ptrdiff_t>(best);
  return {first, first + static_cast<ptrdiff_t>(best_length)};
}

InjectedSeries Inject(const std::vector<double>& rr_ms, const InjectionMix& mix, uint64_t seed) {
  std::mt19937_64 random(seed);
  const auto unit = [&random] { return static_cast<double>(random() >> 11) * 0x1p-53; };
  const int weights = mix.missed + mix.missed2 + mix.extra + mix.ectopic;
  const auto pause = [&] {
    return mix.apart_min + static_cast<int>(unit() * (mix.apart_max - mix.apart_min + 1));
  };
  InjectedSeries series;
  int until = pause();
  for (size_t i = 0; i < rr_ms.size(); ++i) {
    if (--until > 0 || i + 3 >= rr_ms.size()) {
      series.rr_ms.push_back(rr_ms[i]);
      continue;
    }
    until = pause();
    int draw = static_cast<int>(unit() * weights);
    const size_t at = series.rr_ms.size();
    if ((draw -= mix.missed) < 0) {
      series.events.push_back({at, {BeatClass::kMissed, 1}});
      series.rr_ms.push_back(rr_ms[i] + rr_ms[i + 1]);
      i += 1;
    } else if ((draw -= mix.missed2) < 0) {
      series.events.push_back({at, {BeatClass::kMissed, 2}});
      series.rr_ms.push_back(rr_ms[i] + rr_ms[i + 1] + rr_ms[i + 2]);
      i += 2;
    } else if ((draw -= mix.extra) < 0) {
      series.events.push_back({at, {BeatClass::kExtra, 1}});
      const double part = rr_ms[i] * (0.35 + 0.3 * unit());
      series.rr_ms.push_back(part);
      series.rr_ms.push_back(rr_ms[i] - part);
    } else {
      series.events.push_back({at, {BeatClass::kEctopic, 1}});
      const double early = rr_ms[i] * (0.25 + 0.15 * unit());
      series.rr_ms.push_back(rr_ms[i] - early);
      series.rr_ms.push_back(rr_ms[i + 1] + early);
      i += 1;
    }
  }
  return series;
}

}  // namespace attune::synchrony::testing
