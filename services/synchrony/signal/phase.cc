#include "services/synchrony/signal/phase.h"

#include <sleef.h>

#include <algorithm>
#include <cmath>

#include "services/synchrony/kernel/layout.h"

namespace attune::synchrony {
namespace {

// |sum| <= kPeak * length * kGridLimit stays below 2^31 for filters of up to 120 s.
constexpr double kPeak = 2047;

// SLEEF's deterministic set: the same bits on every CPU, unlike the C library's sin.
struct SinCosPi {
  explicit SinCosPi(double x) {
    const auto result = Sleef_cinz_sincospid1_u05purec(x);
    sin = result.x;
    cos = result.y;
  }
  double sin;
  double cos;
};

int Low(int32_t pair) { return static_cast<int16_t>(static_cast<uint32_t>(pair) & 0xffff); }
int High(int32_t pair) { return pair >> 16; }

// The middle coefficient takes up what rounding left over.
void MakeZeroMean(std::vector<int16_t>& coefficients) {
  int sum = 0;
  for (int16_t c : coefficients) sum += c;
  coefficients[coefficients.size() / 2] =
      static_cast<int16_t>(coefficients[coefficients.size() / 2] - sum);
}

}  // namespace

PhaseFilter::PhaseFilter(const Params& params)
    : PhaseFilter(params.phase_centre_hz, params.phase_filter_seconds * kSamplesPerSecond / 2,
                  params.phase_min_valid_share) {}

PhaseFilter::PhaseFilter(double centre_hz, int half, double min_valid_share)
    : min_valid_share_(min_valid_share) {
  // The Hann window's own mean leaks into the real part: take out its share of the window.
  double window_sum = 0;
  double real_sum = 0;
  std::vector<double> window, real, imaginary;
  for (int k = -half; k <= half; ++k) {
    window.push_back(0.5 + 0.5 * SinCosPi(static_cast<double>(k) / (half + 1)).cos);
    const SinCosPi turn(2 * centre_hz * k / kSamplesPerSecond);
    real.push_back(window.back() * turn.cos);
    imaginary.push_back(window.back() * turn.sin);
    window_sum += window.back();
    real_sum += real.back();
  }
  for (size_t i = 0; i < window.size(); ++i) {
    // Sample i lies at k = i - half; weights exp(-i w k) turn cos(w t) into exp(i w t) / 2.
    re_.push_back(
        static_cast<int16_t>(std::lrint(kPeak * (real[i] - window[i] * real_sum / window_sum))));
    im_.push_back(static_cast<int16_t>(-std::lrint(kPeak * imaginary[i])));
  }
  MakeZeroMean(re_);
  MakeZeroMean(im_);
}

UnitVector PhaseFilter::Apply(const int16_t* values, const int16_t* masks) const {
  int32_t n = 0, sum = 0;
  int32_t re = 0, im = 0;            // over clean samples
  int32_t re_gain = 0, im_gain = 0;  // of the coefficients there
  for (int i = 0; i < length(); ++i) {
    if (masks[i] == 0) continue;
    ++n;
    sum += values[i];
    re += int32_t{re_[i]} * values[i];
    im += int32_t{im_[i]} * values[i];
    re_gain += re_[i];
    im_gain += im_[i];
  }
  if (n < min_valid_share_ * length()) return {};
  const double mean = static_cast<double>(sum) / n;
  const double x = re - mean * re_gain;
  const double y = im - mean * im_gain;
  const double size = std::sqrt(x * x + y * y);
  // Less than one step of 1/2048 s through the filter: rounding, not a wave.
  if (size < kPeak) return {};
  return {x / size, y / size};
}

int32_t PackPhase(const UnitVector& unit) {
  return PackPair(static_cast<int16_t>(std::lrint(unit.re * kPhaseScale)),
                  static_cast<int16_t>(std::lrint(unit.im * kPhaseScale)));
}

PhaseRing::PhaseRing(int size, int moment_seconds, std::pmr::memory_resource* memory)
    : moment_samples_(moment_seconds * kSamplesPerSecond),
      slots_(size, memory),
      units_(static_cast<size_t>(RoundUp(size, kBlockWindows)), memory),
      changes_(memory) {}

void PhaseRing::ExtendTo(int64_t last, const GridTrack& grid, const PhaseFilter& filter) {
  changes_.clear();
  const int64_t first = slots_.Begin(last);
  for (int64_t moment = first; moment <= last; ++moment) {
    const int64_t sample = moment * moment_samples_;
    UnitVector unit;
    if (sample >= filter.length()) {
      unit =
          filter.Apply(grid.values(sample, filter.length()), grid.masks(sample, filter.length()));
    }
    Set(moment, unit);
  }
}

void PhaseRing::Give(int64_t moment, const UnitVector& unit) {
  changes_.clear();
  slots_.Begin(moment);
  Set(moment, unit);
}

void PhaseRing::Set(int64_t moment, const UnitVector& unit) {
  const int slot = slots_.SlotOf(moment);
  int32_t& packed = units_[static_cast<size_t>(slot)];
  const int32_t old = packed;
  packed = PackPhase(unit);
  slots_.Set(slot, packed != 0);
  if (packed == old) return;
  changes_.push_back({slot, PackPair(static_cast<int16_t>(Low(packed) - Low(old)),
                                     static_cast<int16_t>(High(packed) - High(old)))});
}

void PhaseRing::ForgetFromSample(int64_t first) {
  slots_.Forget((first + moment_samples_ - 1) / moment_samples_);
}

}  // namespace attune::synchrony
