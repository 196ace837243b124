#include "tests/false_positive/people.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <random>

#include "services/synchrony/testing/test_data.h"

namespace attune::false_positive {
namespace {

constexpr int64_t kSecondUs = 1'000'000;
constexpr int64_t kDropoutUs = 10 * kSecondUs;
constexpr int kTwiceApartSeconds = 1200;

// The library's distributions differ between libraries; these do not.
class Random {
 public:
  explicit Random(uint64_t seed) : random_(seed) {}
  double Unit() { return static_cast<double>(random_() >> 11) * 0x1p-53; }
  int Below(int bound) { return static_cast<int>(Unit() * bound); }

 private:
  std::mt19937_64 random_;
};

uint16_t Rr1024(int64_t us) {
  return static_cast<uint16_t>(std::clamp<int64_t>((us * 1024 + 500'000) / kSecondUs, 1, 65'535));
}

}  // namespace

Heart Stretch(int person, int from_s, int seconds) {
  static const auto* everybody = [] {
    auto* all = new std::vector<Heart>;
    for (int i = 1; i <= kPeople; ++i) {
      all->push_back(synchrony::testing::BeatsFromMs(synchrony::testing::ReadNsr(i)));
    }
    return all;
  }();
  if (person < 0 || person >= kPeople || from_s < 0 || from_s + seconds > kRecordedSeconds) {
    std::abort();
  }
  const int64_t from_us = from_s * kSecondUs;
  const int64_t to_us = from_us + seconds * kSecondUs;
  Heart heart;
  for (synchrony::Beat beat : (*everybody)[static_cast<size_t>(person)]) {
    if (beat.time_us < from_us || beat.time_us > to_us) continue;
    beat.time_us -= from_us;
    heart.push_back(beat);
  }
  return heart;
}

Heart Damaged(const Heart& heart, const Damage& damage, uint64_t seed) {
  Random random(seed);
  Heart beats;
  int64_t missed_us = 0;  // of intervals whose beat was missed
  int64_t early_us = 0;   // by how much the beat before came early
  int64_t silent_until_us = -1;
  for (const synchrony::Beat& beat : heart) {
    const int64_t length_us = int64_t{beat.rr_1024} * kSecondUs / 1024;
    if (damage.dropout_every_s > 0 && beat.time_us > silent_until_us &&
        random.Unit() * damage.dropout_every_s * kSecondUs < static_cast<double>(length_us)) {
      silent_until_us = beat.time_us + kDropoutUs;
    }
    const bool early = random.Unit() < damage.ectopic;
    const bool missed = random.Unit() < damage.missed;
    if (beat.time_us <= silent_until_us) {
      missed_us = early_us = 0;
      continue;
    }
    if (missed) {
      missed_us += length_us + early_us;
      early_us = 0;
      continue;
    }
    synchrony::Beat out = beat;
    // A strap says how long the interval was that it saw end; after silence it starts anew.
    const int64_t shorter_us = early ? length_us * 3 / 10 : 0;
    out.time_us -= shorter_us;
    out.rr_1024 = Rr1024(missed_us + length_us + early_us - shorter_us);
    out.gap_before =
        silent_until_us >= 0 && !beats.empty() && out.time_us - beats.back().time_us > kDropoutUs;
    missed_us = 0;
    early_us = shorter_us;
    beats.push_back(out);
  }
  return beats;
}

std::vector<std::vector<Seat>> Seating(int size, int rooms, int seconds, uint64_t seed) {
  Random random(seed);
  const int latest = kRecordedSeconds - seconds;
  if (latest < 0 || size > 2 * kPeople) std::abort();
  if (size > kPeople && latest < kTwiceApartSeconds) std::abort();
  std::vector<int> order;
  size_t next = 0;
  std::vector<std::vector<Seat>> seating(static_cast<size_t>(rooms));
  for (std::vector<Seat>& room : seating) {
    // A room takes the next people of a shuffled row; the row is shuffled again when it ends.
    if (size > kPeople || next + static_cast<size_t>(size) > order.size()) {
      order.clear();
      for (int i = 0; i < kPeople; ++i) order.push_back(i);
      for (int i = kPeople - 1; i > 0; --i) {
        std::swap(order[static_cast<size_t>(i)], order[static_cast<size_t>(random.Below(i + 1))]);
      }
      next = 0;
    }
    for (int i = 0; i < std::min(size, kPeople); ++i) {
      const bool twice = i + kPeople < size;
      room.push_back(
          {order[next++], random.Below((twice ? latest - kTwiceApartSeconds : latest) + 1)});
    }
    for (int i = kPeople; i < size; ++i) {
      Seat again = room[static_cast<size_t>(i - kPeople)];
      again.from_s += kTwiceApartSeconds;
      room.push_back(again);
    }
  }
  return seating;
}

}  // namespace attune::false_positive
