// The chance level of a value among its null values, through their moments (tail.h).
#ifndef ATTUNE_SERVICES_SYNCHRONY_CHANCE_MOMENTS_H_
#define ATTUNE_SERVICES_SYNCHRONY_CHANCE_MOMENTS_H_

#include "services/synchrony/chance/tail.h"
#include "services/synchrony/numbers.h"

namespace attune::synchrony {

// A chance level as it stands until what it rests on changes.
struct Standing {
  bool known = false;
  int shifts = 0;  // too few for a chance level: `chance` is not there
  Chance chance;
};

// Of `count` >= 2 values of order 1, all on the footing of the observed one (tail.h). Sums are
// taken side by side in a fixed order; the variance is what is left of the squares, exact enough
// for an sd above 1e-6.
Chance ChanceAgainst(Statistic statistic, double observed, const double* null_values, int count);

}  // namespace attune::synchrony

#endif  // ATTUNE_SERVICES_SYNCHRONY_CHANCE_MOMENTS_H_
