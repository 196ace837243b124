// What one tick costs, chance levels included, once the longest span is full.
//
//   bazel run -c opt //services/synchrony:engine_bench
#include <benchmark/benchmark.h>

#include <vector>

#include "services/synchrony/engine.h"
#include "services/synchrony/testing/test_data.h"

namespace attune::synchrony {
namespace {

// Feeds and evaluates tick by tick; beyond the simulated hour the beats repeat, shifted.
class Session {
 public:
  explicit Session(int people) : engine_(Params{}) {
    for (int i = 0; i < people; ++i) {
      engine_.AddPerson(i);
      beats_.push_back(testing::SimulatedBeats(static_cast<uint64_t>(i) + 1, 700 + 3 * i, 3600));
      next_.push_back(0);
      offset_us_.push_back(0);
      selection_.people.push_back(i);
      selection_.group.push_back(i);
    }
  }

  // The pairs some viewer may see: all of a room, the couples of a hall.
  void SelectAllPairs() {
    for (int a = 0; a < static_cast<int>(beats_.size()); ++a) {
      for (int b = a + 1; b < static_cast<int>(beats_.size()); ++b) {
        selection_.pairs.emplace_back(a, b);
      }
    }
  }
  void SelectCouples() {
    for (int a = 0; a + 1 < static_cast<int>(beats_.size()); a += 2) {
      selection_.pairs.emplace_back(a, a + 1);
    }
  }

  void Feed() {
    now_us_ += 1'000'000;
    for (size_t i = 0; i < beats_.size(); ++i) {
      for (;;) {
        Beat beat = beats_[i][next_[i]];
        beat.time_us += offset_us_[i];
        if (beat.time_us > now_us_ + engine_.params().horizon_us) break;
        engine_.AddBeat(static_cast<int>(i), beat);
        if (++next_[i] == beats_[i].size()) {
          offset_us_[i] = beat.time_us;
          next_[i] = 0;
        }
      }
    }
  }
  Frame Tick() { return engine_.Evaluate(now_us_, selection_); }
  size_t MemoryBytes() const { return engine_.MemoryBytes(); }

 private:
  Engine engine_;
  Engine::Selection selection_;
  std::vector<std::vector<Beat>> beats_;
  std::vector<size_t> next_;
  std::vector<int64_t> offset_us_;
  int64_t now_us_ = 0;
};

void Run(benchmark::State& state, Session& session) {
  for (int i = 0; i < 200; ++i) {
    session.Feed();
    session.Tick();
  }
  for (auto _ : state) {
    state.PauseTiming();
    session.Feed();
    state.ResumeTiming();
    benchmark::DoNotOptimize(session.Tick());
  }
  state.counters["KiB_per_person"] =
      static_cast<double>(session.MemoryBytes()) / 1024 / static_cast<double>(state.range(0));
}

void BM_TickAllPairs(benchmark::State& state) {
  Session session(static_cast<int>(state.range(0)));
  session.SelectAllPairs();
  Run(state, session);
}
BENCHMARK(BM_TickAllPairs)->Arg(2)->Arg(8)->Arg(30)->Arg(100)->Unit(benchmark::kMicrosecond);

void BM_TickCouples(benchmark::State& state) {
  Session session(static_cast<int>(state.range(0)));
  session.SelectCouples();
  Run(state, session);
}
BENCHMARK(BM_TickCouples)->Arg(2)->Arg(8)->Arg(30)->Arg(100)->Unit(benchmark::kMicrosecond);

}  // namespace
}  // namespace attune::synchrony

BENCHMARK_MAIN();
