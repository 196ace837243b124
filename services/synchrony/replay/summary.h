// What a replay comes to: data quality and, by phase, the means over ticks. Plain structs.
#ifndef ATTUNE_SERVICES_SYNCHRONY_REPLAY_SUMMARY_H_
#define ATTUNE_SERVICES_SYNCHRONY_REPLAY_SUMMARY_H_

#include <cstdint>
#include <vector>

#include "services/synchrony/numbers.h"

namespace attune::synchrony {

// Of one person's beats up to the end.
struct DataQuality {
  uint64_t beats = 0;
  uint64_t artefacts = 0;     // of these not taken as they came
  uint64_t rejudged = 0;      // verdicts that changed as beats came within the horizon
  uint64_t gaps = 0;          // breaks of the series
  double coverage = 0;        // 0..1, mean share of clean data between first and last beat
  int64_t first_beat_us = 0;  // 0: none
  int64_t last_beat_us = 0;
};

// Every number has its phase's length as window. `more`: in the order of Plan::measures, those
// of this subject; as_of_us is the phase's end.
struct PersonPhase {
  uint32_t phase = 0;
  Number hr_bpm;
  Number rmssd_ms;
  std::vector<NamedNumber> more;
};

struct PersonSummary {
  int person = 0;
  DataQuality quality;
  std::vector<PersonPhase> phases;
};

struct PairPhase {
  uint32_t phase = 0;
  Number r_mean_windowed;
  double share_above = 0;  // of its ticks with a value, those above chance
  uint64_t ticks = 0;      // with a value
  Number plv_lf;
  double plv_lf_share_above = 0;
  std::vector<NamedNumber> more;
};

struct PairSummary {
  int a = 0;
  int b = 0;
  std::vector<PairPhase> phases;
};

// Of a measure of the group, from the baseline (group/baseline.h).
struct PhaseChange {
  Measure measure = Measure::kOrderParameter;
  Number difference;  // with one standard error; window: the phase
  double standardised = 0;
};

struct GroupPhase {
  uint32_t phase = 0;
  Number order_parameter;
  Number r_mean_pairwise;
  double share_above = 0;  // of ticks with a value of r_mean_pairwise, those above chance
  uint64_t ticks = 0;      // with such a value
  int people = 0;          // fewest contributors in any tick with a value; 0: none
  std::vector<NamedNumber> more;
  std::vector<PhaseChange> changes;  // ascending; none without a baseline, or when it lies herein
};

struct Summary {
  std::vector<PersonSummary> people;  // everybody in the plan, ascending
  std::vector<PairSummary> pairs;     // those with a tick that counts, ascending
  std::vector<GroupPhase> group;
};

}  // namespace attune::synchrony

#endif  // ATTUNE_SERVICES_SYNCHRONY_REPLAY_SUMMARY_H_
