#include "services/synchrony/signal/curve.h"

#include <algorithm>

namespace attune::synchrony {
namespace {

// Beats looked at before and after the moment: more than two knots each way, with beats left out
// between them.
constexpr size_t kReach = 8;

int KnotCount(const Verdict& verdict) {
  if (verdict.clean()) return 1;
  if (!verdict.corrected() || verdict == Verdict{BeatClass::kExtra, 1}) return 0;
  return verdict.kind == BeatClass::kMissed ? verdict.part + 1 : 1;
}

}  // namespace

int KnotsOf(const PackedBeats& beats, size_t k, const Verdict& verdict, BeatKnot knots[3]) {
  const Beat beat = beats[k];
  const int64_t time_us = beat.time_us;
  const int32_t rr_2048 = 2 * int32_t{beat.rr_1024};
  if (verdict.clean()) {
    knots[0] = {time_us, rr_2048, 1};
    return 1;
  }
  if (!verdict.corrected()) return 0;
  switch (verdict.kind) {
    case BeatClass::kMissed: {
      const int shares = verdict.part + 1;
      const int64_t before_us = beats[k - 1].time_us;
      for (int i = 1; i <= shares; ++i) {
        knots[i - 1] = {before_us + (time_us - before_us) * i / shares, rr_2048, shares};
      }
      return shares;
    }
    case BeatClass::kExtra:
      if (verdict.part == 1) return 0;
      knots[0] = {time_us, rr_2048 + 2 * int32_t{beats[k - 1].rr_1024}, 1};
      return 1;
    default:
      if (verdict.part == 1) {
        knots[0] = {beats[k - 1].time_us + (beats[k + 1].time_us - beats[k - 1].time_us) / 2,
                    rr_2048 + 2 * int32_t{beats[k + 1].rr_1024}, 2};
      } else {
        knots[0] = {time_us, rr_2048 + 2 * int32_t{beats[k - 1].rr_1024}, 2};
      }
      return 1;
  }
}

bool Curve::At(int64_t time_us, BeatTrack* beats, const Params& params, double* units) {
  if (time_us < last_us_) Reset();
  if (!ready_) {
    right_ = known_ = static_cast<uint32_t>(beats->UpperBound(time_us - 1));
    ready_ = true;
  }
  last_us_ = time_us;
  const PackedBeats& all = beats->beats();
  while (right_ < all.size() && all.time_us(right_) < time_us) ++right_;
  known_ = std::max(known_, right_);
  while (known_ < all.size() && all.time_us(known_) <= time_us + params.horizon_us) ++known_;
  if (!final_ || time_us <= from_us_ || time_us > to_us_) {
    final_ = false;
    if (!Find(time_us, beats, params)) return false;
  }
  // Seconds from the left knot: the digits do not depend on how old the session is.
  *units = piece_.At(static_cast<double>(time_us - from_us_) * 1e-6);
  return true;
}

bool Curve::Find(int64_t time_us, BeatTrack* track, const Params& params) {
  if (right_ == 0 || right_ >= known_) return false;
  const PackedBeats& beats = track->beats();
  BeatKnot made[3];
  // Back until three knots lie before the moment: the two that matter and one that a correction
  // may have moved behind it.
  size_t first = right_;
  for (int have = 0; first > 0 && have < 3 && right_ - first < kReach;) {
    --first;
    have += KnotCount(track->Judge(first, known_));
  }

  BeatKnot before, left, right, after;
  bool have_left = false, have_right = false, have_after = false;
  bool left_joined = false;
  bool broken = true;  // since the last knot; also before the first
  int left_out = 0;
  size_t last = first;
  for (size_t k = first; k < known_ && k < right_ + kReach && !have_after; ++k) {
    last = k;
    if (!IsAdjacent(beats, k, params)) broken = true;
    const Verdict verdict = track->Judge(k, known_);
    const int count = KnotsOf(beats, k, verdict, made);
    if (!verdict.clean() && !verdict.corrected() && ++left_out > params.bridge_rejected) {
      broken = true;
    }
    if (have_right && broken) break;
    for (int i = 0; i < count && !have_after; ++i) {
      const BeatKnot& knot = made[i];
      const BeatKnot& previous = have_right ? right : left;
      const bool joined =
          have_left && !broken && knot.time_us - previous.time_us <= params.bridge_us;
      if (have_right) {
        if (!joined) {
          broken = true;
          break;
        }
        after = knot;
        have_after = true;
      } else if (knot.time_us >= time_us) {
        if (!joined) return false;
        right = knot;
        have_right = true;
      } else {
        before = left;
        left_joined = joined;
        left = knot;
        have_left = true;
      }
      broken = false;
      left_out = 0;
    }
    if (have_right && broken) break;
    if (!have_right && broken && k >= right_) return false;
  }
  if (!have_right) return false;

  from_us_ = left.time_us;
  to_us_ = right.time_us;
  // All verdicts used, and what ended the search, stand whatever comes.
  final_ = (have_after || broken) && track->Final(last, known_);
  const auto at = [this](const BeatKnot& knot) {
    return Knot{static_cast<double>(knot.time_us - from_us_) * 1e-6, knot.units()};
  };
  const Knot knot_before = at(before), knot_after = at(after);
  piece_ = PchipPiece(left_joined ? &knot_before : nullptr, at(left), at(right),
                      have_after ? &knot_after : nullptr);
  return true;
}

}  // namespace attune::synchrony
