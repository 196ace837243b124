// Linear-phase filters for ECG at 130 Hz, in 1/32768, from the middle outwards (symmetric).
//
// Window method with a Hamming window w(m) = 0.54 + 0.46 cos(pi m / 20), m = -20..20:
//
//   low-pass of F Hz   l(m) = 2 F/130 sinc(2 F/130 m) w(m)
//   kEcgLowPass        F = 40, scaled to 1 at 0 Hz
//   kEcgBandPass       l of 18 Hz less l of 6 Hz, less a multiple of w so that nothing is left at 0
//   Hz
//
// and kEcgHann = (1 + cos(pi m / 7)) / 2, scaled to a sum of 1. What rounding takes from the sum is
// put right in the middle. Integers: sums are exact and the same everywhere.
#ifndef ATTUNE_EDGE_SOURCE_POLAR_ECG_FILTERS_H_
#define ATTUNE_EDGE_SOURCE_POLAR_ECG_FILTERS_H_

#include <cstdint>

namespace attune::edge {

inline constexpr int kEcgTapsHalf = 20;
inline constexpr int32_t kEcgBandPass[kEcgTapsHalf + 1] = {
    6058, 4967, 2237, -845, -2965, -3475, -2615, -1211, -91, 353, 242,
    -40,  -177, -95,  85,   210,   217,   142,   55,    -1,  -22};
inline constexpr int32_t kEcgLowPass[kEcgTapsHalf + 1] = {
    20156, 9692, -3379, -1534, 2360, -432, -1159, 918, 213, -704, 262,
    294,   -323, 0,     188,   -99,  -51,  79,    -14, -39, 34};
inline constexpr int kEcgHannHalf = 6;
inline constexpr int32_t kEcgHann[kEcgHannHalf + 1] = {4682, 4449, 3800, 2861, 1820, 881, 232};

}  // namespace attune::edge

#endif  // ATTUNE_EDGE_SOURCE_POLAR_ECG_FILTERS_H_
