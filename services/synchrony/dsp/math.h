// Transcendental functions with the same bits on every x86-64 CPU: SLEEF's deterministic set in its
// plain C form, which neither asks the CPU what it can do nor uses fused multiply-add. The C
// library's sin, exp and so on do ask, and differ by CPU.
//
// Within 1 ulp (0.5 for SinPi and CosPi); pure. sqrt, floor, fabs and the like are exact anywhere:
// use <cmath>'s.
#ifndef ATTUNE_SERVICES_SYNCHRONY_DSP_MATH_H_
#define ATTUNE_SERVICES_SYNCHRONY_DSP_MATH_H_

#include <sleef.h>

namespace attune::synchrony::dsp {

inline constexpr double kPi = 3.141592653589793;

struct SinCos {
  double sin = 0;
  double cos = 0;
};

inline double Sin(double x) { return Sleef_cinz_sind1_u10purec(x); }
inline double Cos(double x) { return Sleef_cinz_cosd1_u10purec(x); }
inline double Tan(double x) { return Sleef_cinz_tand1_u10purec(x); }
inline double Atan(double x) { return Sleef_cinz_atand1_u10purec(x); }
inline double Atan2(double y, double x) { return Sleef_cinz_atan2d1_u10purec(y, x); }

// Of pi * x.
inline double SinPi(double x) { return Sleef_cinz_sinpid1_u05purec(x); }
inline double CosPi(double x) { return Sleef_cinz_cospid1_u05purec(x); }
inline SinCos SinCosPi(double x) {
  const auto result = Sleef_cinz_sincospid1_u05purec(x);
  return {result.x, result.y};
}

inline double Exp(double x) { return Sleef_cinz_expd1_u10purec(x); }
inline double Log(double x) { return Sleef_cinz_logd1_u10purec(x); }
inline double Log2(double x) { return Sleef_cinz_log2d1_u10purec(x); }
inline double Pow(double x, double y) { return Sleef_cinz_powd1_u10purec(x, y); }
inline double Tanh(double x) { return Sleef_cinz_tanhd1_u10purec(x); }
inline double Atanh(double x) { return Sleef_cinz_atanhd1_u10purec(x); }
inline double Erfc(double x) { return Sleef_cinz_erfcd1_u15purec(x); }
inline double LogGamma(double x) { return Sleef_cinz_lgammad1_u10purec(x); }

}  // namespace attune::synchrony::dsp

#endif  // ATTUNE_SERVICES_SYNCHRONY_DSP_MATH_H_
