// What the kernels cost, beside the most that the CPU could do, measured in the same run.
//
//   bazel run //services/synchrony/kernel:kernel_bench -- [--json] [--short]
//
// CPU time of this thread, so that others on the machine count only through the caches and the
// clock; medians. 41 lags, windows of 240 samples, everything hot.
#include <time.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <random>
#include <string>
#include <vector>

#include "services/synchrony/kernel/aligned.h"
#include "services/synchrony/kernel/kernels.h"
#include "services/synchrony/kernel/layout.h"
#include "services/synchrony/kernel/path.h"
#include "services/synchrony/kernel/peak.h"
#include "services/synchrony/pair/all_pairs.h"
#include "services/synchrony/pair/reference.h"

namespace attune::synchrony {
namespace {

constexpr int kLength = 240;
constexpr int kMaxLag = 20;
constexpr int kSamples = kLength + kMaxLag;

double CpuSeconds() {
  timespec now;
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + 1e-9 * static_cast<double>(now.tv_nsec);
}

struct Output {
  bool json = false;
  double seconds = 0.5;  // per figure

  void Print(const char* what, Path path, int people, double us, double share_of_peak) const {
    if (json) {
      std::printf("{\"what\": \"%s\", \"path\": \"%s\", \"people\": %d, \"us\": %.6g", what,
                  Name(path), people, us);
      if (share_of_peak > 0) std::printf(", \"share_of_peak\": %.4f", share_of_peak);
      std::printf("}\n");
    } else {
      std::printf("%-28s %-9s %6d %12.4g us", what, Name(path), people, us);
      if (share_of_peak > 0) std::printf(" %6.1f %% of peak", 100 * share_of_peak);
      std::printf("\n");
    }
    std::fflush(stdout);
  }
};

// Median CPU time of `run`, called in batches of at least 0.2 ms.
template <typename Run>
double MedianSeconds(double seconds, const Run& run) {
  run();
  int batch = 1;
  for (double took = 0; took < 2e-4; batch *= 2) {
    const double start = CpuSeconds();
    for (int i = 0; i < batch; ++i) run();
    took = CpuSeconds() - start;
    if (took >= 2e-4) break;
  }
  std::vector<double> times;
  const double begin = CpuSeconds();
  while (times.size() < 5 || CpuSeconds() - begin < seconds) {
    const double start = CpuSeconds();
    for (int i = 0; i < batch; ++i) run();
    times.push_back((CpuSeconds() - start) / batch);
  }
  std::nth_element(times.begin(), times.begin() + static_cast<ptrdiff_t>(times.size() / 2),
                   times.end());
  return times[times.size() / 2];
}

// Multiply-adds per second.
double Peak(Path path, double seconds) {
  constexpr int kRounds = 20'000;
  return RunPeak(path, kRounds) / MedianSeconds(seconds, [&] { RunPeak(path, kRounds); });
}

std::vector<std::vector<int16_t>> People(int people) {
  std::mt19937 random(1);
  std::normal_distribution<double> normal;
  std::vector<std::vector<int16_t>> series;
  for (int person = 0; person < people; ++person) {
    std::vector<int16_t> x;
    double slow = 0;
    for (int t = 0; t < kSamples; ++t) {
      slow = 0.9 * slow + 0.43 * normal(random);
      const double value = -400 + 82 * slow + 61 * std::sin(0.157 * t + 0.3 * person);
      x.push_back(static_cast<int16_t>(std::clamp(std::lrint(value), -2047l, 2047l)));
    }
    series.push_back(x);
  }
  return series;
}

// Every pair of every lag: the multiply-adds that nobody can do without.
double MultiplyAdds(int people) {
  return 0.5 * people * (people - 1) * (2 * kMaxLag + 1) * kLength;
}

void BenchAllPairs(const Output& output, Path path, int people) {
  const auto series = People(people);
  std::vector<const int16_t*> pointers;
  for (const auto& x : series) pointers.push_back(x.data());
  AllPairs all(kLength, kMaxLag, KernelsFor(path));
  const double peak = path == Path::kPortable ? 0 : Peak(path, output.seconds / 4);
  const double seconds = MedianSeconds(output.seconds, [&] { all.Compute(pointers); });
  const double share = peak > 0 ? MultiplyAdds(people) / seconds / peak : 0;
  output.Print("all_pairs", path, people, 1e6 * seconds, share);
}

// One lag of eight people against 32: the products, and what is made of them.
void BenchTile(const Output& output, Path path) {
  AlignedVector<int32_t> lanes(kLength / 2 * kTileLanes, 0x00010001);
  AlignedVector<double> scales(3 * kTileLanes, 0.5);
  AlignedVector<double> best(2 * kTileRows * kTileLanes);
  AlignedVector<int32_t> dots(kTileRows * kTileLanes);
  const TileScales some{&scales[0], &scales[kTileLanes], &scales[2 * kTileLanes]};
  const Kernels& kernels = KernelsFor(path);
  const double peak = path == Path::kPortable ? 0 : Peak(path, output.seconds / 4);
  const double products = MedianSeconds(output.seconds, [&] {
    kernels.tile_dots(lanes.data(), lanes.data(), kLength / 2, dots.data());
  });
  output.Print("tile_dots", path, 0, 1e6 * products,
               peak > 0 ? kTileRows * kTileLanes * kLength / products / peak : 0);
  const double normalised = MedianSeconds(output.seconds, [&] {
    kernels.tile_best(dots.data(), some, some, 1, &best[0], &best[kTileRows * kTileLanes]);
  });
  output.Print("tile_best", path, 0, 1e6 * normalised, 0);
}

// Lags both ways of every pair, products only.
void BenchLaggedDots(const Output& output, Path path, int people) {
  const auto series = People(people);
  constexpr int kLags = kMaxLag + 1;
  std::vector<AlignedVector<int32_t>> back;
  for (const auto& x : series) {
    PackBack(x.data(), kLength, kLags, back.emplace_back(PackedBackSize(kLength, kLags)).data());
  }
  alignas(64) int32_t out[kLagLanes];
  const Kernels& kernels = KernelsFor(path);
  const double peak = path == Path::kPortable ? 0 : Peak(path, output.seconds / 4);
  const double seconds = MedianSeconds(output.seconds, [&] {
    for (size_t a = 0; a < series.size(); ++a) {
      for (size_t b = 0; b < series.size(); ++b) {
        if (a == b) continue;
        kernels.lagged_dots(series[a].data() + kMaxLag, back[b].data(), kLength, kLags, out);
      }
    }
  });
  output.Print("lagged_dots", path, people, 1e6 * seconds,
               peak > 0 ? MultiplyAdds(people) / seconds / peak : 0);
}

// One tick of the sums over circular shifts of a room: the newest and the leaving window of either
// person of every pair against 166 windows of the other.
void BenchCrossRows(const Output& output, Path path, int people) {
  constexpr int kBlocks = 11;
  std::mt19937 random(2);
  std::vector<AlignedVector<int32_t>> blocks;
  AlignedVector<int16_t> rows(static_cast<size_t>(people) * 2 * 64);
  for (int16_t& x : rows) x = static_cast<int16_t>(random() % 4096);
  for (int person = 0; person < people; ++person) {
    auto& own = blocks.emplace_back(kBlocks * kBlockSize);
    for (int32_t& x : own) x = static_cast<int32_t>(random() & 0x0fff0fff);
  }
  AlignedVector<int32_t> out(static_cast<size_t>(people) * 2 * kBlocks * kBlockWindows);
  std::vector<const int16_t*> pointers;
  const Kernels& kernels = KernelsFor(path);
  const double seconds = MedianSeconds(output.seconds, [&] {
    for (size_t b = 0; b < blocks.size(); ++b) {
      pointers.clear();
      for (size_t a = 0; a < blocks.size(); ++a) {
        if (a == b) continue;
        pointers.push_back(&rows[a * 128]);
        pointers.push_back(&rows[a * 128 + 64]);
      }
      kernels.cross_rows(pointers.data(), static_cast<int>(pointers.size()), blocks[b].data(),
                         kBlocks, out.data());
    }
  });
  output.Print("cross_rows_of_a_tick", path, people, 1e6 * seconds, 0);
}

// Adding 1,000 rows of 64 samples.
void BenchAddRows(const Output& output, Path path) {
  AlignedVector<int16_t> memory(1000 * 64, 3);
  std::vector<const int16_t*> rows;
  for (size_t r = 0; r < 1000; ++r) rows.push_back(&memory[r * 64]);
  alignas(64) int32_t sums[64] = {};
  const double seconds = MedianSeconds(output.seconds, [&] {
    std::fill_n(sums, 64, 0);
    KernelsFor(path).add_rows(rows.data(), 1000, 64, sums);
  });
  output.Print("add_rows", path, 1000, 1e6 * seconds, 0);
}

// The plain double form in this repository, one tick of all pairs.
void BenchReference(const Output& output, int people) {
  std::vector<std::vector<double>> series;
  for (const auto& x : People(people)) series.emplace_back(x.begin(), x.end());
  const double seconds = MedianSeconds(output.seconds / 2, [&] {
    for (size_t a = 0; a < series.size(); ++a) {
      for (size_t b = a + 1; b < series.size(); ++b) {
        reference::WindowedCrossCorrelation(series[a], series[b], kLength, kMaxLag, 1,
                                            reference::Trend::kRemoveLine);
      }
    }
  });
  output.Print("reference_double", Path::kPortable, people, 1e6 * seconds, 0);
}

int Main(int argc, char** argv) {
  Output output;
  for (int i = 1; i < argc; ++i) {
    const std::string argument = argv[i];
    if (argument == "--json") {
      output.json = true;
    } else if (argument == "--short") {
      output.seconds = 0.05;
    } else {
      std::fprintf(stderr, "usage: kernel_bench [--json] [--short]\n");
      return 2;
    }
  }
  for (Path path : kAllPaths) {
    if (!Supports(path)) continue;
    if (path != Path::kPortable) {
      output.Print("peak_of_a_million", path, 0, 1e12 / Peak(path, output.seconds), 0);
    }
    BenchTile(output, path);
    for (int people : {2, 8, 30}) BenchLaggedDots(output, path, people);
    for (int people : {2, 8, 16, 30, 100, 128, 300, 1000}) {
      if (path == Path::kPortable && people > 128) continue;
      BenchAllPairs(output, path, people);
    }
    BenchCrossRows(output, path, 8);
    BenchAddRows(output, path);
  }
  BenchReference(output, 8);
  BenchReference(output, 100);
  return 0;
}

}  // namespace
}  // namespace attune::synchrony

int main(int argc, char** argv) { return attune::synchrony::Main(argc, argv); }
