#include "services/synchrony/chance/draws.h"

#include <algorithm>
#include <cstddef>
#include <cstdlib>

#include "services/synchrony/chance/split_mix.h"

namespace attune::synchrony {
namespace {

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
