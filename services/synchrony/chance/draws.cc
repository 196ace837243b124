#include "services/synchrony/chance/draws.h"

#include <algorithm>
#include <cstddef>
#include <cstdlib>

namespace attune::synchrony {
namespace {

class SplitMix64 {
 public:
  explicit SplitMix64(uint64_t seed) : state_(seed) {}
  uint64_t Next() {
    uint64_t z = (state_ += 0x9e3779b97f4a7c15);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
    z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
    return z ^ (z >> 31);
  }
  int Below(int bound) {
    return static_cast<int>(((Next() >> 32) * static_cast<uint64_t>(bound)) >> 32);
  }

 private:
  uint64_t state_;
};

constexpr int kTries = 32;

}  // namespace

std::vector<int> DrawShifts(uint64_t seed, int draws, int people, int length, int apart) {
  SplitMix64 random(seed);
  const bool room = int64_t{3} * people * apart <= int64_t{2} * length;
  std::vector<int> shifts;
  shifts.reserve(static_cast<size_t>(draws) * static_cast<size_t>(people));
  for (int draw = 0; draw < draws; ++draw) {
    const size_t first = shifts.size();
    for (int person = 0; person < people; ++person) {
      int shift = random.Below(length);
      const auto crowded = [&] {
        return std::any_of(shifts.begin() + static_cast<ptrdiff_t>(first), shifts.end(),
                           [&](int other) {
                             const int distance = std::abs(shift - other);
                             return std::min(distance, length - distance) < apart;
                           });
      };
      for (int i = 1; room && i < kTries && crowded(); ++i) shift = random.Below(length);
      shifts.push_back(shift);
    }
  }
  return shifts;
}

int DrawShift(uint64_t seed, int draw, int person, int length) {
  SplitMix64 of_draw(seed ^ static_cast<uint64_t>(draw));
  SplitMix64 random(of_draw.Next() ^ static_cast<uint64_t>(static_cast<int64_t>(person)));
  return random.Below(length);
}

}  // namespace attune::synchrony
