// Granger causality (Granger 1969, as the log ratio of Geweke 1982): does the past of one person
// help to foretell the other beyond the other's own past?
//
//   F(a -> b) = ln(RSS of b from b's past / RSS of b from b's and a's past) >= 0
//
// Linear regressions with an intercept on `order` past values of each. For recordings only.
//
// NOT THE F TABLE: on heart data its p values are wrong (neighbouring values depend on each other,
// and breathing is periodic). Compare with the same on circularly shifted series. And it says that
// one past foretells, not that one person drives the other: two people who follow a third (a voice,
// a pacer) with different delays look just so.
#ifndef ATTUNE_SERVICES_SYNCHRONY_PAIR_GRANGER_H_
#define ATTUNE_SERVICES_SYNCHRONY_PAIR_GRANGER_H_

#include <span>

namespace attune::synchrony {

struct Granger {
  int order = 0;  // 0: no result (too few rows for it, or the regressors depend on each other)
  int rows = 0;   // moments used
  double a_to_b = 0;
  double b_to_a = 0;
};

// NaN is missing: a moment counts only when it and the `order` values before it are there in both.
// At least ten moments for each regressor.
Granger GrangerCausality(std::span<const double> a, std::span<const double> b, int order);

// The order 1..most with the least AIC of both regressions together, ln det S + 8 order / rows (S:
// covariance of the residuals; Akaike 1974), on the rows that the largest order can use; 0 when
// there are too few.
int GrangerOrder(std::span<const double> a, std::span<const double> b, int most);

}  // namespace attune::synchrony

#endif  // ATTUNE_SERVICES_SYNCHRONY_PAIR_GRANGER_H_
