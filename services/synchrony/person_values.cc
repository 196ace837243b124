#include "services/synchrony/person_values.h"

#include <algorithm>

#include "services/synchrony/signal/hrv.h"

namespace attune::synchrony {
namespace {

Number OfPerson(const PersonTrack* track, int64_t window_us) {
  Number number;
  number.window_us = window_us;
  if (track != nullptr) number.coverage = track->Coverage(static_cast<int>(window_us / kSampleUs));
  return number;
}

}  // namespace

void PersonValues(int person, const PersonTrack* track, const Params& params,
                  PersonNumbers* numbers) {
  numbers->person = person;
  numbers->last_beat_us = -1;
  numbers->hr_bpm = OfPerson(track, params.hr_window_us);
  numbers->rmssd_ms = OfPerson(track, params.hrv_window_us);
  numbers->artefact_share = numbers->rmssd_ms;
  if (track == nullptr) return;

  numbers->last_beat_us = track->last_beat_us();

  const bool too_many = track->hrv_artefacts().too_many;
  const BeatSums& recent = track->hr_sums();
  if (too_many) {
    numbers->hr_bpm.absent = Absence::kArtefacts;
  } else if (recent.intervals >= std::max(1, params.hr_min_beats)) {
    numbers->hr_bpm.absent = Absence::kNone;
    numbers->hr_bpm.value = HeartRateBpm(recent);
  } else if (recent.beats >= params.hr_min_beats) {
    numbers->hr_bpm.absent = Absence::kArtefacts;
  }
  const BeatSums& sums = track->hrv_sums();
  if (too_many) {
    numbers->rmssd_ms.absent = Absence::kArtefacts;
  } else if (sums.differences >= std::max(1, params.rmssd_min_differences)) {
    numbers->rmssd_ms.absent = Absence::kNone;
    numbers->rmssd_ms.value = RmssdMs(sums);
  }
  if (sums.beats >= std::max(1, params.artefact_min_beats)) {
    numbers->artefact_share.absent = Absence::kNone;
    numbers->artefact_share.value = static_cast<double>(sums.artefacts) / sums.beats;
  }
  numbers->hr_bpm.doubtful = numbers->rmssd_ms.doubtful = track->hrv_artefacts().doubtful;
}

}  // namespace attune::synchrony
