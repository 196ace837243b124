#include "tests/false_positive/rates.h"

#include <cmath>
#include <cstdio>

namespace attune::false_positive {

void Rates::Count(const v1::Number& number, int second, const synchrony::Params& params,
                  Course* course) {
  constexpr int64_t kSecondUs = 1'000'000;
  const bool has_p = number.has_chance();
  const double p = has_p ? number.chance().p() : 1;
  const bool alone =
      course->alone.Update(has_p && p <= params.alpha, second * kSecondUs, (second - 1) * kSecondUs,
                           params.persistence_us, params.persistence_break_us);
  const bool published = has_p && number.chance().above();
  if (has_p) {
    ++ticks;
    above_alone += alone ? 1 : 0;
    above += published ? 1 : 0;
    alarms_alone += alone && !course->was_above_alone ? 1 : 0;
    alarms += published && !course->was_above ? 1 : 0;
    if (second % kApartSeconds == 0) {
      ++looks;
      p05 += p <= 0.05 ? 1 : 0;
      p01 += p <= 0.01 ? 1 : 0;
      p001 += p <= 0.001 ? 1 : 0;
    }
  }
  course->was_above_alone = alone;
  course->was_above = published;
}

void Rates::Print(const std::string& what) const {
  const double n = looks > 0 ? looks : 1;
  std::printf(
      "%-34s %6d looks: p<=.05 %.4f, .01 %.4f, .001 %.5f | alone above %.4f of time, %.2f alarms/h"
      " | published %.5f, %.3f alarms/h in %.0f h\n",
      what.c_str(), looks, p05 / n, p01 / n, p001 / n, AloneShare(), AloneAlarmsPerHour(),
      AboveShare(), AlarmsPerHour(), static_cast<double>(ticks) / 3600);
}

double Slack(int looks) { return 3 * std::sqrt(0.05 * 0.95 / looks); }

}  // namespace attune::false_positive
