#include "services/synchrony/dsp/fft.h"

#include <bit>
#include <utility>

#include "services/synchrony/dsp/math.h"

namespace attune::synchrony::dsp {
namespace {

// exp(-2 pi i k / n)
Complex Turn(size_t k, size_t n) {
  const SinCos turn = SinCosPi(2 * static_cast<double>(k) / static_cast<double>(n));
  return {turn.cos, -turn.sin};
}

}  // namespace

Fft::Fft(size_t length) : length_(length) {
  if (std::has_single_bit(length)) {
    for (size_t k = 0; k < length / 2; ++k) turns_.push_back(Turn(k, length));
    return;
  }
  const size_t padded = std::bit_ceil(2 * length - 1);
  padded_ = std::make_unique<const Fft>(padded);
  chirp_.resize(length);
  chirp_spectrum_.resize(padded);
  for (size_t k = 0; k < length; ++k) {
    // k^2 modulo 2 N keeps the angle small, so that its sine stays exact.
    chirp_[k] = Turn(k * k % (2 * length), 2 * length);
    chirp_spectrum_[k] = Conj(chirp_[k]);
    chirp_spectrum_[(padded - k) % padded] = Conj(chirp_[k]);
  }
  padded_->Forward(chirp_spectrum_);
}

void Fft::ForwardPowerOfTwo(std::span<Complex> data) const {
  const size_t n = length_;
  for (size_t i = 1, j = 0; i < n; ++i) {
    size_t bit = n >> 1;
    for (; j & bit; bit >>= 1) j ^= bit;
    j ^= bit;
    if (i < j) std::swap(data[i], data[j]);
  }
  for (size_t half = 1; half < n; half *= 2) {
    const size_t step = n / (2 * half);
    for (size_t start = 0; start < n; start += 2 * half) {
      for (size_t k = 0; k < half; ++k) {
        const Complex upper = data[start + k];
        const Complex lower = turns_[k * step] * data[start + k + half];
        data[start + k] = upper + lower;
        data[start + k + half] = upper - lower;
      }
    }
  }
}

void Fft::Forward(std::span<Complex> data) const {
  if (padded_ == nullptr) {
    ForwardPowerOfTwo(data);
    return;
  }
  std::vector<Complex> work(padded_->length());
  for (size_t k = 0; k < length_; ++k) work[k] = chirp_[k] * data[k];
  padded_->Forward(work);
  for (size_t k = 0; k < work.size(); ++k) work[k] = work[k] * chirp_spectrum_[k];
  padded_->Inverse(work);
  for (size_t k = 0; k < length_; ++k) data[k] = chirp_[k] * work[k];
}

void Fft::Inverse(std::span<Complex> data) const {
  for (Complex& x : data) x.im = -x.im;
  Forward(data);
  const double scale = 1 / static_cast<double>(length_);
  for (Complex& x : data) x = {scale * x.re, -scale * x.im};
}

RealFft::RealFft(size_t length) : length_(length), plan_(length % 2 == 0 ? length / 2 : length) {
  if (length % 2 != 0) return;
  for (size_t k = 0; k <= length / 4; ++k) turns_.push_back(Turn(k, length));
}

std::vector<Complex> RealFft::Forward(std::span<const double> data) const {
  std::vector<Complex> work(plan_.length());
  if (length_ % 2 != 0) {
    for (size_t n = 0; n < data.size(); ++n) work[n].re = data[n];
    plan_.Forward(work);
    work.resize(bins());
    return work;
  }
  // Even and odd samples as real and imaginary parts of one transform of half the length.
  for (size_t n = 0; n < data.size(); ++n) (n % 2 == 0 ? work[n / 2].re : work[n / 2].im) = data[n];
  plan_.Forward(work);
  const size_t half = length_ / 2;
  std::vector<Complex> out(bins());
  for (size_t k = 0; k <= half / 2; ++k) {
    const Complex z = work[k];
    const Complex mirror = Conj(work[(half - k) % half]);
    const Complex even = 0.5 * (z + mirror);
    const Complex difference = z - mirror;
    const Complex odd = {0.5 * difference.im, -0.5 * difference.re};
    const Complex turned = turns_[k] * odd;
    out[k] = even + turned;
    out[half - k] = Conj(even - turned);
  }
  return out;
}

}  // namespace attune::synchrony::dsp
