// What the directed measures (Granger causality, transfer entropy) are computed on: one value a
// second, differenced, so that slow drifts which two people share do not pass for influence.
#ifndef ATTUNE_SERVICES_SYNCHRONY_PAIR_DIRECTED_H_
#define ATTUNE_SERVICES_SYNCHRONY_PAIR_DIRECTED_H_

#include <span>
#include <vector>

namespace attune::synchrony {

// Means of `samples` consecutive samples, then the difference of neighbours. NaN (missing) stays
// NaN, in the mean and in both differences; what is left over at the end is not used.
std::vector<double> DifferencedMeans(std::span<const double> x, int samples);

}  // namespace attune::synchrony

#endif  // ATTUNE_SERVICES_SYNCHRONY_PAIR_DIRECTED_H_
