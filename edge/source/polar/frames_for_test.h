// ECG as a strap sends it, for tests: frames of 73 samples with the strap's time, each of which
// arrives when it is full, and some delay later.
#ifndef ATTUNE_EDGE_SOURCE_POLAR_FRAMES_FOR_TEST_H_
#define ATTUNE_EDGE_SOURCE_POLAR_FRAMES_FOR_TEST_H_

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <functional>
#include <vector>

#include "edge/source/polar/pmd.h"
#include "services/base/random.h"

namespace attune::edge {

struct ArrivingFrame {
  EcgFrame frame;
  int64_t arrival_us = 0;
};

// 2019-01-01, where an H10 begins.
inline constexpr uint64_t kStrapWakesNs = 599'616'000'000'000'000u;
inline constexpr int64_t kSteadyAtZeroUs = 5'000'000'000;

struct FrameShape {
  size_t samples = 73;
  double drift_ppm = 0;  // of the strap's clock against the edge's
  double least_delay_s = 0.030;
  double more_delay_s = 0.060;  // uniform, and ten times as much for one frame in twenty
  uint64_t seed = 1;
};

// `time_of(i)`: of sample i, seconds on the edge's clock since kSteadyAtZeroUs.
inline std::vector<ArrivingFrame> FramesOf(const std::vector<int32_t>& microvolts,
                                           const std::function<double(size_t)>& time_of,
                                           const FrameShape& shape = {}) {
  SeededRandom random(shape.seed);
  std::vector<ArrivingFrame> frames;
  int64_t last_us = 0;
  for (size_t from = 0; from + shape.samples <= microvolts.size(); from += shape.samples) {
    ArrivingFrame one;
    const double at_s = time_of(from + shape.samples - 1);
    one.frame.last_sample_ns =
        kStrapWakesNs +
        static_cast<uint64_t>(std::llround((at_s * (1 + shape.drift_ppm * 1e-6) + 8) * 1e9));
    one.frame.microvolts.assign(microvolts.begin() + static_cast<long>(from),
                                microvolts.begin() + static_cast<long>(from + shape.samples));
    const double delay_s =
        shape.least_delay_s + shape.more_delay_s * random.Unit() * (random.Below(20) == 0 ? 10 : 1);
    one.arrival_us = kSteadyAtZeroUs + std::llround((at_s + delay_s) * 1e6);
    one.arrival_us = last_us = std::max(last_us, one.arrival_us);
    frames.push_back(one);
  }
  return frames;
}

}  // namespace attune::edge

#endif  // ATTUNE_EDGE_SOURCE_POLAR_FRAMES_FOR_TEST_H_
