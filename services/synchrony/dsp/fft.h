// Discrete Fourier transform of any length, in a fixed order of operations.
//
//   X_k = sum_n x_n exp(-2 pi i k n / N), unscaled; the inverse divides by N.
//
// Powers of two: radix 2. Other lengths: Bluestein's chirp (Bluestein 1970), over a power of two of
// at least 2 N - 1. O(N log N); relative error about 1e-15 log N.
//
// A plan is immutable once made: any number of threads may use one.
#ifndef ATTUNE_SERVICES_SYNCHRONY_DSP_FFT_H_
#define ATTUNE_SERVICES_SYNCHRONY_DSP_FFT_H_

#include <cstddef>
#include <memory>
#include <span>
#include <vector>

#include "services/synchrony/dsp/complex.h"

namespace attune::synchrony::dsp {

class Fft {
 public:
  explicit Fft(size_t length);  // >= 1

  size_t length() const { return length_; }
  // In place; data.size() == length().
  void Forward(std::span<Complex> data) const;
  void Inverse(std::span<Complex> data) const;

 private:
  void ForwardPowerOfTwo(std::span<Complex> data) const;

  size_t length_;
  std::vector<Complex> turns_;  // power of two: exp(-2 pi i k / N), k < N / 2
  // Other lengths.
  std::unique_ptr<const Fft> padded_;
  std::vector<Complex> chirp_;           // exp(-pi i k^2 / N)
  std::vector<Complex> chirp_spectrum_;  // of its conjugate, wrapped, over the padded length
};

// Of real data: bins 0 .. N / 2 (N / 2 + 1 of them).
class RealFft {
 public:
  explicit RealFft(size_t length);  // >= 1

  size_t length() const { return length_; }
  size_t bins() const { return length_ / 2 + 1; }
  // data.size() <= length(): zeros follow it.
  std::vector<Complex> Forward(std::span<const double> data) const;

 private:
  size_t length_;
  Fft plan_;                    // even lengths: of half the length
  std::vector<Complex> turns_;  // even lengths: exp(-2 pi i k / N), k <= N / 4
};

}  // namespace attune::synchrony::dsp

#endif  // ATTUNE_SERVICES_SYNCHRONY_DSP_FFT_H_
