// Any beats whatsoever through everything that is made of them: no crash, nothing that is not
// finite or out of its range, and the same from beats that came in another order.
//
// By itself a test over a fixed random corpus. With libFuzzer: compile without ATTUNE_FUZZ_MAIN.
#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <limits>
#include <random>
#include <vector>

#include "services/synchrony/signal/curve.h"
#include "services/synchrony/signal/grid.h"
#include "services/synchrony/signal/hrv.h"
#include "services/synchrony/signal/lipponen.h"
#include "services/synchrony/signal/percent_rules.h"
#include "services/synchrony/signal/stretch.h"

namespace attune::synchrony {
namespace {

constexpr int64_t kLatestUs = int64_t{1} << 60;  // Engine::kMaxTimeUs
constexpr size_t kMostBeats = 400;
constexpr int64_t kStretchUs = 120'000'000;

#define CHECK(condition)                                                           \
  do {                                                                             \
    if (!(condition)) {                                                            \
      std::fprintf(stderr, "%s:%d: not so: %s\n", __FILE__, __LINE__, #condition); \
      std::abort();                                                                \
    }                                                                              \
  } while (false)

class Input {
 public:
  Input(const uint8_t* data, size_t size) : data_(data), size_(size) {}
  bool empty() const { return size_ == 0; }
  uint64_t Take(size_t bytes) {
    uint64_t value = 0;
    const size_t take = std::min(bytes, size_);
    std::memcpy(&value, data_, take);
    data_ += take;
    size_ -= take;
    return value;
  }

 private:
  const uint8_t* data_;
  size_t size_;
};

// Each beat by one of several ways to be near, on or far from the last one.
std::vector<Beat> BeatsFrom(Input* input) {
  std::vector<Beat> beats;
  int64_t now_us = input->Take(1) < 250 ? 0 : kLatestUs - 60'000'000;
  while (!input->empty() && beats.size() < kMostBeats) {
    Beat beat;
    const uint64_t way = input->Take(1);
    beat.rr_1024 = way % 4 == 0 ? static_cast<uint16_t>(input->Take(2))
                                : static_cast<uint16_t>(way % 4 * 350 + input->Take(1));
    if (way % 64 == 63) beat.rr_1024 = way < 128 ? 0 : 65535;
    beat.gap_before = way / 4 % 16 == 15;
    switch (way / 64) {
      case 0:
        now_us += static_cast<int64_t>(input->Take(3));
        break;
      case 1:
        if (way % 8 == 5) now_us -= static_cast<int64_t>(input->Take(3));
        if (way % 8 == 6) now_us = static_cast<int64_t>(input->Take(8) >> 4);
        [[fallthrough]];
      default:
        now_us += int64_t{beat.rr_1024} * 1'000'000 / 1024;
    }
    now_us = std::clamp<int64_t>(now_us, 0, kLatestUs);
    beat.time_us = now_us;
    beats.push_back(beat);
  }
  return beats;
}

void CheckVerdicts(BeatTrack* track) {
  const size_t count = track->beats().size();
  for (size_t k = 0; k < count; ++k) {
    const Verdict verdict = track->Judge(k, count);
    CHECK(verdict.kind <= BeatClass::kOutOfRange && verdict.part <= 2);
    const bool pair = verdict.kind == BeatClass::kExtra || verdict.kind == BeatClass::kEctopic;
    if (pair && verdict.part == 1) {
      CHECK(k + 1 < count && track->Judge(k + 1, count) == (Verdict{verdict.kind, 2}));
    }
    if (pair && verdict.part == 2) {
      CHECK(k > 0 && track->Judge(k - 1, count) == (Verdict{verdict.kind, 1}));
    }
    CHECK(verdict.corrected() == (pair || verdict.kind == BeatClass::kMissed));
  }
}

void CheckSums(BeatTrack* track, int64_t from_us, int64_t to_us, const Params& params) {
  const BeatSums sums = SumBeats(track, from_us, to_us, params);
  CHECK(sums.artefacts >= 0 && sums.artefacts <= sums.beats);
  CHECK(sums.differences >= 0 && sums.differences <= std::max(0, sums.beats - 1));
  if (sums.intervals > 0) {
    const double bpm = HeartRateBpm(sums);
    CHECK(bpm >= 29.9 && bpm <= 201);
  }
  if (sums.differences > 0) CHECK(RmssdMs(sums) >= 0 && RmssdMs(sums) <= 1700);
}

void CheckStretch(const Stretch& stretch) {
  CHECK(stretch.artefacts >= 0 && stretch.artefacts <= stretch.beats);
  CHECK(stretch.ArtefactShare() >= 0 && stretch.ArtefactShare() <= 1);
  int64_t last_us = stretch.from_us;
  for (const NnInterval& interval : stretch.nn) {
    CHECK(interval.end_us > last_us && interval.end_us <= stretch.to_us);
    CHECK(interval.nn_ms >= 299.5 && interval.nn_ms <= 2000.5);
    CHECK(!(interval.corrected && interval.adjacent));
    last_us = interval.end_us;
  }
  for (const double ms : stretch.grid_ms) {
    CHECK(std::isnan(ms) || (ms >= 299 && ms <= 2001));
  }
}

void CheckBatch(const std::vector<Beat>& beats) {
  std::vector<double> rr_ms;
  for (const Beat& beat : beats) rr_ms.push_back(beat.rr_1024 * 1000.0 / 1024);
  const LipponenResult result = Lipponen(BeatsUsOf(rr_ms), true);
  CHECK(std::is_sorted(result.beats_us.begin(), result.beats_us.end()));
  for (const PercentRule rule :
       {PercentRule::kMalik, PercentRule::kKamath, PercentRule::kKarlsson, PercentRule::kAcar}) {
    CHECK(NnIntervalsMs(rr_ms, rule).size() == rr_ms.size());
  }
}

void Check(const uint8_t* data, size_t size) {
  Input input(data, size);
  const std::vector<Beat> beats = BeatsFrom(&input);
  if (beats.empty()) return;
  const Params params;
  const int64_t from_us = std::max<int64_t>(0, beats[beats.size() / 2].time_us - kStretchUs / 2) /
                          kSampleUs * kSampleUs;
  const int64_t to_us = from_us + kStretchUs;

  // As they came, with questions in between; and all at once.
  BeatTrack live(params, kMostBeats);
  GridTrack grid(static_cast<int>(kStretchUs / kSampleUs) + 8);
  for (size_t i = 0; i < beats.size(); ++i) {
    live.Add(beats[i]);
    const size_t known = live.beats().size();
    live.Judge(i * 7919 % known, known);
    if (i % 16 == 0) CheckSums(&live, from_us, beats[i].time_us, params);
  }
  BeatTrack at_once(params, beats);
  CHECK(live.beats() == at_once.beats());
  for (size_t k = 0; k < live.beats().size(); ++k) {
    const size_t known = std::min(live.beats().size(), k + 1 + k % 5);
    CHECK(live.Judge(k, known) == at_once.Judge(k, known));
  }
  CheckVerdicts(&live);
  CheckSums(&live, from_us, to_us, params);
  CheckSums(&live, -1, kLatestUs, params);

  const Stretch stretch = BuildStretch(beats, {}, from_us, to_us, params);
  CheckStretch(stretch);
  grid.ExtendTo(to_us / kSampleUs, &live, params);
  for (size_t k = 0; k < stretch.grid_ms.size(); ++k) {
    const int64_t sample = from_us / kSampleUs + static_cast<int64_t>(k) + 1;
    CHECK((*grid.masks(sample, 1) != 0) == !std::isnan(stretch.grid_ms[k]));
    CHECK(std::abs(*grid.values(sample, 1)) <= kGridLimit);
  }
  CheckBatch(beats);
}

}  // namespace
}  // namespace attune::synchrony

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  attune::synchrony::Check(data, size);
  return 0;
}

#ifdef ATTUNE_FUZZ_MAIN
int main() {
  std::mt19937_64 random(20261122);
  constexpr int kInputs = 1500;
  std::vector<uint8_t> data;
  for (int i = 0; i < kInputs; ++i) {
    data.resize(random() % 1200);
    // Half of them lean to one way of being odd.
    const auto lean = static_cast<uint8_t>(random());
    for (uint8_t& byte : data) {
      byte = static_cast<uint8_t>(random());
      if (i % 2 == 0 && random() % 4 != 0) byte = static_cast<uint8_t>(lean ^ (byte & 7));
    }
    LLVMFuzzerTestOneInput(data.data(), data.size());
  }
  std::printf("%d inputs held\n", kInputs);
  return 0;
}
#endif
