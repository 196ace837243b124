// What the measures of a group cost, and how multidimensional recurrence compares with NumPy's.
#include <benchmark/benchmark.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <string>
#include <vector>

#include "services/synchrony/group/mdrqa.h"
#include "services/synchrony/group/recurrence.h"
#include "services/synchrony/group/stretch_measures.h"
#include "services/synchrony/params.h"

namespace attune::synchrony {
namespace {

// Smooth, unlike each other, the same in every run (and in mdrqa_numpy.py).
Table People(size_t people, size_t samples) {
  uint64_t state = 1;
  Table table(people);
  for (auto& x : table) {
    double level = 0, slow = 0;
    for (size_t t = 0; t < samples; ++t) {
      state = state * 6364136223846793005u + 1442695040888963407u;
      level = 0.9 * level + static_cast<double>(state >> 33) / (1u << 30) - 1;
      slow = 0.8 * slow + 0.2 * level;
      x.push_back(850 + 40 * slow);
    }
  }
  return table;
}

double Radius(size_t people) {
  return kMdrqaRadiusPerRootPerson * std::sqrt(static_cast<double>(people));
}

void BM_Mdrqa(benchmark::State& state) {
  const auto count = static_cast<size_t>(state.range(0));
  const Table people = People(count, static_cast<size_t>(state.range(1)));
  for (auto _ : state) {
    benchmark::DoNotOptimize(MultidimensionalRecurrence(people, {1, 1, Radius(count)}));
  }
}
BENCHMARK(BM_Mdrqa)
    ->ArgNames({"people", "samples"})
    ->Args({8, 240})
    ->Args({30, 240})
    ->Args({64, 240})
    ->Args({8, 1000})
    ->Unit(benchmark::kMicrosecond);

// The window of each family as the catalogue has it.
struct Window {
  GroupFamily family;
  const char* name;
  int seconds;
};
constexpr Window kWindows[] = {
    {GroupFamily::kEigen, "eigenvalues and leave-one-out", 60},
    {GroupFamily::kClusterPhase, "cluster phase", 60},
    {GroupFamily::kRecurrence, "multidimensional recurrence", 60},
    {GroupFamily::kEntropy, "symbolic entropy", 180},
    {GroupFamily::kCoherence, "coherence", 180},
    {GroupFamily::kSurrogate, "surrogate synchrony", 180},
    {GroupFamily::kDrivers, "drivers and empaths", 600},
};

void BM_Family(benchmark::State& state) {
  const Window& window = kWindows[state.range(0)];
  const auto count = static_cast<size_t>(state.range(1));
  const Params params;
  std::vector<Stretch> stretches(count);
  std::vector<const Stretch*> people;
  const Table table = People(count, static_cast<size_t>(window.seconds * kSamplesPerSecond));
  for (size_t i = 0; i < count; ++i) {
    stretches[i].to_us = int64_t{window.seconds} * 1'000'000;
    stretches[i].grid_ms = table[i];
    people.push_back(&stretches[i]);
  }
  const GroupFamilyMeasures measures = MeasuresOfFamily(window.family);
  for (auto _ : state) {
    GroupAnalysis analysis(people, false, params);
    for (Measure measure : measures.group) benchmark::DoNotOptimize(analysis.Group(measure));
    for (Measure measure : measures.own) benchmark::DoNotOptimize(analysis.Own(measure, 0));
  }
  state.SetLabel(window.name);
}
BENCHMARK(BM_Family)
    ->ArgNames({"family", "people"})
    ->ArgsProduct({{0, 1, 2, 3, 4, 5, 6}, {8, 30}})
    ->Unit(benchmark::kMicrosecond);

double NowUs() {
  std::timespec now;
  std::timespec_get(&now, TIME_UTC);
  return 1e6 * static_cast<double>(now.tv_sec) + 1e-3 * static_cast<double>(now.tv_nsec);
}

// Best of several calls, as the script takes it.
double BestUs(const Table& people, double radius) {
  double best = 1e300;
  for (int i = 0; i < 50; ++i) {
    const double began = NowUs();
    benchmark::DoNotOptimize(MultidimensionalRecurrence(people, {1, 1, radius}));
    best = std::min(best, NowUs() - began);
  }
  return best;
}

// False when the counts differ.
bool CompareWithNumPy(size_t count, size_t samples) {
  Table people = People(count, samples);
  const double radius = Radius(count);
  char command[200];
  std::snprintf(command, sizeof(command),
                "/usr/bin/python3 services/synchrony/group/mdrqa_numpy.py %zu %zu %.17g", count,
                samples, radius);
  std::FILE* pipe = popen(command, "r");
  if (pipe == nullptr) return true;
  double loop_us = 0, whole_us = 0;
  long long points = 0, lines = 0;
  const int read = std::fscanf(pipe, "%lf %lf %lld %lld", &loop_us, &whole_us, &points, &lines);
  const int status = pclose(pipe);
  if (read != 4) {
    const bool missing = WIFEXITED(status) && WEXITSTATUS(status) == 3;
    std::printf("mdrqa %zu x %zu: no ratio, %s\n", count, samples,
                missing ? "NumPy is not installed (apt-get install python3-numpy)"
                        : "mdrqa_numpy.py did not run (start from the workspace root)");
    return true;
  }
  const double us = BestUs(people, radius);
  Standardise(&people);
  const RecurrenceCounts counts = CountRecurrence(people, radius);
  int64_t ours = 0;
  for (size_t length = 2; length < counts.lines.size(); ++length) ours += counts.lines[length];
  const bool same = counts.points == points && ours == lines;
  std::printf(
      "mdrqa %zu x %zu: %.1f us; NumPy %.0f us, ratio %.0f (a loop over the diagonals, as the "
      "peers "
      "do it); %.0f us, ratio %.0f (whole arrays only); counts %s\n",
      count, samples, us, loop_us, loop_us / us, whole_us, whole_us / us,
      same ? "agree" : "DIFFER");
  return same;
}

}  // namespace
}  // namespace attune::synchrony

int main(int argc, char** argv) {
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 1;
  benchmark::RunSpecifiedBenchmarks();
  const bool same =
      attune::synchrony::CompareWithNumPy(8, 240) && attune::synchrony::CompareWithNumPy(8, 1000);
  return same ? 0 : 1;
}
