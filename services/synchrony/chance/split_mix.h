// SplitMix64 (Steele, Lea & Flood 2014): fixed draws from a seed.
#ifndef ATTUNE_SERVICES_SYNCHRONY_CHANCE_SPLIT_MIX_H_
#define ATTUNE_SERVICES_SYNCHRONY_CHANCE_SPLIT_MIX_H_

#include <cstdint>

namespace attune::synchrony {

class SplitMix64 {
 public:
  explicit SplitMix64(uint64_t seed) : state_(seed) {}

  uint64_t Next() {
    uint64_t z = (state_ += 0x9e3779b97f4a7c15);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
    z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
    return z ^ (z >> 31);
  }

  // In [0, bound).
  int Below(int bound) {
    return static_cast<int>(((Next() >> 32) * static_cast<uint64_t>(bound)) >> 32);
  }

 private:
  uint64_t state_;
};

}  // namespace attune::synchrony

#endif  // ATTUNE_SERVICES_SYNCHRONY_CHANCE_SPLIT_MIX_H_
