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
  double segments = 0;  // of a pair, on average
  int pairs = 0;        // that the means stand on
};

// Frequencies low_hz <= f <= high_hz. Samples may be NaN where missing: a segment of a pair counts
// when both are there without a gap; a pair when it has `min_segments` and half of all segments.
// Nothing with fewer than two people or less than 0.8 of the pairs, without a frequency, or when
// somebody does not vary.
std::optional<GroupCoherence> MeasureGroupCoherence(const Table& people, double rate_hz,
                                                    size_t segment, int min_segments, double low_hz,
                                                    double high_hz);

}  // namespace attune::synchrony

#endif  // ATTUNE_SERVICES_SYNCHRONY_GROUP_GROUP_COHERENCE_H_
