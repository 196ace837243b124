// Runs without a missing sample. Measures that need an unbroken signal look at such runs only: a
// real gap is never filled.
#ifndef ATTUNE_SERVICES_SYNCHRONY_DSP_CLEAN_RUN_H_
#define ATTUNE_SERVICES_SYNCHRONY_DSP_CLEAN_RUN_H_

#include <cstddef>
#include <span>
#include <vector>

namespace attune::synchrony::dsp {

struct CleanRun {
  size_t begin = 0;
  size_t count = 0;

  friend bool operator==(const CleanRun&, const CleanRun&) = default;
};

// All longest possible stretches without NaN, in order.
std::vector<CleanRun> CleanRuns(std::span<const double> x);
// Of two series of one size: without NaN in either.
std::vector<CleanRun> CleanRuns(std::span<const double> x, std::span<const double> y);

// The longest (the first of equals); count 0 when everything is missing.
CleanRun LongestRun(std::span<const CleanRun> runs);

// The house rule for a measure of one window that needs an unbroken signal: its longest clean run,
// if that covers at least this share of the window; otherwise the measure is absent
// (Absence::kNotEnoughData).
inline constexpr double kMinRunShare = 0.8;

// The part of x to use by that rule; empty when it is not met.
std::span<const double> UsableRun(std::span<const double> x);
// The same for two; the run is where in both.
CleanRun UsableRun(std::span<const double> x, std::span<const double> y);

// Share of the samples that are there; 0 when empty.
double CleanShare(std::span<const double> x);

}  // namespace attune::synchrony::dsp

#endif  // ATTUNE_SERVICES_SYNCHRONY_DSP_CLEAN_RUN_H_
