// Appends per second and commit latency of the SQLite journal, for both tiers and for 1, 16 and
// 256 sessions that wait for each other's commit: in each round every session appends one entry of
// 200 bytes, and the next round begins when all are answered. And what an erase costs.
//
//   bazel run -c opt //services/journal:journal_bench
//
// ATTUNE_BENCH_DIR says on which disk (default: the system's folder for temporary files).
#include <benchmark/benchmark.h>
#include <stdlib.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "services/base/clock.h"
#include "services/base/mutex.h"
#include "services/journal/sqlite_journal.h"

namespace attune::journal {
namespace {

constexpr size_t kPayloadBytes = 200;

// Counts answers down.
class Round {
 public:
  void Expect(size_t count) {
    MutexLock lock(mu_);
    left_ = count;
  }
  void Answer(const absl::Status& status) {
    MutexLock lock(mu_);
    failed_ = failed_ || !status.ok();
    if (--left_ == 0) all_.NotifyOne();
  }
  bool Wait() {
    MutexLock lock(mu_);
    while (left_ > 0) all_.Wait(mu_);
    return !failed_;
  }

 private:
  Mutex mu_;
  CondVar all_;
  size_t left_ = 0;
  bool failed_ = false;
};

double Percentile(std::vector<int64_t>& values, double share) {
  if (values.empty()) return 0;
  const size_t at = static_cast<size_t>(share * static_cast<double>(values.size() - 1));
  std::nth_element(values.begin(), values.begin() + static_cast<int64_t>(at), values.end());
  return static_cast<double>(values[at]);
}

std::string FreshDir() {
  const char* where = getenv("ATTUNE_BENCH_DIR");
  const std::string dir =
      std::string(where != nullptr ? where : std::filesystem::temp_directory_path().c_str()) +
      "/attune-journal-bench-" + std::to_string(getpid());
  std::filesystem::create_directories(dir);
  return dir;
}

void Append(benchmark::State& state) {
  const Tier tier = state.range(0) == 0 ? Tier::kProcess : Tier::kFsync;
  const size_t sessions = static_cast<size_t>(state.range(1));
  const std::string dir = FreshDir();
  const SystemClock clock;
  std::vector<int64_t> commits_us;  // the writer's thread writes it, read after the drain
  std::vector<int64_t> rounds_us;
  {
    SqliteOptions options;
    options.tier = tier;
    options.clock = &clock;
    options.on_commit = [&](int64_t commit_us, size_t) { commits_us.push_back(commit_us); };
    auto journal = OpenSqliteJournal(dir + "/journal", std::move(options));
    if (!journal.ok()) return state.SkipWithError("cannot open the journal");
    const Fence fence{1, "nonce"};
    std::vector<SessionId> names;
    for (size_t s = 0; s < sessions; ++s) {
      names.push_back("session-" + std::to_string(s));
      if (!(*journal)->Open(names.back(), fence).ok()) return state.SkipWithError("cannot open");
    }
    const std::string payload(kPayloadBytes, 'p');
    Round round;
    uint64_t number = 0;
    for (auto _ : state) {
      ++number;
      const int64_t began_us = clock.SteadyMicros();
      round.Expect(sessions);
      for (const SessionId& session : names) {
        (*journal)->Append(session, fence, {{number, "", payload}},
                           [&](const absl::Status& status) { round.Answer(status); });
      }
      if (!round.Wait()) return state.SkipWithError("an append failed");
      rounds_us.push_back(clock.SteadyMicros() - began_us);
    }
    state.counters["largest_batch"] = static_cast<double>((*journal)->GetHealth().largest_batch);
  }
  std::filesystem::remove_all(dir);
  state.SetItemsProcessed(static_cast<int64_t>(state.iterations() * sessions));
  state.counters["commit_p50_us"] = Percentile(commits_us, 0.50);
  state.counters["commit_p99_us"] = Percentile(commits_us, 0.99);
  state.counters["round_p50_us"] = Percentile(rounds_us, 0.50);
  state.counters["round_p99_us"] = Percentile(rounds_us, 0.99);
  state.SetLabel(std::string(TierName(tier)));
}
BENCHMARK(Append)
    ->ArgNames({"tier", "sessions"})
    ->ArgsProduct({{0, 1}, {1, 16, 256}})
    ->UseRealTime()
    ->Unit(benchmark::kMicrosecond);

// How long erasing one person holds up the writer in a journal of so many MiB: the cleaning reads
// the whole file.
void Erase(benchmark::State& state) {
  const std::string dir = FreshDir();
  const SystemClock clock;
  {
    SqliteOptions options;
    options.clock = &clock;
    auto journal = OpenSqliteJournal(dir + "/journal", std::move(options));
    if (!journal.ok()) return state.SkipWithError("cannot open the journal");
    const Fence fence{1, "nonce"};
    if (!(*journal)->Open("s", fence).ok()) return state.SkipWithError("cannot open");
    const Subject subject(kSubjectBytes, 'a');
    const std::string payload(8192, 'p');
    Round round;
    const uint64_t entries = static_cast<uint64_t>(state.range(0)) * 128;
    for (uint64_t number = 1; number <= entries; ++number) {
      round.Expect(1);
      (*journal)->Append("s", fence, {{number, number % 100 == 0 ? subject : "", payload}},
                         [&](const absl::Status& status) { round.Answer(status); });
      if (!round.Wait()) return state.SkipWithError("an append failed");
    }
    for (auto _ : state) {
      round.Expect(1);
      (*journal)->EraseSubject("s", fence, subject,
                               [&](const absl::Status& status) { round.Answer(status); });
      if (!round.Wait()) return state.SkipWithError("the erase failed");
    }
  }
  std::filesystem::remove_all(dir);
}
BENCHMARK(Erase)->ArgName("mib")->Arg(10)->Arg(100)->Iterations(3)->UseRealTime()->Unit(
    benchmark::kMillisecond);

}  // namespace
}  // namespace attune::journal

BENCHMARK_MAIN();
