// The chance level of a value among its null values, through their moments (tail.h).
#ifndef ATTUNE_SERVICES_SYNCHRONY_CHANCE_MOMENTS_H_
#define ATTUNE_SERVICES_SYNCHRONY_CHANCE_MOMENTS_H_

#include "services/synchrony/chance/tail.h"
#include "services/synchrony/numbers.h"

namespace attune::synchrony {

// As NullMoments (tail.h), but several sums side by side; their order is fixed. `count` >= 2.
Chance ChanceAgainst(Statistic statistic, double observed, const double* null_values, int count);

}  // namespace attune::synchrony

#endif  // ATTUNE_SERVICES_SYNCHRONY_CHANCE_MOMENTS_H_
