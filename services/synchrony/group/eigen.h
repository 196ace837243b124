// What the correlations of a group's members say about the whole group. Pure functions.
//
//   leading eigenvalue, %: 100 l_1 / sum l of the correlation matrix: 100 / N when nobody resembles
//     anybody, 100 when all are the same (as cran/mvSUSY's lambda_max).
//   S-estimator: 1 + sum l' ln l' / ln N, l' = l / N (Carmeli et al. 2005): 0 to 1 between the same
//     ends.
//   omega: 1 - det(covariance) / product of variances = 1 - det(correlation) (Meier & Tschacher
//     2021, without the absolute values that the package mvSUSY takes of each covariance, which are
//     not in the paper): 0 for uncorrelated people, 1 when one follows from the others.
//   leave-one-out r: r of one person with the mean of all others' standardised signals.
//   mean pairwise r: over all N (N - 1) / 2 pairs.
#ifndef ATTUNE_SERVICES_SYNCHRONY_GROUP_EIGEN_H_
#define ATTUNE_SERVICES_SYNCHRONY_GROUP_EIGEN_H_

#include <optional>
#include <vector>

#include "services/synchrony/dsp/stats.h"
#include "services/synchrony/group/table.h"

namespace attune::synchrony {

// Correlation matrix; both triangles, 1 on the diagonal. Nothing when somebody does not vary.
std::optional<dsp::Matrix> Correlations(Table people);

// Eigenvalues of a symmetric matrix, largest first, to about 1e-14 of the largest: Householder's
// tridiagonal form, then implicit QL steps (Golub & Van Loan, ch. 8). Some ten times cheaper than
// Jacobi's rotations, for the many matrices of surrogates.
std::vector<double> Eigenvalues(dsp::Matrix symmetric);

double LeadingEigenvaluePct(const dsp::Matrix& correlations);
// The same and the S-estimator at once.
struct EigenMeasures {
  double leading_pct = 0;
  double s_estimator = 0;
};
EigenMeasures MeasureEigenvalues(const dsp::Matrix& correlations);

// Clamped to [0, 1] against rounding. Needs more moments than people, or it is 1 by construction.
double Omega(const dsp::Matrix& correlations);

// One per person; NaN where the others' mean does not vary.
std::vector<double> LeaveOneOutR(const dsp::Matrix& correlations);

double MeanPairwiseR(const dsp::Matrix& correlations);

}  // namespace attune::synchrony

#endif  // ATTUNE_SERVICES_SYNCHRONY_GROUP_EIGEN_H_
