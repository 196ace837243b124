#include <benchmark/benchmark.h>

#include <cstdint>

#include "services/synchrony/group/mdrqa.h"

namespace attune::synchrony {
namespace {

// Smooth, unlike each other, the same in every run.
Table People(int64_t people, int64_t samples) {
  uint64_t state = 1;
  Table table(static_cast<size_t>(people));
  for (auto& x : table) {
    double level = 0, slow = 0;
    for (int64_t t = 0; t < samples; ++t) {
      state = state * 6364136223846793005u + 1442695040888963407u;
      level = 0.9 * level + static_cast<double>(state >> 33) / (1u << 30) - 1;
      slow = 0.8 * slow + 0.2 * level;
      x.push_back(850 + 40 * slow);
    }
  }
  return table;
}

void BM_Mdrqa(benchmark::State& state) {
  const Table people = People(state.range(0), state.range(1));
  const MdrqaShape shape{1, 1, 0.6 * __builtin_sqrt(static_cast<double>(state.range(0)))};
  for (auto _ : state) benchmark::DoNotOptimize(MultidimensionalRecurrence(people, shape));
  state.counters["rec"] = MultidimensionalRecurrence(people, shape)->recurrence_rate;
}
BENCHMARK(BM_Mdrqa)->Args({8, 240})->Args({30, 240})->Args({100, 240})->Args({8, 1000});

}  // namespace
}  // namespace attune::synchrony

BENCHMARK_MAIN();
