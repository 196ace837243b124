// Who leads and who follows in a group: Guastello's drivers, empaths and synchronisation
// coefficient (Guastello & Peressini 2017), by linear regression.
//
//   w_ij: the weight of x_i(t - lag) in x_j(t) ~ 1 + x_i(t - lag) + x_j(t - lag)
//   driver_i = sum over j != i of w_ij^2     how much x_i tells about the others' future
//   empath_j = sum over i != j of w_ij^2     how much the others tell about x_j's
//   S_E      = V' M^-1 V, with j* the person of the largest empath score *including* w_jj,
//              M = w without row and column j*, V = column j* without its own row.
//
// The matrix' diagonal w_ii is half the weight of x_i(t - lag) in x_i(t): two equal predictors
// share it. The peer (multiSyncPy) adds w_ii^2 to its driver and empath scores, which makes them
// mostly a measure of each person's own smoothness, and gets w_ii from a singular regression,
// sometimes 1e13 instead of 0.4. Our scores leave it out; it stays in the matrix, which S_E needs.
// A lead in time is no cause: see the pitfalls of Granger causality. Pure functions.
#ifndef ATTUNE_SERVICES_SYNCHRONY_GROUP_SYNC_INDEX_H_
#define ATTUNE_SERVICES_SYNCHRONY_GROUP_SYNC_INDEX_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "services/synchrony/dsp/stats.h"
#include "services/synchrony/group/table.h"

namespace attune::synchrony {

struct DriverScores {
  dsp::Matrix weights;  // row drives column
  std::vector<double> driver;
  std::vector<double> empath;
  size_t moments = 0;  // that the regressions stand on
};

// kStandardised: each person first divided by their standard deviation, so that who varies little
// does not count as a strong driver. kAsGiven: the peer's way.
enum class DriverUnits : uint8_t { kStandardised, kAsGiven };

// Samples may be NaN where missing; a moment t counts when everybody is there at t and at t - lag.
// Nothing with fewer than two people or 10 moments, or when somebody does not vary.
std::optional<DriverScores> MeasureDrivers(const Table& people, size_t lag,
                                           DriverUnits units = DriverUnits::kStandardised);

// Nothing when M is singular. M may be badly conditioned: values outside 0..1 occur and mean
// nothing.
std::optional<double> SyncCoefficient(const dsp::Matrix& weights);

}  // namespace attune::synchrony

#endif  // ATTUNE_SERVICES_SYNCHRONY_GROUP_SYNC_INDEX_H_
