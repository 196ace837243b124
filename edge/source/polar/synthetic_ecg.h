// A heart whose beats are known, for tests: ECG as a sum of Gaussian waves (after McSharry et al.,
// IEEE Trans. Biomed. Eng. 50:289, 2003: P, Q, R, S and T, here laid out in time), with everything
// that makes beats hard to find. The same seed gives the same ECG.
#ifndef ATTUNE_EDGE_SOURCE_POLAR_SYNTHETIC_ECG_H_
#define ATTUNE_EDGE_SOURCE_POLAR_SYNTHETIC_ECG_H_

#include <cstdint>
#include <vector>

namespace attune::edge {

struct SyntheticEcgOptions {
  uint64_t seed = 1;
  double seconds = 120;
  double rate_hz = 130;
  double bpm = 70;
  double r_microvolts = 900;
  bool inverted = false;
  double ectopic = 0;            // share of beats: early, wide, with a pause after them
  double breathing_depth = 0.1;  // of the amplitude
  double half_from_s = 1e9;      // from there on the amplitude is half
  // Noise, microvolts: standard deviation; amplitude for mains and wander.
  double sensor = 5;             // white
  double muscle = 0;             // rises with frequency: differences of white noise
  double muscle_burst = 0;       // likewise, in one second of every ten
  double mains = 0;              // 50 Hz
  double wander = 0;             // 0.25 Hz, and a random walk as large within a second
  double pop = 0;                // steps of the electrode that die away in 0.3 s, every 15 s
  double lead_off_from_s = 1e9;  // nothing but `sensor` noise from there ...
  double lead_off_to_s = 1e9;    // ... to there
};

struct SyntheticBeat {
  double time_s = 0;  // maximum of the R wave
  bool ectopic = false;
};

struct SyntheticEcg {
  std::vector<int32_t> microvolts;  // sample i at i / rate_hz
  std::vector<SyntheticBeat> beats;
};

SyntheticEcg MakeSyntheticEcg(const SyntheticEcgOptions& options);

}  // namespace attune::edge

#endif  // ATTUNE_EDGE_SOURCE_POLAR_SYNTHETIC_ECG_H_
