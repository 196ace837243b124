#include "services/synchrony/dsp/analytic.h"

#include <cstddef>

#include "services/synchrony/dsp/fft.h"
#include "services/synchrony/dsp/math.h"

namespace attune::synchrony::dsp {

std::vector<Complex> AnalyticSignal(std::span<const double> x) {
  const size_t n = x.size();
  if (n == 0) return {};
  std::vector<Complex> z(n);
  for (size_t i = 0; i < n; ++i) z[i].re = x[i];
  const Fft fft(n);
  fft.Forward(z);
  // Bin 0 and, of even lengths, the middle one have no mirror image and stay as they are.
  for (size_t k = 1; k < n; ++k) {
    if (2 * k < n) {
      z[k] = 2 * z[k];
    } else if (2 * k > n) {
      z[k] = {};
    }
  }
  fft.Inverse(z);
  return z;
}

double Phase(Complex z) { return Atan2(z.im, z.re); }

}  // namespace attune::synchrony::dsp
