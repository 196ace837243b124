// What goes into the synchrony engine and what comes out: plain structs, no behaviour.
//
// Times are microseconds of session time. A person is the small integer the caller chose.
// Every Number states its window and coverage, and is either a value or absent with a reason.
#ifndef ATTUNE_SERVICES_SYNCHRONY_NUMBERS_H_
#define ATTUNE_SERVICES_SYNCHRONY_NUMBERS_H_

#include <cstdint>
#include <utility>
#include <vector>

#include "services/synchrony/measure.h"

namespace attune::synchrony {

struct Beat {
  int64_t time_us = 0;      // the beat that ENDS the interval; session time, >= 0
  uint16_t rr_1024 = 0;     // length of that interval, 1/1024 s
  bool gap_before = false;  // not adjacent to the previous beat (link loss, new strap epoch, lost
                            // notification): never differenced or interpolated across

  friend bool operator==(const Beat&, const Beat&) = default;
};

enum class Absence : uint8_t {
  kNone,                // the value is there
  kNotEnoughData,       // too little clean signal in the window yet
  kArtefacts,           // the beats are there, but too many were rejected
  kTimingTooUncertain,  // beat times are not known well enough for this measure
  kTooFewPeople,        // fewer than two contributors
  kNoConsent,           // never set here: the session's word
  kCommonCause,         // a shared pacer or stimulus makes the chance test meaningless
  kTooManyPeople,       // not computed for a group of this size
};

// Where the value stands against circularly shifted copies of the same signals.
struct Chance {
  double mean = 0;  // of the null values
  double sd = 0;    // of the null values, with n - 1
  double z = 0;     // standardised effect, (value - mean) / sd; 0 when sd is 0
  // Between them lies the middle 95 % of what independent people give: p is 0.975 at `low` and
  // 0.025 at `high`.
  double low = 0;
  double high = 0;
  double p = 1;    // one-sided, calibrated (chance/tail.h); not corrected for many pairs
  int shifts = 0;  // null values used
  // p, after Benjamini-Hochberg over the pairs asked for, has stayed at or below Params::alpha for
  // Params::persistence_us of consecutive ticks.
  bool above = false;
};

struct Number {
  Absence absent = Absence::kNotEnoughData;  // kNone: `value` holds
  double value = 0;
  // One standard error of the value, in its unit; 0: not stated.
  double uncertainty = 0;
  int64_t window_us = 0;  // what the value looks back on
  // 0..1, clean grid samples of the window; filled also when absent. Pairs: samples clean in both.
  // Group: mean over the contributors, over the whole span.
  double coverage = 0;
  // More than Params::artefact_doubtful_share of the beats beneath it were not taken as they came
  // (of the person; of either of a pair; of any contributor of a group): read it with care.
  bool doubtful = false;
  bool has_chance = false;
  Absence chance_absent = Absence::kNone;  // why not, when has_chance is false; kNone: this number
                                           // has no chance level by its nature
  Chance chance;
};

// A measure beyond the core set, computed because Selection::measures asks for it.
struct NamedNumber {
  Measure measure = Measure::kHrBpm;
  // The end of the window the value stands on: the last moment of the measure's cadence, at or
  // before the tick.
  int64_t as_of_us = 0;
  Number number;
};

// How well one person's beat times are known, worst in the window (given by the caller).
struct Timing {
  int32_t jitter_us = 0;        // beat to beat
  int32_t offset_bound_us = 0;  // constant part: clock offset and unseen delay

  friend bool operator==(const Timing&, const Timing&) = default;
};

struct PersonNumbers {
  int person = 0;
  Number hr_bpm;
  Number rmssd_ms;
  Number artefact_share;          // 0..1, rejected beats / beats
  int64_t last_beat_us = -1;      // newest beat at or before the tick's end; -1: none in memory
  std::vector<NamedNumber> more;  // in the order of Selection::measures
};

// Sign: positive lag = b follows a.
struct PairNumbers {
  int a = 0;
  int b = 0;
  Number r_zero_lag;              // 60 s, line removed, lag 0
  Number r_peak;                  // 60 s, largest r over the 41 lags
  Number lag_ms;                  // lag of that peak, with its uncertainty
  Number r_mean_windowed;         // the default synchrony statistic: mean of 15-s r over the span
  Number plv_lf;                  // 0..1, phase locking of the low-frequency waves over the span
  std::vector<NamedNumber> more;  // in the order of Selection::measures
};

struct GroupNumbers {
  int people = 0;                 // asked for
  std::vector<int> contributors;  // ascending; whose signal the values stand on
  Number order_parameter;         // 0..1, low-frequency band, mean over 30 s
  Number r_mean_pairwise;         // mean 15-s r over all pairs of contributors and the span
  std::vector<NamedNumber> more;  // in the order of Selection::measures
};

struct Frame {
  int64_t tick_end_us = 0;
  std::vector<PersonNumbers> people;
  std::vector<PairNumbers> pairs;
  GroupNumbers group;
};

// What a tick should hold. People and group ascending, no repeats; pairs as the caller orders them.
struct Selection {
  std::vector<int> people;
  std::vector<std::pair<int, int>> pairs;
  std::vector<int> group;
  bool common_cause = false;
  double pacer_hz = 0;  // of the shared pacer while one runs; 0: none
  // Beyond the core set; each once, ascending. Of people and pairs: for all selected ones.
  std::vector<Measure> measures;
};

// Everything an engine needs to go on as if never interrupted. The rest is recomputed.
struct EngineState {
  struct Person {
    int person = 0;
    Timing timing;
    std::vector<Beat> beats;  // ascending time
    friend bool operator==(const Person&, const Person&) = default;
  };
  struct PairHold {
    int a = 0;
    int b = 0;
    // Ticks since which the p of each has held without a break; -1: it does not hold.
    int64_t since_us = -1;         // r_mean_windowed
    int64_t plv_lf_since_us = -1;  // plv_lf
    friend bool operator==(const PairHold&, const PairHold&) = default;
  };
  int64_t last_tick_end_us = -1;
  std::vector<Person> people;   // ascending person
  std::vector<PairHold> pairs;  // ascending (a, b); only those that hold
  int64_t order_parameter_since_us = -1;
  int64_t r_mean_pairwise_since_us = -1;

  friend bool operator==(const EngineState&, const EngineState&) = default;
};

}  // namespace attune::synchrony

#endif  // ATTUNE_SERVICES_SYNCHRONY_NUMBERS_H_
