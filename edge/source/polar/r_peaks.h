// Heartbeats in one channel of ECG as it comes: where the R peaks are, finer than samples.
//
// Found by the energy of the QRS band, as Pan & Tompkins (IEEE Trans. Biomed. Eng. 32:230, 1985)
// and, for where that band is, Elgendi (PLoS ONE 8:e73557, 2013):
//
//   y = ECG through a linear-phase band-pass of 6..18 Hz (window method, Hamming, 41 taps)
//   f = |y| through a Hann window of 13 samples (0.1 s)
//
// A beat may be where f is the largest within 0.25 s to both sides. It is held against the level
// around it: the third largest of the maxima of seven windows of 1.15 s, five before and one after
// the one it stands in; so neither two artefacts nor two pauses move the level. Three answers:
//
//   beat      0.3 .. 4 times the level, and 4 times what f is around it (its 2/5 quantile between
//             0.1 and 0.25 s away)
//   nothing   less than 0.3 times the level, or than kLeastMicrovolts
//   doubt     anything else: noise as large as a beat, a beat under noise, a step of an electrode
//             that slips, a peak whose time noise makes uncertain by more than 10 ms, and
//             everything while more than three of the last eight were doubtful. It is not given,
//             and the next beat follows a gap: rather none than a wrong one
//
// Then the time: the ECG through a low-pass of 40 Hz (41 taps), the highest local maximum within
// 0.11 s above the mean of half a second, on the natural cubic spline through the 17 samples around
// it (de Boor, A Practical Guide to Splines, 1978, chapter 4). A strap worn upside down, or a heart
// that lies so, turns all of it round: where downward peaks outweigh upward ones 1.8 times.
//
// What happens at sample s is decided when sample s + kDelay comes; after a start or a Reset not
// before kSettle samples. Integers up to the spline, then sums, products and square roots in fixed
// order: the same on any machine. Memory is fixed. Not thread-safe.
#ifndef ATTUNE_EDGE_SOURCE_POLAR_R_PEAKS_H_
#define ATTUNE_EDGE_SOURCE_POLAR_R_PEAKS_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace attune::edge {

struct RPeak {
  double sample = 0;         // 0: the first sample ever added
  double error_samples = 0;  // 95 % bound of the error that the noise around makes
  bool gap_before = false;   // the heartbeat before this one may not be the peak before this one
};

class RPeaks {
 public:
  static constexpr int kRateHz = 130;         // nominal; a per cent off does not matter
  static constexpr int kDelay = 256;          // samples
  static constexpr int kSettle = 520;         // samples
  static constexpr int kLongestRr = 390;      // samples; more is a gap
  static constexpr int kFlat = 39;            // equal samples in a row: no electrode is on skin
  static constexpr int kLeastMicrovolts = 8;  // of f; a QRS of about 50 microvolts

  // Appends the peaks that are decided by this sample; beyond 24 bits it is clipped.
  void Add(int32_t microvolts, std::vector<RPeak>* peaks);
  // Samples are missing here. What was not decided yet is dropped.
  void Reset();
  // How many were added, over resets.
  int64_t added() const { return added_; }
  // No peak before this sample will be given any more.
  int64_t decided() const;
  // Peaks that were not given because of doubt.
  uint64_t doubtful() const { return doubtful_; }

 private:
  static constexpr int kRing = 2048;  // samples; more than all that is looked at
  int32_t& At(std::array<int32_t, kRing>& ring, int64_t sample) {
    return ring[static_cast<size_t>(sample & (kRing - 1))];
  }
  int32_t At(const std::array<int32_t, kRing>& ring, int64_t sample) const {
    return ring[static_cast<size_t>(sample & (kRing - 1))];
  }
  bool MayBeat(int64_t p) const;
  int32_t LevelAt(int64_t p) const;
  bool DrownedAt(int64_t p) const;
  double LowPassed(int64_t p) const;
  double BaseAt(int64_t p) const;
  void Weigh(int64_t p);
  void LearnPolarity(int64_t through);
  bool Refine(int64_t p, RPeak* peak) const;
  void Decide(int64_t p, std::vector<RPeak>* peaks);

  std::array<int32_t, kRing> raw_ = {};
  std::array<int32_t, kRing> band_ = {};
  std::array<int32_t, kRing> energy_ = {};  // f
  std::array<int32_t, kRing> flat_ = {};    // 1: within kFlat equal samples
  int64_t added_ = 0;
  int64_t start_ = 0;  // of this stretch
  int64_t next_ = 0;   // to be decided
  int equal_ = 0;      // samples in a row, so far
  int sign_ = 1;       // -1: peaks point down
  double up_ = 0;      // recent peaks upwards, microvolts
  double down_ = 0;
  bool gap_ = true;
  double last_ = -1e9;  // last peak
  uint8_t doubts_ = 0;  // of the last eight candidates, newest lowest
  uint64_t doubtful_ = 0;
};

}  // namespace attune::edge

#endif  // ATTUNE_EDGE_SOURCE_POLAR_R_PEAKS_H_
