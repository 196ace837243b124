// From the moments of the null values to a chance level: a calibrated p that goes on where counting
// shifted copies ends.
//
// Counting gives no p below 1 / (1 + shifts), and neighbouring shifts overlap, so 54 of them are
// worth fewer. But the way in which a value of independent people lies among its own shifted
// copies can be measured once, on many real people, and has a simple form:
//
//   kMeanR          z = (value - mean) / sd follows Student's t. Degrees of freedom: half of the
//                   shifts (one every two seconds), the nearest even number.
//   kPhaseLocking   value^2 / mean of the null's squares follows F(2, 2 m), as the squared length
//                   of a complex normal mean over an estimate from m independent ones:
//                   p = (1 + ratio / m)^-m. m: a fifth of the shifts.
//   kGroup          y follows Student's t with 30 degrees of freedom, where z = y + (y^2 - 1) / 20:
//                   a right skew of about 0.3 (first term of Cornish & Fisher 1938).
//   kGroupOfTwo     z follows Student's t with 30 degrees of freedom.
//
// A null value that rests on fewer windows or seconds than the observed one scatters more. Before
// the moments are taken it must be multiplied by sqrt(its cells / the cells of the observed value):
// the variance of a mean falls with the number of its terms. Without that, a pair with gaps, or in
// the first three minutes, would be compared with a band far too wide (measured: 0.014 of
// independent pairs at p <= 0.05 after 120 s instead of 0.05).
//
// Even degrees of freedom have a closed form (Abramowitz & Stegun 26.7.4), so nothing but + - * /
// and sqrt is needed: the same bits on every CPU.
//
// How it was fitted, how far the data support it and what it yields: README.md, "Chance levels".
// `bazel run //services/synchrony/chance:calibrate` prints the tables anew.
#ifndef ATTUNE_SERVICES_SYNCHRONY_CHANCE_TAIL_H_
#define ATTUNE_SERVICES_SYNCHRONY_CHANCE_TAIL_H_

#include <cstdint>

#include "services/synchrony/numbers.h"

namespace attune::synchrony {

enum class Statistic : uint8_t {
  kMeanR,         // mean windowed r of a pair; shifts two seconds apart
  kPhaseLocking,  // phase locking value of a pair; shifts two seconds apart
  kGroup,         // order parameter or mean pairwise r of three or more
  kGroupOfTwo,    // the same of two
};

// No p is given below this: nothing measured says how much rarer a value is.
inline constexpr double kSmallestP = 1e-6;

// The chance level of `observed`: mean and sd as given, z, one-sided p, the band that holds the
// middle 95 % (its ends are where p is 0.975 and 0.025), `shifts` = count; `above` stays false.
// `sd` is that of the sample (n - 1), `count` the number of null values, at least 2. With sd not
// above 0 there is nothing to compare with: z 0, p 1. p falls as `observed` rises. No sorting, no
// allocation: below 0.1 us.
Chance FromNull(Statistic statistic, double observed, double mean, double sd, int count);

// P(T > t) of Student's t with an even number of degrees of freedom, 2..64.
double UpperStudent(double t, int freedom);

// P(X > ratio) of F(2, 2 m), m of 2..64.
double UpperLocking(double ratio, int m);

// The ratio that kPhaseLocking is about, and the y of kGroup with a skew of `a` in place of 1/20.
double LockingRatio(double observed, const Chance& chance);
double Unskewed(double z, double a);

}  // namespace attune::synchrony

#endif  // ATTUNE_SERVICES_SYNCHRONY_CHANCE_TAIL_H_
