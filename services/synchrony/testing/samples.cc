#include "services/synchrony/testing/samples.h"

#include <random>
#include <utility>

#include "services/synchrony/engine.h"
#include "services/synchrony/testing/test_data.h"

namespace attune::synchrony {
namespace {

constexpr int64_t kSecondUs = 1'000'000;
constexpr int kApartSeconds = 180;
constexpr int kRecordedSeconds = 3590;
constexpr int kSpareSeconds = 5;  // beyond the last look, which looks ahead

class Random {
 public:
  explicit Random(uint64_t seed) : random_(seed) {}
  int Below(int bound) {
    return static_cast<int>(static_cast<double>(random_() >> 11) * 0x1p-53 * bound);
  }

 private:
  std::mt19937_64 random_;
};

const std::vector<Beat>& Recording(int person) {
  static const auto* everybody = [] {
    auto* all = new std::vector<std::vector<Beat>>;
    for (int i = 1; i <= 2 * kHalfPeople; ++i) {
      all->push_back(testing::BeatsFromMs(testing::ReadNsr(i)));
    }
    return all;
  }();
  return (*everybody)[static_cast<size_t>(person)];
}

void AddStretch(int id, int person, int seconds, Random* random, Engine* engine) {
  const int64_t from_us = random->Below(kRecordedSeconds - seconds - kSpareSeconds + 1) * kSecondUs;
  const int64_t to_us = from_us + (seconds + kSpareSeconds) * kSecondUs;
  engine->AddPerson(id);
  for (Beat beat : Recording(person)) {
    if (beat.time_us < from_us || beat.time_us > to_us) continue;
    beat.time_us -= from_us;
    engine->AddBeat(id, beat);
  }
}

void Keep(const Number& number, std::vector<Number>* numbers) {
  if (number.has_chance) numbers->push_back(number);
}

void Look(const Selection& selection, int first_s, int seconds, Engine* engine, Samples* samples) {
  for (int t = first_s; t <= seconds; t += kApartSeconds) {
    const Frame frame = engine->Evaluate(t * kSecondUs, selection);
    for (const PairNumbers& pair : frame.pairs) {
      Keep(pair.r_mean_windowed, &samples->r_mean_windowed);
      Keep(pair.plv_lf, &samples->plv_lf);
    }
    Keep(frame.group.order_parameter, &samples->order_parameter);
    Keep(frame.group.r_mean_pairwise, &samples->r_mean_pairwise);
  }
}

}  // namespace

Samples SamplePairs(int half, int rounds, int first_s, int seconds, uint64_t seed) {
  Random random(seed);
  Samples samples;
  for (int round = 0; round < rounds; ++round) {
    Engine engine{Params{}};
    Selection selection;
    for (int i = 0; i < kHalfPeople; ++i) {
      AddStretch(i, 2 * i + half, seconds, &random, &engine);
      for (int j = 0; j < i; ++j) selection.pairs.emplace_back(j, i);
    }
    Look(selection, first_s, seconds, &engine, &samples);
  }
  return samples;
}

Samples SampleGroups(int half, int size, int rounds, int first_s, int seconds, uint64_t seed) {
  Random random(seed);
  Samples samples;
  for (int round = 0; round < rounds; ++round) {
    std::vector<int> people;
    for (int i = 0; i < kHalfPeople; ++i) people.push_back(2 * i + half);
    Engine engine{Params{}};
    Selection selection;
    for (int i = 0; i < size; ++i) {
      const auto at = static_cast<size_t>(i);
      std::swap(people[at], people[at + static_cast<size_t>(random.Below(kHalfPeople - i))]);
      AddStretch(i, people[at], seconds, &random, &engine);
      selection.group.push_back(i);
    }
    Look(selection, first_s, seconds, &engine, &samples);
  }
  return samples;
}

}  // namespace attune::synchrony
