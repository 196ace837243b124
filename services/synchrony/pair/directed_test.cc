#include "services/synchrony/pair/directed.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <random>
#include <vector>

#include "services/synchrony/pair/granger.h"
#include "services/synchrony/pair/transfer_entropy.h"

namespace attune::synchrony {
namespace {

const double kNaN = std::numeric_limits<double>::quiet_NaN();

TEST(DirectedTest, MeansThenDifferences) {
  const std::vector<double> x = {1, 3, 4, 6, 10, 10, kNaN, 2, 8, 8, 9, 9, 5};
  const std::vector<double> d = DifferencedMeans(x, 2);  // means 2 5 10 - 8 9
  ASSERT_EQ(d.size(), 5u);
  EXPECT_EQ(d[0], 3);
  EXPECT_EQ(d[1], 5);
  EXPECT_TRUE(std::isnan(d[2]));
  EXPECT_TRUE(std::isnan(d[3]));
  EXPECT_EQ(d[4], 1);
}

struct Two {
  std::vector<double> a, b;
};

// a: white, variance 1. b(t) = c a(t - delay) + own, own of variance 1.
Two Driven(uint64_t seed, size_t n, double c, size_t delay) {
  std::mt19937_64 random(seed);
  std::normal_distribution<double> normal;
  Two two;
  for (size_t t = 0; t < n; ++t) {
    two.a.push_back(normal(random));
    two.b.push_back((t >= delay ? c * two.a[t - delay] : 0) + normal(random));
  }
  return two;
}

// In closed form: b without a's past has the variance c^2 + 1, with it 1: F = ln(1 + c^2).
TEST(GrangerTest, WhiteDriverInClosedForm) {
  for (const double c : {0.5, 1.0, 2.0}) {
    const Two two = Driven(3, 20000, c, 1);
    const Granger g = GrangerCausality(two.a, two.b, 1);
    EXPECT_EQ(g.order, 1);
    EXPECT_EQ(g.rows, 19999);
    EXPECT_NEAR(g.a_to_b, std::log(1 + c * c), 0.02);
    EXPECT_NEAR(g.b_to_a, 0, 1e-3);
    const Granger turned = GrangerCausality(two.b, two.a, 1);
    EXPECT_EQ(turned.b_to_a, g.a_to_b);
  }
}

TEST(GrangerTest, OrderReachesTheDelay) {
  const Two two = Driven(4, 3000, 1, 3);
  EXPECT_EQ(GrangerOrder(two.a, two.b, 5), 3);
  EXPECT_LT(GrangerCausality(two.a, two.b, 2).a_to_b, 0.01);
  EXPECT_NEAR(GrangerCausality(two.a, two.b, 3).a_to_b, std::log(2.0), 0.05);
}

TEST(GrangerTest, HolesAndTooLittle) {
  Two two = Driven(5, 400, 1, 1);
  const Granger whole = GrangerCausality(two.a, two.b, 2);
  EXPECT_EQ(whole.rows, 398);
  two.a[100] = kNaN;
  EXPECT_EQ(GrangerCausality(two.a, two.b, 2).rows, 395);  // the moment and the two after it
  EXPECT_NEAR(GrangerCausality(two.a, two.b, 2).a_to_b, whole.a_to_b, 0.05);
  const auto first = [&](size_t n) {
    return GrangerCausality(std::span(two.a).first(n), std::span(two.b).first(n), 2).order;
  };
  EXPECT_EQ(first(52), 2);
  EXPECT_EQ(first(51), 0);
  const std::vector<double> flat(400, 1.0);
  EXPECT_EQ(GrangerCausality(flat, two.b, 2).order, 0);
  EXPECT_EQ(GrangerOrder(flat, two.b, 5), 0);
}

TEST(TransferEntropyTest, TercilesByRank) {
  const std::vector<int8_t> s = Terciles(std::vector<double>{5, 1, kNaN, 9, 3, 7, 8});
  EXPECT_EQ(s, (std::vector<int8_t>{1, 0, -1, 2, 0, 1, 2}));
}

// b's next symbol is a's last one with probability q, else any of three: a is white, so
// TE = ln 3 - H(q + (1 - q) / 3, (1 - q) / 3, (1 - q) / 3), and nothing flows back.
TEST(TransferEntropyTest, NoisyCopyInClosedForm) {
  for (const double q : {0.0, 0.3, 0.8, 1.0}) {
    std::mt19937_64 random(7);
    constexpr int kN = 60000;
    std::vector<int8_t> a, b;
    for (int t = 0; t < kN; ++t) {
      const bool copy = t > 0 && static_cast<double>(random() >> 11) * 0x1p-53 < q;
      b.push_back(copy ? a.back() : static_cast<int8_t>(random() % 3));
      a.push_back(static_cast<int8_t>(random() % 3));
    }
    double expected = std::log(3.0);
    for (const double p : {q + (1 - q) / 3, (1 - q) / 3, (1 - q) / 3}) {
      if (p > 0) expected += p * std::log(p);
    }
    int moments = 0;
    EXPECT_NEAR(TransferEntropy(a, b, &moments), expected, 0.01);
    EXPECT_EQ(moments, kN - 1);
    EXPECT_NEAR(TransferEntropy(b, a), 0, 1e-3);
  }
}

// The bias that the header states: 6 / N.
TEST(TransferEntropyTest, BiasOfStrangers) {
  std::mt19937_64 random(9);
  double mean = 0;
  for (int round = 0; round < 400; ++round) {
    std::vector<int8_t> a, b;
    for (int t = 0; t < 301; ++t) {
      a.push_back(static_cast<int8_t>(random() % 3));
      b.push_back(static_cast<int8_t>(random() % 3));
    }
    mean += TransferEntropy(a, b) / 400;
  }
  EXPECT_NEAR(mean, 6.0 / 300, 0.002);
}

TEST(TransferEntropyTest, MissingSymbolsAreNotUsed) {
  const std::vector<int8_t> a = {0, 1, -1, 2, 0, 1}, b = {0, 0, 1, -1, 2, 0};
  int moments = 0;
  TransferEntropy(a, b, &moments);
  EXPECT_EQ(moments, 3);  // 0 -> 1, 1 -> 2 and 4 -> 5; 2 has no a, 3 no b
  EXPECT_EQ(TransferEntropy({}, {}, &moments), 0);
  EXPECT_EQ(moments, 0);
}

}  // namespace
}  // namespace attune::synchrony
