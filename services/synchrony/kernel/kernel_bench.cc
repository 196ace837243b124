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

  // `share`: of the peak of the path; 0 where there is none.
  void Print(const char* what, Path path, int people, double us, double share = 0) const {
    if (json) {
      std::printf(
          "{\"what\": \"%s\", \"path\": \"%s\", \"people\": %d, \"us\": %.6g, "
          "\"share_of_peak\": %.4f}\n",
          what, Name(path), people, us, share);
    } else {
      std::printf("%-24s %-9s %6d %12.4g us", what, Name(path), people, us);
      if (share > 0) std::printf(" %6.1f %% of peak", 100 * share);
      std::printf("\n");
    }
    std::fflush(stdout);
  }
};

double Median(std::vector<double>& values) {
  const auto middle = values.begin() + static_cast<ptrdiff_t>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  return *middle;
}

// CPU time of one call of `run`, in batches of at least 0.2 ms.
template <typename Run>
class Timed {
 public:
  explicit Timed(const Run& run) : run_(run) {
    run();
    while (batch_ < 1 << 20 && Seconds() * batch_ < 2e-4) batch_ *= 2;
  }
  double Seconds() const {
    const double start = CpuSeconds();
    for (int i = 0; i < batch_; ++i) run_();
    return (CpuSeconds() - start) / batch_;
  }

 private:
  const Run& run_;
  int batch_ = 1;
};

template <typename Run>
double MedianSeconds(double seconds, const Run& run) {
  const Timed<Run> timed(run);
  std::vector<double> times;
  const double begin = CpuSeconds();
  while (times.size() < 5 || CpuSeconds() - begin < seconds) times.push_back(timed.Seconds());
  return Median(times);
}

// Times `run`, which does `multiply_adds` of them, in turns with the peak of the path, so that
// both see the same clock and the same neighbours.
template <typename Run>
void PrintBesidePeak(const Output& output, const char* what, Path path, int people,
                     double multiply_adds, const Run& run) {
  constexpr int kRounds = 20'000;
  const Timed<Run> timed(run);
  std::vector<double> times, shares;
  const double begin = CpuSeconds();
  while (times.size() < 5 || CpuSeconds() - begin < output.seconds) {
    const double start = CpuSeconds();
    const double peak = RunPeak(path, kRounds);
    const double per_second = peak / (CpuSeconds() - start);
    times.push_back(timed.Seconds());
    if (peak > 0) shares.push_back(multiply_adds / times.back() / per_second);
  }
  output.Print(what, path, people, 1e6 * Median(times), shares.empty() ? 0 : Median(shares));
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
  PrintBesidePeak(output, "all_pairs", path, people, MultiplyAdds(people),
                  [&] { all.Compute(pointers); });
}

// One lag of eight people against 32: the products, and what is made of them.
void BenchTile(const Output& output, Path path) {
  AlignedVector<int32_t> lanes(kLength / 2 * kTileLanes, 0x00010001);
  AlignedVector<double> scales(3 * kTileLanes, 0.5);
  AlignedVector<double> best(2 * kTileRows * kTileLanes);
  AlignedVector<int32_t> dots(kTileRows * kTileLanes);
  const TileScales some{&scales[0], &scales[kTileLanes], &scales[2 * kTileLanes]};
  const Kernels& kernels = KernelsFor(path);
  PrintBesidePeak(output, "tile_dots", path, 0, kTileRows * kTileLanes * kLength, [&] {
    kernels.tile_dots(lanes.data(), kTileRows, lanes.data(), kTileLanes, kLength / 2, dots.data());
  });
  const double normalised = MedianSeconds(output.seconds, [&] {
    kernels.tile_best(dots.data(), kTileRows, some, some, 1, &best[0],
                      &best[kTileRows * kTileLanes]);
  });
  output.Print("tile_best", path, 0, 1e6 * normalised);
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
  PrintBesidePeak(output, "lagged_dots", path, people, MultiplyAdds(people), [&] {
    for (size_t a = 0; a < series.size(); ++a) {
      for (size_t b = 0; b < series.size(); ++b) {
        if (a == b) continue;
        kernels.lagged_dots(series[a].data() + kMaxLag, back[b].data(), kLength, kLags, out);
      }
    }
  });
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
  output.Print("cross_rows_of_a_tick", path, people, 1e6 * seconds);
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
  output.Print("add_rows", path, 1000, 1e6 * seconds);
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
  output.Print("reference_double", Path::kPortable, people, 1e6 * seconds);
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
      double peak = 0;
      const double seconds = MedianSeconds(output.seconds, [&] { peak = RunPeak(path, 20'000); });
      output.Print("peak_of_1e9", path, 0, 1e6 * seconds / peak * 1e9);
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
