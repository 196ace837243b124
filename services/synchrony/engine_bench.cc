// What one tick costs once the longest span is full, by people in a session and by sessions.
//
//   bazel run //services/synchrony:engine_bench -- [--json] [--short]
//   ... --people=N [--sessions=S] [--couples] [--common_cause] [--tick_ms=MS]   one figure
//   ... --ordinary_pages   engines on the heap, not in base/huge_memory
//
// With many sessions every tick goes once through all of them: their data is then as cold as on a
// node that serves them. Chance levels on, unless a common cause is named. CPU time of this thread,
// median over moments (two seconds); taking beats in is timed apart.
#include <time.h>

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <memory_resource>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "services/base/huge_memory.h"
#include "services/synchrony/engine.h"
#include "services/synchrony/testing/test_data.h"

namespace attune::synchrony {
namespace {

constexpr int64_t kWarmUpUs = 200'000'000;  // the span and its shifts are full

double CpuSeconds() {
  timespec now;
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + 1e-9 * static_cast<double>(now.tv_nsec);
}

double Median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

struct Cell {
  int people = 2;
  int sessions = 1;
  bool couples = false;  // only couples may see their pair; else everybody every pair
  bool common_cause = false;
  int tick_ms = 1000;
};

// People who are not alike; sessions share them, each beginning with another one.
class Hearts {
 public:
  Hearts(int count, double seconds) {
    for (int i = 0; i < count; ++i) {
      beats_.push_back(
          testing::SimulatedBeats(static_cast<uint64_t>(i) + 1, 700 + 3 * (i % 150), seconds));
    }
  }
  const std::vector<Beat>& Of(size_t person) const { return beats_[person % beats_.size()]; }

 private:
  std::vector<std::vector<Beat>> beats_;
};

class Session {
 public:
  Session(const Cell& cell, const Hearts& hearts, size_t first, std::pmr::memory_resource* memory)
      : hearts_(hearts),
        first_(first),
        engine_(Params{}, std::nullopt, memory),
        next_(static_cast<size_t>(cell.people)) {
    selection_.common_cause = cell.common_cause;
    for (int i = 0; i < cell.people; ++i) {
      engine_.AddPerson(i);
      selection_.people.push_back(i);
      selection_.group.push_back(i);
      if (cell.couples && i % 2 == 1) selection_.pairs.emplace_back(i - 1, i);
      if (cell.couples) continue;
      for (int b = i + 1; b < cell.people; ++b) selection_.pairs.emplace_back(i, b);
    }
  }

  void Feed(int64_t now_us) {
    for (size_t i = 0; i < next_.size(); ++i) {
      const std::vector<Beat>& beats = hearts_.Of(first_ + i);
      for (; next_[i] < beats.size(); ++next_[i]) {
        const Beat& beat = beats[next_[i]];
        if (beat.time_us > now_us + engine_.params().horizon_us) break;
        engine_.AddBeat(static_cast<int>(i), beat);
      }
    }
  }
  void Tick(int64_t now_us, Frame* frame) { engine_.Evaluate(now_us, selection_, frame); }
  const Engine& engine() const { return engine_; }

 private:
  const Hearts& hearts_;
  size_t first_;
  Engine engine_;
  Engine::Selection selection_;
  std::vector<size_t> next_;
};

struct Options {
  bool json = false;
  bool ordinary = false;  // pages
  double seconds = 1;     // per figure, but at least five of session time
};

void Run(const Cell& cell, const Options& options) {
  const Hearts hearts(std::clamp(cell.people, 64, 1000), 900);
  HugeMemory memory;
  std::vector<Session> sessions;
  // One for all, as with whoever sends a frame on and makes the next.
  Frame frame;
  sessions.reserve(static_cast<size_t>(cell.sessions));
  int64_t now_us = kWarmUpUs;
  for (int s = 0; s < cell.sessions; ++s) {
    Session& session = sessions.emplace_back(cell, hearts, static_cast<size_t>(s) * 7,
                                             options.ordinary ? nullptr : &memory);
    session.Feed(now_us);
    session.Tick(now_us, &frame);
  }
  // Windows and phases come once a moment: not all ticks cost the same.
  const int per_round = std::max(1, 1000 * Params{}.moment_seconds / cell.tick_ms);
  std::vector<double> ticks, feeds;
  const double begin = CpuSeconds();
  while (now_us < 880'000'000 && (ticks.size() < 7 || CpuSeconds() - begin < options.seconds)) {
    double feed = 0, tick = 0;
    for (int t = 0; t < per_round; ++t) {
      now_us += int64_t{cell.tick_ms} * 1000;
      const double start = CpuSeconds();
      for (Session& session : sessions) session.Feed(now_us);
      const double fed = CpuSeconds();
      for (Session& session : sessions) session.Tick(now_us, &frame);
      feed += fed - start;
      tick += CpuSeconds() - fed;
    }
    feeds.push_back(feed / per_round / cell.sessions);
    ticks.push_back(tick / per_round / cell.sessions);
  }
  // The first after the span became full are not like the others.
  ticks.erase(ticks.begin(), ticks.begin() + 2);
  const double us = 1e6 * Median(ticks), feed_us = 1e6 * Median(feeds);
  const Engine& engine = sessions.front().engine();
  const double people = cell.people;
  const double kib = static_cast<double>(engine.MemoryBytes()) / 1024 / people;
  const double chance_kib = static_cast<double>(engine.ChanceMemoryBytes()) / 1024 / people;
  if (options.json) {
    std::printf(
        "{\"people\": %d, \"sessions\": %d, \"couples\": %s, \"common_cause\": %s, "
        "\"tick_ms\": %d, \"us\": %.6g, \"feed_us\": %.6g, \"kib_per_person\": %.4g, "
        "\"chance_kib_per_person\": %.4g}\n",
        cell.people, cell.sessions, cell.couples ? "true" : "false",
        cell.common_cause ? "true" : "false", cell.tick_ms, us, feed_us, kib, chance_kib);
  } else {
    std::printf("%6d %8d  %-7s %-12s %5d %12.1f us %8.1f us %10.1f %8.1f KiB\n", cell.people,
                cell.sessions, cell.couples ? "couples" : "all",
                cell.common_cause ? "common cause" : "chance", cell.tick_ms, us, feed_us, kib,
                chance_kib);
  }
  std::fflush(stdout);
}

int Main(int argc, char** argv) {
  Options options;
  Cell cell;
  bool one = false;
  for (int i = 1; i < argc; ++i) {
    const std::string_view argument = argv[i];
    const auto number = [&](std::string_view name, int* value) {
      if (!argument.starts_with(name)) return false;
      *value = std::atoi(argv[i] + name.size());
      return *value > 0;
    };
    if (argument == "--ordinary_pages") {
      options.ordinary = true;
    } else if (argument == "--json") {
      options.json = true;
    } else if (argument == "--short") {
      options.seconds = 0.1;
    } else if (argument == "--couples") {
      cell.couples = true;
    } else if (argument == "--common_cause") {
      cell.common_cause = true;
    } else if (number("--people=", &cell.people)) {
      one = true;
    } else if (!number("--sessions=", &cell.sessions) && !number("--tick_ms=", &cell.tick_ms)) {
      std::fprintf(stderr, "engine_bench: cannot read '%s'; usage: see the top of %s\n", argv[i],
                   __FILE__);
      return 2;
    }
  }
  if (!options.json) {
    std::printf("%6s %8s  %-7s %-12s %5s %12s    %8s    %10s %8s\n", "people", "sessions", "pairs",
                "", "ms", "tick", "feed", "person", "+ chance");
  }
  if (one) {
    Run(cell, options);
    return 0;
  }
  for (int people : {2, 8, 30, 100}) Run({.people = people}, options);
  for (int people : {2, 8, 30, 100, 300, 1000}) {
    Run({.people = people, .couples = true}, options);
  }
  Run({.people = 1000, .couples = true, .common_cause = true, .tick_ms = 250}, options);
  Run({.people = 2, .sessions = 1000}, options);
  Run({.people = 8, .sessions = 200}, options);
  return 0;
}

}  // namespace
}  // namespace attune::synchrony

int main(int argc, char** argv) { return attune::synchrony::Main(argc, argv); }
