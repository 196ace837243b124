// How often one kind of number was beyond chance.
#ifndef ATTUNE_TESTS_FALSE_POSITIVE_RATES_H_
#define ATTUNE_TESTS_FALSE_POSITIVE_RATES_H_

#include <cstdint>
#include <string>

#include "attune/v1/live.pb.h"
#include "services/synchrony/chance/null.h"
#include "services/synchrony/params.h"

namespace attune::false_positive {

inline constexpr int kApartSeconds = 180;  // looks so far apart share no data

// What one number did from tick to tick, looked at alone and as published.
struct Course {
  synchrony::Hold alone;  // its own p, with the persistence but without correction for the others
  bool was_above_alone = false;
  bool was_above = false;
};

struct Rates {
  int looks = 0;  // values with a p, kApartSeconds apart
  int p05 = 0;    // p <= 0.05 among them
  int p01 = 0;
  int p001 = 0;
  int64_t ticks = 0;  // all values with a p
  int64_t above_alone = 0;
  int64_t above = 0;
  int alarms_alone = 0;  // how often "above" began
  int alarms = 0;

  // The number at second `second` of its room.
  void Count(const v1::Number& number, int second, const synchrony::Params& params, Course* course);

  double Share() const { return looks > 0 ? static_cast<double>(p05) / looks : 0; }
  double AboveShare() const { return ticks > 0 ? static_cast<double>(above) / ticks : 0; }
  double AloneShare() const { return ticks > 0 ? static_cast<double>(above_alone) / ticks : 0; }
  double AlarmsPerHour() const { return ticks > 0 ? 3600.0 * alarms / ticks : 0; }
  double AloneAlarmsPerHour() const { return ticks > 0 ? 3600.0 * alarms_alone / ticks : 0; }
  void Print(const std::string& what) const;
};

// What the number of looks leaves open: three standard deviations of a binomial share of 0.05. 0
// for infinitely many looks.
double Slack(int looks);

}  // namespace attune::false_positive

#endif  // ATTUNE_TESTS_FALSE_POSITIVE_RATES_H_
