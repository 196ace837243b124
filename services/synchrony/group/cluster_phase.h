// Cluster phase: how steadily people keep their phase to the group, whatever that phase is (Frank &
// Richardson 2010; Richardson et al. 2012, doi 10.3389/fphys.2012.00405). Unlike the order
// parameter it does not ask that all are at the same point of the wave.
//
//   q(t)       = angle of mean_i exp(i theta_i(t))              the cluster
//   phi_i(t)   = theta_i(t) - q(t)                              person against cluster
//   phibar_i   = angle of mean_t exp(i phi_i(t))
//   rho_i      = |mean_t exp(i phi_i(t))|                       0..1, one person
//   rho(t)     = |mean_i exp(i (phi_i(t) - phibar_i))|          0..1, the group
//   rho        = mean_t rho(t)
// Angles come as unit vectors, so that only products and square roots are needed. Pure functions.
#ifndef ATTUNE_SERVICES_SYNCHRONY_GROUP_CLUSTER_PHASE_H_
#define ATTUNE_SERVICES_SYNCHRONY_GROUP_CLUSTER_PHASE_H_

#include <optional>
#include <span>
#include <vector>

#include "services/synchrony/signal/phase.h"

namespace attune::synchrony {

struct ClusterPhase {
  double rho = 0;                  // mean over the moments that count
  std::vector<double> rho_own;     // per person
  std::vector<double> rho_moment;  // per moment; NaN where it does not count
  std::vector<double> order;       // Kuramoto's R of the same moments
  int moments = 0;                 // that count
};

// people[i][t]; all the same length. A moment counts when at least `min_share` of the people, and
// at least two, have a phase; its means are over those. Nothing with fewer than two people, no
// moment that counts, or somebody who has a phase at none of them.
std::optional<ClusterPhase> MeasureClusterPhase(const std::vector<std::vector<UnitVector>>& people,
                                                double min_share = 1);

// About what rho and R of `people` independent people are: sqrt(pi / (4 N)), the mean length of a
// mean of N random unit vectors. Large for few people; no test.
double ChanceOrder(int people);

// Frank & Richardson's weak test of the order parameter over several recordings (or phases of one)
// of groups of `people`: Y of a recording is the mean of R^2, which is 1 / N for independent
// people;
//   t = (mean Y - 1 / N) / (SD / sqrt(n)), n - 1 degrees of freedom,
// with the sample's SD (n - 1). (multiSyncPy divides by n, which makes its t larger by
// sqrt(n / (n - 1)).) Nothing with fewer than two recordings or when they do not differ.
struct WeakNull {
  double t = 0;
  int degrees_of_freedom = 0;
};
std::optional<WeakNull> TestAgainstWeakNull(std::span<const double> mean_squared_order, int people);

}  // namespace attune::synchrony

#endif  // ATTUNE_SERVICES_SYNCHRONY_GROUP_CLUSTER_PHASE_H_
