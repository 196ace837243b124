// Every path gives what the definitions in kernels.h give, bit for bit, at any address.
//
// Paths that the CPU lacks are not run; ATTUNE_KERNEL_PATH=NAME in the environment says that NAME
// must be there, and runs it alone.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <limits>
#include <new>
#include <random>
#include <string>
#include <vector>

#include "services/synchrony/kernel/kernels.h"
#include "services/synchrony/kernel/layout.h"
#include "services/synchrony/kernel/path.h"

namespace attune::synchrony {
namespace {

std::vector<Path> PathsToTest() {
  const char* name = std::getenv("ATTUNE_KERNEL_PATH");
  std::vector<Path> paths;
  for (Path path : kAllPaths) {
    if (name != nullptr ? std::string(name) == Name(path) : Supports(path)) paths.push_back(path);
  }
  return paths;
}

// `count` zeros at an address that is `offset` elements beyond a multiple of 64 bytes, at the very
// end of their memory, so that a sanitizer sees every step too far.
template <typename T>
class Buffer {
 public:
  Buffer(size_t count, size_t offset)
      : memory_(static_cast<T*>(
            ::operator new ((offset + count) * sizeof(T) + 1, std::align_val_t{64}))),
        begin_(offset),
        count_(count) {
    std::fill_n(memory_, offset + count, T{0});
  }
  ~Buffer() { ::operator delete (memory_, std::align_val_t{64}); }
  Buffer(const Buffer&) = delete;
  Buffer& operator=(const Buffer&) = delete;

  T* data() { return memory_ + begin_; }
  size_t size() const { return count_; }
  T& operator[](size_t i) { return memory_[begin_ + i]; }
  std::vector<T> ToVector() { return {data(), data() + count_}; }

 private:
  T* memory_;
  size_t begin_;
  size_t count_;
};

class Random {
 public:
  explicit Random(uint32_t seed) : engine_(seed) {}
  int Int(int low, int high) { return std::uniform_int_distribution<int>(low, high)(engine_); }
  double Real(double low, double high) {
    return std::uniform_real_distribution<double>(low, high)(engine_);
  }
  // Mostly anything, sometimes nothing but the extremes.
  template <typename T>
  void Fill(Buffer<T>& buffer, int limit) {
    const bool extremes = Int(0, 3) == 0;
    const int sign = Int(0, 2) - 1;  // 0: mixed
    for (size_t i = 0; i < buffer.size(); ++i) {
      int value = extremes ? limit : Int(-limit, limit);
      if (extremes && (sign < 0 || (sign == 0 && Int(0, 1) == 0))) value = -value;
      buffer[i] = static_cast<T>(value);
    }
  }

 private:
  std::mt19937 engine_;
};

class KernelTest : public ::testing::TestWithParam<Path> {
 protected:
  const Kernels& kernels() const { return KernelsFor(GetParam()); }
  Random random{20'240};
};

int64_t Dot(const int16_t* x, const int16_t* y, int length) {
  int64_t sum = 0;
  for (int i = 0; i < length; ++i) sum += int64_t{x[i]} * y[i];
  return sum;
}

TEST(PathTest, WhatIsNamedIsSupported) {
  EXPECT_FALSE(PathsToTest().empty());
  for (Path path : PathsToTest()) EXPECT_TRUE(Supports(path)) << Name(path);
  EXPECT_TRUE(Supports(BestPath()));
}

TEST_P(KernelTest, LaggedDots) {
  for (int round = 0; round < 400; ++round) {
    const int length = round < 40 ? 240 : random.Int(2, 500);
    const int lags = round < 40 ? 21 : random.Int(1, 100);
    Buffer<int16_t> base(static_cast<size_t>(length), static_cast<size_t>(random.Int(0, 31)));
    Buffer<int16_t> past(static_cast<size_t>(length + lags - 1),
                         static_cast<size_t>(random.Int(0, 31)));
    random.Fill(base, 2047);
    random.Fill(past, 2047);
    Buffer<int32_t> back(PackedBackSize(length, lags), static_cast<size_t>(random.Int(0, 15)));
    PackBack(past.data(), length, lags, back.data());
    Buffer<int32_t> out(static_cast<size_t>(RoundUp(lags, kLagLanes)),
                        static_cast<size_t>(random.Int(0, 15)));
    kernels().lagged_dots(base.data(), back.data(), length, lags, out.data());
    for (int k = 0; k < lags; ++k) {
      ASSERT_EQ(out[static_cast<size_t>(k)], Dot(base.data(), past.data() + lags - 1 - k, length))
          << "length " << length << ", lag " << k << " of " << lags;
    }
  }
}

TEST_P(KernelTest, TileDots) {
  for (int round = 0; round < 80; ++round) {
    const size_t steps = static_cast<size_t>(round < 20 ? 120 : random.Int(1, 250));
    const size_t stride = size_t{4} << random.Int(0, 3);
    const size_t row_count = round % 3 == 0 ? kTileRows / 2 : kTileRows;
    const size_t first = random.Int(0, 1) == 0 ? 0 : kTileLanes - row_count;
    Buffer<int16_t> samples(2 * ((steps - 1) * stride + kTileLanes), 0);
    random.Fill(samples, 2047);
    Buffer<int32_t> pairs(samples.size() / 2, static_cast<size_t>(random.Int(0, 15)));
    for (size_t i = 0; i < pairs.size(); ++i) {
      pairs[i] = PackPair(samples[2 * i], samples[2 * i + 1]);
    }
    Buffer<int32_t> dots(row_count * kTileLanes, static_cast<size_t>(random.Int(0, 15)));
    kernels().tile_dots(pairs.data() + first, static_cast<int>(row_count), pairs.data(),
                        static_cast<int>(stride), static_cast<int>(steps), dots.data());
    for (size_t r = 0; r < row_count; ++r) {
      for (size_t l = 0; l < kTileLanes; ++l) {
        int64_t expected = 0;
        for (size_t s = 0; s < steps; ++s) {
          expected +=
              Dot(&samples[2 * (s * stride + first + r)], &samples[2 * (s * stride + l)], 2);
        }
        ASSERT_EQ(dots[r * kTileLanes + l], expected) << "row " << r << ", lane " << l;
      }
    }
  }
}

struct Scales {
  std::vector<double> mean, slope, inverse;
  TileScales pointers() const { return {mean.data(), slope.data(), inverse.data()}; }
};

TEST_P(KernelTest, TileBestIsTheFirstOfTheLargest) {
  constexpr size_t kCells = size_t{kTileRows} * kTileLanes;
  for (int round = 0; round < 30; ++round) {
    const auto scales = [&](int count) {
      Scales s;
      for (int i = 0; i < count; ++i) {
        s.mean.push_back(random.Real(-3e4, 3e4));
        s.slope.push_back(random.Real(-3e4, 3e4));
        s.inverse.push_back(random.Int(0, 9) == 0 ? std::numeric_limits<double>::quiet_NaN()
                                                  : 1 / random.Real(1, 3e4));
      }
      return s;
    };
    const int row_count = round % 3 == 0 ? kTileRows / 2 : kTileRows;
    std::vector<double> best(kCells, -std::numeric_limits<double>::infinity());
    std::vector<double> best_lag(kCells, 99);
    std::vector<double> expected = best, expected_lag = best_lag;
    for (int lag : {0, 1, -1, 2, 3}) {
      const Scales rows = scales(kTileRows), lanes = scales(kTileLanes);
      Buffer<int32_t> dots(kCells, static_cast<size_t>(random.Int(0, 15)));
      random.Fill(dots, 1'006'000'000);
      // Lag 3 repeats lag 2: an equal value must not replace the earlier one.
      for (int times = 0; times < (lag == 2 ? 2 : 1); ++times) {
        kernels().tile_best(dots.data(), row_count, rows.pointers(), lanes.pointers(), lag + times,
                            best.data(), best_lag.data());
      }
      for (size_t r = 0; r < static_cast<size_t>(row_count); ++r) {
        for (size_t l = 0; l < kTileLanes; ++l) {
          const size_t at = r * kTileLanes + l;
          volatile double covariance = rows.mean[r] * lanes.mean[l];
          covariance = dots[at] - covariance;
          volatile double part = rows.slope[r] * lanes.slope[l];
          covariance = covariance - part;
          part = rows.inverse[r] * lanes.inverse[l];
          const double value = covariance * part;
          if (value > expected[at]) {
            expected[at] = value;
            expected_lag[at] = lag;
          }
        }
      }
    }
    ASSERT_EQ(best, expected);
    ASSERT_EQ(best_lag, expected_lag);
  }
}

// `count` windows as rows, and the same in blocks.
struct Windows {
  Windows(int count, int limit, Random& random)
      : rows(static_cast<size_t>(count) * 64, static_cast<size_t>(random.Int(0, 31))),
        blocks(static_cast<size_t>(RoundUp(count, kBlockWindows)) * kRowPairs,
               static_cast<size_t>(random.Int(0, 15))) {
    random.Fill(rows, limit);
    for (int w = 0; w < count; ++w) SetBlockRow(row(w), static_cast<size_t>(w), blocks.data());
  }
  int16_t* row(int w) { return rows.data() + static_cast<size_t>(w) * 64; }
  int block_count() const { return static_cast<int>(blocks.size() / kBlockSize); }

  Buffer<int16_t> rows;
  Buffer<int32_t> blocks;
};

TEST_P(KernelTest, CrossRows) {
  for (int round = 0; round < 150; ++round) {
    const int count = round < 20 ? 166 : random.Int(1, 200);
    Windows windows(count, 4096, random);
    const int row_count = random.Int(1, 17);
    Windows others(row_count, 4096, random);
    std::vector<const int16_t*> rows;
    for (int r = 0; r < row_count; ++r) rows.push_back(others.row(r));
    const size_t stride = static_cast<size_t>(windows.block_count()) * kBlockWindows;
    Buffer<int32_t> out(stride * static_cast<size_t>(row_count),
                        static_cast<size_t>(random.Int(0, 15)));
    kernels().cross_rows(rows.data(), row_count, windows.blocks.data(), windows.block_count(),
                         out.data());
    for (int r = 0; r < row_count; ++r) {
      for (int w = 0; w < count; ++w) {
        ASSERT_EQ(out[static_cast<size_t>(r) * stride + static_cast<size_t>(w)],
                  Dot(rows[static_cast<size_t>(r)], windows.row(w), 64))
            << "row " << r << ", window " << w << " of " << count;
      }
    }
  }
}

TEST_P(KernelTest, CrossRowsOfUnitLength) {
  // All of a row's length in one sample: the largest product there is.
  Buffer<int16_t> row(64, 0);
  row[63] = 1 << 14;
  Buffer<int32_t> blocks(kBlockSize, 0);
  SetBlockRow(row.data(), 5, blocks.data());
  std::vector<int32_t> out(kBlockWindows);
  const int16_t* rows[] = {row.data()};
  kernels().cross_rows(rows, 1, blocks.data(), 1, out.data());
  for (size_t w = 0; w < kBlockWindows; ++w) EXPECT_EQ(out[w], w == 5 ? 1 << 28 : 0);
}

TEST_P(KernelTest, AddsEitherWayRound) {
  for (int round = 0; round < 300; ++round) {
    const int count = random.Int(0, 200);
    Buffer<int32_t> values(static_cast<size_t>(count), static_cast<size_t>(random.Int(0, 15)));
    random.Fill(values, (1 << 28) + (1 << 20));
    Buffer<int64_t> sums(static_cast<size_t>(count), static_cast<size_t>(random.Int(0, 7)));
    Buffer<int64_t> reversed(static_cast<size_t>(count), static_cast<size_t>(random.Int(0, 7)));
    std::vector<int64_t> expected(static_cast<size_t>(count)), expected_reversed = expected;
    for (int sign : {1, 1, -1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1}) {  // beyond 2^31
      kernels().add(values.data(), count, sign, sums.data());
      kernels().add_reversed(values.data(), count, sign, reversed.data());
      for (size_t i = 0; i < expected.size(); ++i) {
        expected[i] += sign * int64_t{values[i]};
        expected_reversed[expected.size() - 1 - i] += sign * int64_t{values[i]};
      }
    }
    ASSERT_EQ(sums.ToVector(), expected);
    ASSERT_EQ(reversed.ToVector(), expected_reversed);
  }
}

TEST_P(KernelTest, CrossUnits) {
  for (int round = 0; round < 300; ++round) {
    const int count = random.Int(0, 120);
    Buffer<int16_t> parts(2 * static_cast<size_t>(count) + 2, 0);
    random.Fill(parts, 1 << 14);
    const size_t last = 2 * static_cast<size_t>(count);
    Buffer<int32_t> others(static_cast<size_t>(count), static_cast<size_t>(random.Int(0, 15)));
    for (size_t i = 0; i < others.size(); ++i) {
      others[i] = PackPair(parts[2 * i], parts[2 * i + 1]);
    }
    Buffer<int32_t> re(others.size(), static_cast<size_t>(random.Int(0, 15)));
    Buffer<int32_t> im(others.size(), static_cast<size_t>(random.Int(0, 15)));
    kernels().cross_units(PackPair(parts[last], parts[last + 1]), others.data(), count, re.data(),
                          im.data());
    for (size_t i = 0; i < others.size(); ++i) {
      const int64_t a = parts[last], b = parts[last + 1], c = parts[2 * i], d = parts[2 * i + 1];
      ASSERT_EQ(re[i], a * c + b * d);
      ASSERT_EQ(im[i], b * c - a * d);
    }
  }
}

TEST_P(KernelTest, SumsOfRows) {
  for (int round = 0; round < 60; ++round) {
    const int length = 32 * random.Int(1, 9);
    const int count = random.Int(0, 70);
    Buffer<int16_t> memory(static_cast<size_t>(length + count + 1) * 3,
                           static_cast<size_t>(random.Int(0, 31)));
    random.Fill(memory, 32'767);
    if (count > 0) memory[0] = -32'768;
    std::vector<const int16_t*> rows;  // overlapping, at any offset
    for (int r = 0; r < count; ++r) rows.push_back(memory.data() + (r == 0 ? 0 : 3 * r));
    Buffer<int32_t> sums(static_cast<size_t>(length), static_cast<size_t>(random.Int(0, 15)));
    for (size_t i = 0; i < sums.size(); ++i) sums[i] = static_cast<int32_t>(i) - 7;
    kernels().add_rows(rows.data(), count, length, sums.data());
    for (size_t i = 0; i < sums.size(); ++i) {
      int64_t expected = static_cast<int64_t>(i) - 7;
      for (const int16_t* row : rows) expected += row[i];
      ASSERT_EQ(sums[i], expected);
    }
  }
}

TEST_P(KernelTest, SumsOfSquares) {
  for (int round = 0; round < 300; ++round) {
    const int count = random.Int(0, 100);
    Buffer<int32_t> wide(static_cast<size_t>(count), static_cast<size_t>(random.Int(0, 15)));
    random.Fill(wide, (1 << 27) - 1);
    Buffer<int16_t> narrow(static_cast<size_t>(count), static_cast<size_t>(random.Int(0, 31)));
    random.Fill(narrow, 4633);  // 4633^2 * 100 < 2^31
    int64_t expected_wide = 0, expected_narrow = 0;
    for (size_t i = 0; i < wide.size(); ++i) {
      expected_wide += int64_t{wide[i]} * wide[i];
      expected_narrow += int64_t{narrow[i]} * narrow[i];
    }
    ASSERT_EQ(kernels().sum_of_squares(wide.data(), count), expected_wide);
    ASSERT_EQ(kernels().sum_of_squares_16(narrow.data(), count), expected_narrow);
  }
}

TEST_P(KernelTest, NearMomentsAreThoseWithinTheBounds) {
  Random random(9);
  for (const int columns : {1, 2, 3, 8, 31}) {
    for (const size_t words : {1, 2, 4}) {
      const size_t lag = static_cast<size_t>(random.Int(1, 200));
      const size_t moments = kMomentsPerWord * words + lag;
      const int count = (columns + 1) / 2;
      const int most = static_cast<int>(23'000 / std::sqrt(columns));
      Buffer<int32_t> pairs(static_cast<size_t>(count) * moments, 3), norms(moments, 5);
      std::vector<std::vector<int>> x(static_cast<size_t>(columns), std::vector<int>(moments));
      for (size_t c = 0; c < x.size(); ++c) {
        for (size_t t = 0; t < moments; ++t) {
          // Equal ones, opposite ends, and all between.
          x[c][t] = random.Int(0, 3) == 0 ? (random.Int(0, 1) == 0 ? most : -most)
                                          : random.Int(-most, most);
          int32_t& pair = pairs[c / 2 * moments + t];
          pair = c % 2 == 0 ? PackPair(static_cast<int16_t>(x[c][t]), 0)
                            : PackPair(static_cast<int16_t>(pair), static_cast<int16_t>(x[c][t]));
          norms[t] += x[c][t] * x[c][t];
        }
      }
      const auto squared = [&](size_t t) {
        int64_t sum = 0;
        for (const std::vector<int>& column : x) {
          sum += int64_t{column[t] - column[t + lag]} * (column[t] - column[t + lag]);
        }
        return sum;
      };
      // Bounds at distances that are there, so that "at most" and "below" are told apart.
      const int32_t bounds[][2] = {
          {static_cast<int32_t>(squared(5)), static_cast<int32_t>(squared(5))},
          {-1, std::numeric_limits<int32_t>::max()},
          {0, 1}};
      for (const auto& [sure_at_most, never_from] : bounds) {
        Buffer<uint64_t> sure(words, 1), may(words, 2);
        kernels().near_moments({pairs.data(), count, moments, norms.data()}, lag, words,
                               sure_at_most, never_from, sure.data(), may.data());
        for (size_t t = 0; t < kMomentsPerWord * words; ++t) {
          const size_t w = t / kMomentsPerWord, bit = t % kMomentsPerWord;
          ASSERT_EQ((sure[w] >> bit & 1) != 0, squared(t) <= sure_at_most) << t;
          ASSERT_EQ((may[w] >> bit & 1) != 0, squared(t) < never_from) << t;
        }
      }
    }
  }
}

TEST(LayoutTest, BlockRowsReadBack) {
  Random random(7);
  Windows windows(40, 32'767, random);
  for (int w = 0; w < 40; ++w) {
    std::vector<int16_t> row(64);
    GetBlockRow(windows.blocks.data(), static_cast<size_t>(w), row.data());
    EXPECT_EQ(row, std::vector<int16_t>(windows.row(w), windows.row(w) + 64)) << w;
  }
}

TEST(LayoutTest, FourPeopleStandSideBySide) {
  Random random(8);
  for (int count : {1, 3, 4, 7, 130}) {
    const auto samples = 2 * static_cast<size_t>(count);
    Buffer<int16_t> a(samples, 1), b(samples, 2), c(samples, 3), d(samples, 0);
    for (Buffer<int16_t>* x : {&a, &b, &c, &d}) random.Fill(*x, 2047);
    const int16_t* series[] = {a.data(), b.data(), c.data(), d.data()};
    Buffer<int32_t> out((static_cast<size_t>(count) - 1) * 9 + 4, 1);
    PackFour(series, count, 9, out.data());
    for (size_t s = 0; s < static_cast<size_t>(count); ++s) {
      for (size_t p = 0; p < 4; ++p) {
        ASSERT_EQ(out[s * 9 + p], PackPair(series[p][2 * s], series[p][2 * s + 1]));
      }
    }
  }
}

TEST(LayoutTest, UnitsAreRoundedToEven) {
  EXPECT_EQ(PackUnit(1, 0), 16'384);
  EXPECT_EQ(PackUnit(-1, 0), 0xc000);
  EXPECT_EQ(PackUnit(0, 1), 16'384 << 16);
  EXPECT_EQ(PackUnit(2.5 / 16'384, 3.5 / 16'384), PackPair(2, 4));
}

std::string PathName(const ::testing::TestParamInfo<Path>& info) { return Name(info.param); }

INSTANTIATE_TEST_SUITE_P(Paths, KernelTest, ::testing::ValuesIn(PathsToTest()), PathName);

}  // namespace
}  // namespace attune::synchrony
