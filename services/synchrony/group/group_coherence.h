// Coherence of a whole group.
//
//   mean coherence: over all pairs, the mean over frequencies of |Pxy|^2 / (Pxx Pyy) (Reinero,
//     Dikker & Van Bavel 2021; multiSyncPy's coherence_team)
//   sum-normalised cross-spectral density: over all pairs, the mean of
//     sum over frequencies of |Pxy|^2 / sum of Pxx Pyy (multiSyncPy): weighs frequencies by power
// Spectra by Welch: periodic Hann windows of `segment` samples, half overlapping, minus their
// means. Independent signals give about 1 / segments, not 0: compare equal lengths only. Pure.
#ifndef ATTUNE_SERVICES_SYNCHRONY_GROUP_GROUP_COHERENCE_H_
#define ATTUNE_SERVICES_SYNCHRONY_GROUP_GROUP_COHERENCE_H_

#include <cstddef>
#include <optional>

#include "services/synchrony/group/table.h"

namespace attune::synchrony {

struct GroupCoherence {
  double mean_coherence = 0;
  double sum_normalised_csd = 0;
  int segments = 0;
};

// Frequencies low_hz <= f <= high_hz. Samples may be NaN where missing: segments are laid from the
// start of every stretch where everybody is there, none reaches over a gap. Nothing with fewer than
// two people or `min_segments` segments, without a frequency, or when somebody does not vary.
std::optional<GroupCoherence> MeasureGroupCoherence(const Table& people, double rate_hz,
                                                    size_t segment, int min_segments, double low_hz,
                                                    double high_hz);

}  // namespace attune::synchrony

#endif  // ATTUNE_SERVICES_SYNCHRONY_GROUP_GROUP_COHERENCE_H_
