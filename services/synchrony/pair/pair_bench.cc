// What each measure of a pair costs, over the window it has in a live session; and all of them, as
// one analysis shares its work. The cadence of a measure stands on this.
#include <benchmark/benchmark.h>

#include <string>
#include <vector>

#include "services/synchrony/pair/stretch_measures.h"
#include "services/synchrony/signal/stretch.h"
#include "services/synchrony/testing/test_data.h"

namespace attune::synchrony {
namespace {

constexpr int64_t kSecond = 1'000'000;
constexpr double kPacerHz = 0.1;

Stretch Person(uint64_t seed, int seconds) {
  const std::vector<Beat> beats = testing::SimulatedBeats(seed, 850, seconds + 30);
  return BuildStretch(beats, {}, 10 * kSecond, (10 + seconds) * kSecond, Params{});
}

void BM_Measures(benchmark::State& state, const std::vector<Measure>& measures, int seconds,
                 int chance_shifts) {
  const Stretch a = Person(1, seconds), b = Person(2, seconds);
  const Params params;
  for (auto _ : state) {
    benchmark::DoNotOptimize(MeasurePairs(measures, a, b, kPacerHz, false, params, chance_shifts));
  }
}

void RegisterAll() {
  std::vector<Measure> sixty, hundred_eighty, all;
  for (const MeasureInfo& info : Catalogue()) {
    if (info.subject != Subject::kPair) continue;
    const int seconds = info.window_seconds > 0 ? info.window_seconds : 600;
    all.push_back(info.measure);
    if (info.availability == Availability::kOnRequest) {
      (seconds == 60 ? sixty : hundred_eighty).push_back(info.measure);
    }
    benchmark::RegisterBenchmark(
        (std::string(info.name) + "/" + std::to_string(seconds) + "s").c_str(), BM_Measures,
        std::vector<Measure>{info.measure}, seconds, 0)
        ->Unit(benchmark::kMillisecond);
  }
  const auto several = [](const char* name, const std::vector<Measure>& measures, int seconds,
                          int shifts) {
    benchmark::RegisterBenchmark(name, BM_Measures, measures, seconds, shifts)
        ->Unit(benchmark::kMillisecond);
  };
  several("all on request of 60 s", sixty, 60, 0);
  several("all on request of 180 s", hundred_eighty, 180, 0);
  several("a recording of 10 min, with chance", all, 600, kPairChanceShifts);
}

}  // namespace
}  // namespace attune::synchrony

int main(int argc, char** argv) {
  benchmark::Initialize(&argc, argv);
  attune::synchrony::RegisterAll();
  benchmark::RunSpecifiedBenchmarks();
}
