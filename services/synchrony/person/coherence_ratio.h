// How much of the power of the intervals sits in one narrow peak: the "coherence" of one person's
// heart rhythm, after the published description of McCraty & Childre (2010): peak in 0.04-0.26 Hz,
// power within 0.015 Hz of it over all the rest of 0.0033-0.40 Hz. An own definition; no score of
// any product.
#ifndef ATTUNE_SERVICES_SYNCHRONY_PERSON_COHERENCE_RATIO_H_
#define ATTUNE_SERVICES_SYNCHRONY_PERSON_COHERENCE_RATIO_H_

#include <optional>
#include <span>

namespace attune::synchrony {

struct CoherenceRatio {
  double peak_hz = 0;
  double peak_ms2 = 0;
  double total_ms2 = 0;
  double ratio = 0;  // peak / (total - peak)
};

inline constexpr int kCoherenceSamples = 128;  // of the 2 Hz grid: 64 s
inline constexpr int kCoherenceHop = 10;       // 5 s

// Of one unbroken window of up to 128 samples at 2 Hz: minus its mean, periodic Hann, zero-padded
// to 1024. None when all power is in the peak or there is none.
std::optional<CoherenceRatio> CoherenceOf(std::span<const double> half_seconds_ms);

// Of a 2 Hz grid with gaps. Up to 64 s: of the longest clean run (dsp/clean_run.h) of at least 51.5
// s. Longer: the median ratio of the clean windows of 64 s, one each 5 s, if at least 0.8 of them
// are clean.
std::optional<double> CoherenceOfGrid(std::span<const double> half_seconds_ms);

}  // namespace attune::synchrony

#endif  // ATTUNE_SERVICES_SYNCHRONY_PERSON_COHERENCE_RATIO_H_
