// A complex number with nothing hidden: std::complex would go through the C library for abs and
// arg, and through extra cases for infinities in every product.
#ifndef ATTUNE_SERVICES_SYNCHRONY_DSP_COMPLEX_H_
#define ATTUNE_SERVICES_SYNCHRONY_DSP_COMPLEX_H_

#include <cmath>

namespace attune::synchrony::dsp {

struct Complex {
  double re = 0;
  double im = 0;

  Complex& operator+=(Complex b) {
    re += b.re;
    im += b.im;
    return *this;
  }
  friend bool operator==(const Complex&, const Complex&) = default;
};

inline Complex operator+(Complex a, Complex b) { return {a.re + b.re, a.im + b.im}; }
inline Complex operator-(Complex a, Complex b) { return {a.re - b.re, a.im - b.im}; }
inline Complex operator*(Complex a, Complex b) {
  return {a.re * b.re - a.im * b.im, a.re * b.im + a.im * b.re};
}
inline Complex operator*(double a, Complex b) { return {a * b.re, a * b.im}; }
inline Complex Conj(Complex a) { return {a.re, -a.im}; }
inline double SquaredAbs(Complex a) { return a.re * a.re + a.im * a.im; }
inline double Abs(Complex a) { return std::sqrt(SquaredAbs(a)); }
inline Complex operator/(Complex a, Complex b) { return (1 / SquaredAbs(b)) * (a * Conj(b)); }

}  // namespace attune::synchrony::dsp

#endif  // ATTUNE_SERVICES_SYNCHRONY_DSP_COMPLEX_H_
