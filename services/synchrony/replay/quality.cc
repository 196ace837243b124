#include "services/synchrony/replay/quality.h"

#include <cstddef>

#include "services/synchrony/signal/beat_track.h"
#include "services/synchrony/signal/screen.h"

namespace attune::synchrony {
namespace {

// Does the verdict on beat k change while beats become known, up to the first `known`?
bool Rejudged(BeatTrack* track, size_t k, size_t known) {
  const Verdict first = track->Judge(k, k + 1);
  for (size_t more = k + 1; more < known && !track->Final(k, more);) {
    if (track->Judge(k, ++more) != first) return true;
  }
  return false;
}

}  // namespace

DataQuality QualityOf(const std::vector<Beat>& all, int64_t end_us, const Params& params) {
  DataQuality quality;
  BeatTrack track(params, all);
  const PackedBeats& beats = track.beats();
  size_t known = 0;
  for (size_t k = 0; k < beats.size() && beats[k].time_us <= end_us; ++k) {
    ++quality.beats;
    const int64_t knows_us = beats[k].time_us + params.horizon_us;
    while (known < beats.size() && beats[known].time_us <= knows_us) ++known;
    if (Rejudged(&track, k, known)) ++quality.rejudged;
    if (track.Judge(k, known).artefact()) ++quality.artefacts;
    if (k > 0 && !IsAdjacent(beats, k, params)) ++quality.gaps;
    if (k == 0) quality.first_beat_us = beats[k].time_us;
    quality.last_beat_us = beats[k].time_us;
  }
  return quality;
}

}  // namespace attune::synchrony
