// A simulated heart: integral pulse frequency modulation (IPFM). A beat falls where
//
//   integral from the last beat to this one of  f0 (1 + d m(t)) dt  =  1
//
// with f0 the mean rate in Hz, m the driving signal of unit variance (modulation.h) and d its depth
// (Mateo & Laguna, IEEE Trans. Biomed. Eng. 47:985, 2000; Bailon et al., IEEE Trans. Biomed. Eng.
// 58:642, 2011). m has a closed antiderivative, so that beats are found without stepping.
//
// Two people are coupled through seeds and session time alone: a person with `couple_seed` follows
// the signal of the (uncoupled) person with that seed, `lag_ms` later; they may be simulated by two
// programs on two machines. `strength` is the correlation of the two driving signals at that lag
// (see Drive). Coupling is one-way: give it to one of the two.
//
// Beat times are measured on a grid of 1/1024 s, as a strap does. Artefacts are drawn for each beat
// from the seed: a missed beat joins two intervals, an extra one splits an interval, an ectopic one
// comes early and is followed by a compensatory pause. A dropout loses the beats within it; the
// next one follows a gap.
//
// Deterministic: the same options, start and machine give the same beats, however they are polled.
#ifndef ATTUNE_EDGE_SOURCE_SIMULATE_H_
#define ATTUNE_EDGE_SOURCE_SIMULATE_H_

#include <cstdint>
#include <memory>
#include <optional>

#include "absl/status/statusor.h"
#include "edge/source/modulation.h"
#include "edge/source/source.h"

namespace attune::edge {

struct SimulateOptions {
  uint64_t seed = 1;
  std::optional<double> hr_bpm;   // 30..180; else 58..78 from the seed
  std::optional<double> resp_hz;  // 0.08..0.5; else 0.20..0.30 from the seed
  double resp_depth = 0.030;      // relative to the mean rate, each 0..0.1
  double lf_depth = 0.035;
  double vlf_depth = 0.025;
  std::optional<uint64_t> couple_seed;
  std::optional<double> couple_resp_hz;  // the other's resp_hz, when that was given
  double strength = 0.8;                 // 0..1
  double lag_ms = 0;                     // -10000..10000; positive: this person follows
  double missed = 0;                     // probabilities per beat, together at most 0.5
  double extra = 0;
  double ectopic = 0;
  double dropout_every_s = 0;     // 0: none; else at least 10
  double dropout_s = 0;           // 0 .. dropout_every_s / 2
  std::optional<double> at_s;     // session time of the start
  std::optional<double> seconds;  // ends after so much
};

// INVALID_ARGUMENT names the option that is out of range.
absl::StatusOr<std::unique_ptr<Source>> MakeSimulate(const SimulateOptions& options);

// The driving signal that these options stand for; `options` must be valid.
Drive DriveOf(const SimulateOptions& options);

}  // namespace attune::edge

#endif  // ATTUNE_EDGE_SOURCE_SIMULATE_H_
