// The curve through a person's corrected beats, one moment at a time.
//
// Knots: each interval's length at the END of the interval. A beat taken as it came is one knot; a
// missed beat adds knots evenly inside its interval; the two intervals of an extra beat are one; an
// ectopic beat's knot is moved to the middle of its neighbours. Between them PCHIP.
//
// What is said of moment x knows the beats up to x + Params::horizon_us and nothing later: a slope
// that would need a knot beyond is the one-sided end slope. From one knot the curve goes on to the
// next only if all beats between them are adjacent, at most bridge_rejected of them are left out,
// and the knots are at most bridge_us apart; elsewhere there is no curve.
#ifndef ATTUNE_SERVICES_SYNCHRONY_SIGNAL_CURVE_H_
#define ATTUNE_SERVICES_SYNCHRONY_SIGNAL_CURVE_H_

#include <cstddef>
#include <cstdint>

#include "services/synchrony/params.h"
#include "services/synchrony/signal/beat_track.h"
#include "services/synchrony/signal/pchip.h"

namespace attune::synchrony {

// A knot of the curve, exact: `rr_2048` / `shares` is the interval in 1/2048 s.
struct BeatKnot {
  int64_t time_us = 0;
  int32_t rr_2048 = 0;
  int32_t shares = 1;

  double units() const { return static_cast<double>(rr_2048) / shares; }
};

// The knots that beat k makes, ascending; how many (0..3).
int KnotsOf(const PackedBeats& beats, size_t k, const Verdict& verdict, BeatKnot knots[3]);

// How far before a moment the beats reach that can decide the curve there. The two knots before it
// lie within two bridges, the beat of such a knot up to 2 s further (an ectopic beat's knot is
// moved), two beats whose events may reach that one up to 4 s (each interval fits its distance to
// within the tolerance); then come the beats behind the thresholds of the first of them, and the
// neighbours of the first of those.
inline int64_t BeatReachUs(const Params& params) {
  return 2 * params.bridge_us + 6'000'000 + 3 * params.adjacency_tolerance_us +
         params.screen_window_reach_us + params.screen_reach_us;
}

// Moments may come in any order; rising ones are fastest. The order never shows in a result.
class Curve {
 public:
  // In 1/2048 s; false (and *units untouched) when there is none.
  bool At(int64_t time_us, BeatTrack* beats, const Params& params, double* units);
  // The beats were dropped at the front, or added to beyond what any moment asked for could know.
  void Reseat() { ready_ = false; }
  // The beats changed.
  void Reset() { ready_ = final_ = false; }

 private:
  // Finds the piece around `time_us`; false when there is none.
  bool Find(int64_t time_us, BeatTrack* beats, const Params& params);

  bool ready_ = false;  // right_ and known_ fit last_us_
  // The piece found last, and whether more beats can still change it.
  bool final_ = false;
  int64_t last_us_ = 0;
  uint32_t right_ = 0;  // the first beat at or after the moment
  uint32_t known_ = 0;  // beats within its horizon
  int64_t from_us_ = 0;
  int64_t to_us_ = 0;
  PchipPiece piece_;
};

}  // namespace attune::synchrony

#endif  // ATTUNE_SERVICES_SYNCHRONY_SIGNAL_CURVE_H_
