// What kind of beat is it? Lipponen & Tarvainen (2019, J Med Eng Technol 43:173) as a stream: one
// beat at a time, from a few beats ahead and a bounded stretch behind. The published batch form is
// signal/lipponen.h.
//
// Kept from the paper: the thresholds follow the person, alpha = 5.2 times the quartile deviation
// (Q3 - Q1) / 2 of |dRR| (the jump from one interval to the next) and of |mRR| (the distance from
// the local median) over 91 beats; and its classes with what corrects them. Changed for a stream:
//   - The 91 beats lie before the beat (in the paper around it: 45 beats of delay), no further back
//     than screen_window_reach_us.
//   - Thresholds lie between a floor, screen_floor_ms and screen_floor_pct of the local median
//     (without one, quiet hearts recorded in steps of 1/128 s are over-flagged), and a ceiling,
//     screen_ceiling_pct of it (without one, a tenth of missed beats hides itself: it raises its
//     own quartiles).
//   - The local level is the stretch between the median of up to screen_before intervals before the
//     event and the median of those after it, of which the verdict knows up to screen_after beats
//     beyond its own. A heart that quickly changes its pace passes, because its beats lie between.
//   - An event is judged with the intervals it spoils, once, so that the interval beside an extra
//     or ectopic beat is not flagged again as long or short (the published form does that).
//
// Classes. T is the level threshold, J the jump threshold.
//   missed    one interval, above one and a half times the level, half or a third of which is
//             within T of the level: one or two beats are missing inside. Corrected: split evenly.
//   extra     two intervals, both below the level, whose sum is within T of it: the beat between
//             them is one too many. Corrected: merged.
//   ectopic   two intervals on opposite sides of the level, off by more than T/2, neither by more
//             than twice the other, and J and two floors apart: the beat between them is early or
//             late. Corrected: moved to the middle of its neighbours.
//   long, short   off the level by more than T, with a jump of J there and back within two beats,
//             and none of the above; out of range: outside rr_min_ms..rr_max_ms. Not corrected but
//             left out.
// Only truly adjacent beats are corrected, so nothing is made up across a gap.
//
// No verdict depends on another verdict or on anything before the 91 beats: each is a pure function
// of the beats around it, so it can be recomputed at any time to the same bit. It depends on how
// many of the screen_after beats ahead are known yet, and may change while they come.
#ifndef ATTUNE_SERVICES_SYNCHRONY_SIGNAL_SCREEN_H_
#define ATTUNE_SERVICES_SYNCHRONY_SIGNAL_SCREEN_H_

#include <cstddef>
#include <cstdint>
#include <cstdlib>

#include "services/synchrony/numbers.h"
#include "services/synchrony/params.h"
#include "services/synchrony/signal/packed_beats.h"

namespace attune::synchrony {

enum class BeatClass : uint8_t { kNormal, kMissed, kExtra, kEctopic, kLong, kShort, kOutOfRange };

// Of the interval that a beat ends.
struct Verdict {
  BeatClass kind = BeatClass::kNormal;
  // kMissed: how many beats are missing inside (1 or 2). kExtra, kEctopic: first or second interval
  // of the two.
  uint8_t part = 0;

  bool clean() const { return kind == BeatClass::kNormal; }
  // Corrected, not left out.
  bool corrected() const { return part != 0; }
  // Each event counts as one beat: the second interval of two is not counted again.
  bool artefact() const { return !clean() && (kind == BeatClass::kMissed || part != 2); }

  friend bool operator==(const Verdict&, const Verdict&) = default;
};

// Does a beat continue the one before it without anything missing between them?
inline bool IsAdjacent(const PackedBeats::Step& step, const Params& params) {
  const int64_t rr_us = int64_t{step.rr_1024} * 1'000'000 / 1024;
  return !step.gap_before && std::llabs(step.us - rr_us) <= params.adjacency_tolerance_us;
}
// Beat k; false for k = 0.
inline bool IsAdjacent(const PackedBeats& beats, size_t k, const Params& params) {
  return k > 0 && IsAdjacent(beats.StepTo(k), params);
}

// The interval alone: within rr_min_ms..rr_max_ms?
inline bool IsInRange(int32_t rr_1024, const Params& params) {
  const int32_t scaled = rr_1024 * 1000;
  return scaled >= params.rr_min_ms * 1024 && scaled <= params.rr_max_ms * 1024;
}

// alpha times the quartile deviation, 1/2048 s, before floor and ceiling; -1: too few beats.
struct Thresholds {
  int32_t jump = -1;
  int32_t level = -1;
};

// What seems to begin with the interval of beat k: a class for it alone, and whether it and the
// next are an extra or ectopic pair (else kNormal).
struct Look {
  Verdict alone;
  BeatClass pair = BeatClass::kNormal;

  friend bool operator==(const Look&, const Look&) = default;
};

// Is beat k so near the ones before it that nothing can begin with it, whatever comes? So with
// nearly all beats; LookAt is an empty Look then.
bool BeginsNothing(const PackedBeats& beats, size_t k, const Thresholds& thresholds,
                   const Params& params);

// Knowing only beats[0, known), of which no more than screen_after beyond k are used; k < known <=
// beats.size(); beats strictly ascending in time; `thresholds` those of beat k.
Look LookAt(const PackedBeats& beats, size_t k, size_t known, const Thresholds& thresholds,
            const Params& params);

// The verdict on beat k. Of pairs that overlap only the first counts.
inline Verdict Combine(BeatClass pair_two_before, BeatClass pair_before, const Look& look) {
  if (pair_before != BeatClass::kNormal) {
    return pair_two_before == BeatClass::kNormal ? Verdict{pair_before, 2} : look.alone;
  }
  return look.pair != BeatClass::kNormal ? Verdict{look.pair, 1} : look.alone;
}

// |RR_j - median of its neighbours| in 1/2048 s, and |RR_j - RR_(j-1)|; -1 where there is none.
// Both know screen_after beats beyond j, which must be there.
int32_t LevelDeviation(const PackedBeats& beats, size_t j, const Params& params);
int32_t Jump(const PackedBeats& beats, size_t j, const Params& params);

}  // namespace attune::synchrony

#endif  // ATTUNE_SERVICES_SYNCHRONY_SIGNAL_SCREEN_H_
