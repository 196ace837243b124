// The chance level from moments, against tables computed by scipy 1.10.1 (stats.t, stats.f).
#include "services/synchrony/chance/tail.h"

#include <gtest/gtest.h>

#include <cmath>

#include "services/synchrony/chance/moments.h"

namespace attune::synchrony {
namespace {

Chance At(Statistic statistic, double z, int count) { return FromNull(statistic, z, 0, 1, count); }

// 54 shifts: t with 26 degrees of freedom; 24: t with 12; 12: t with 6.
TEST(TailTest, MeanRFollowsStudentsT) {
  EXPECT_NEAR(At(Statistic::kMeanR, -1.5, 54).p / 0.927169636073, 1, 1e-9);
  EXPECT_NEAR(At(Statistic::kMeanR, 0.3, 54).p / 0.383281315782, 1, 1e-9);
  EXPECT_NEAR(At(Statistic::kMeanR, 1.7, 54).p / 0.0505326239048, 1, 1e-9);
  EXPECT_NEAR(At(Statistic::kMeanR, 3.2, 54).p / 0.00180137385115, 1, 1e-9);
  EXPECT_NEAR(At(Statistic::kMeanR, 4.5, 54).p / 6.29001935834e-05, 1, 1e-9);
  EXPECT_NEAR(At(Statistic::kMeanR, -1.5, 24).p / 0.920271248243, 1, 1e-9);
  EXPECT_NEAR(At(Statistic::kMeanR, 0.3, 24).p / 0.384655237044, 1, 1e-9);
  EXPECT_NEAR(At(Statistic::kMeanR, 1.7, 24).p / 0.0574399326976, 1, 1e-9);
  EXPECT_NEAR(At(Statistic::kMeanR, 3.2, 24).p / 0.00381626940041, 1, 1e-9);
  EXPECT_NEAR(At(Statistic::kMeanR, 4.5, 24).p / 0.000363326460702, 1, 1e-9);
  EXPECT_NEAR(At(Statistic::kMeanR, -1.5, 12).p / 0.907859631929, 1, 1e-9);
  EXPECT_NEAR(At(Statistic::kMeanR, 0.3, 12).p / 0.387149610459, 1, 1e-9);
  EXPECT_NEAR(At(Statistic::kMeanR, 1.7, 12).p / 0.0700198273124, 1, 1e-9);
  EXPECT_NEAR(At(Statistic::kMeanR, 3.2, 12).p / 0.00930002951242, 1, 1e-9);
  EXPECT_NEAR(At(Statistic::kMeanR, 4.5, 12).p / 0.00205196686002, 1, 1e-9);
}

TEST(TailTest, PhaseLockingFollowsF) {
  // F(2, 24) at 0.5.
  EXPECT_NEAR(
      FromNull(Statistic::kPhaseLocking, std::sqrt(0.5 * (0.01 + 0.0025 * 60 / 61)), 0.1, 0.05, 61)
              .p /
          0.61270975733,
      1, 1e-9);
  // F(2, 24) at 3.
  EXPECT_NEAR(
      FromNull(Statistic::kPhaseLocking, std::sqrt(3 * (0.01 + 0.0025 * 60 / 61)), 0.1, 0.05, 61)
              .p /
          0.068719476736,
      1, 1e-9);
  // F(2, 24) at 8.
  EXPECT_NEAR(
      FromNull(Statistic::kPhaseLocking, std::sqrt(8 * (0.01 + 0.0025 * 60 / 61)), 0.1, 0.05, 61)
              .p /
          0.002176782336,
      1, 1e-9);
  // F(2, 24) at 12.
  EXPECT_NEAR(
      FromNull(Statistic::kPhaseLocking, std::sqrt(12 * (0.01 + 0.0025 * 60 / 61)), 0.1, 0.05, 61)
              .p /
          0.000244140625,
      1, 1e-9);
  // F(2, 12) at 0.5.
  EXPECT_NEAR(
      FromNull(Statistic::kPhaseLocking, std::sqrt(0.5 * (0.01 + 0.0025 * 29 / 30)), 0.1, 0.05, 30)
              .p /
          0.618624851325,
      1, 1e-9);
  // F(2, 12) at 3.
  EXPECT_NEAR(
      FromNull(Statistic::kPhaseLocking, std::sqrt(3 * (0.01 + 0.0025 * 29 / 30)), 0.1, 0.05, 30)
              .p /
          0.0877914951989,
      1, 1e-9);
  // F(2, 12) at 8.
  EXPECT_NEAR(
      FromNull(Statistic::kPhaseLocking, std::sqrt(8 * (0.01 + 0.0025 * 29 / 30)), 0.1, 0.05, 30)
              .p /
          0.00619639775944,
      1, 1e-9);
  // F(2, 12) at 12.
  EXPECT_NEAR(
      FromNull(Statistic::kPhaseLocking, std::sqrt(12 * (0.01 + 0.0025 * 29 / 30)), 0.1, 0.05, 30)
              .p /
          0.00137174211248,
      1, 1e-9);
}

TEST(TailTest, GroupsFollowASkewedT) {
  EXPECT_NEAR(At(Statistic::kGroup, -1, 199).p / 0.837345692287, 1, 1e-9);  // y = -1
  EXPECT_NEAR(At(Statistic::kGroupOfTwo, -1, 199).p / 0.837345692287, 1, 1e-9);
  EXPECT_NEAR(At(Statistic::kGroup, 0.4625, 199).p / 0.310361502443, 1, 1e-9);  // y = 0.5
  EXPECT_NEAR(At(Statistic::kGroupOfTwo, 0.5, 199).p / 0.310361502443, 1, 1e-9);
  EXPECT_NEAR(At(Statistic::kGroup, 2.15, 199).p / 0.0273125224815, 1, 1e-9);  // y = 2
  EXPECT_NEAR(At(Statistic::kGroupOfTwo, 2, 199).p / 0.0273125224815, 1, 1e-9);
  EXPECT_NEAR(At(Statistic::kGroup, 3.4, 199).p / 0.00269498203283, 1, 1e-9);  // y = 3
  EXPECT_NEAR(At(Statistic::kGroupOfTwo, 3, 199).p / 0.00269498203283, 1, 1e-9);
  EXPECT_NEAR(At(Statistic::kGroup, 4.75, 199).p / 0.000190922818042, 1, 1e-9);  // y = 4
  EXPECT_NEAR(At(Statistic::kGroupOfTwo, 4, 199).p / 0.000190922818042, 1, 1e-9);
}

TEST(TailTest, TheBandEndsWherePIs) {
  for (Statistic statistic :
       {Statistic::kMeanR, Statistic::kPhaseLocking, Statistic::kGroup, Statistic::kGroupOfTwo}) {
    for (int count : {20, 47, 107, 121, 1000}) {
      const Chance chance = FromNull(statistic, 0.2, 0.16, 0.05, count);
      EXPECT_LT(chance.low, chance.mean);
      EXPECT_GT(chance.high, chance.mean);
      EXPECT_NEAR(FromNull(statistic, chance.high, 0.16, 0.05, count).p, 0.025, 1e-9);
      EXPECT_NEAR(FromNull(statistic, chance.low, 0.16, 0.05, count).p, 0.975, 1e-9);
    }
  }
}

TEST(TailTest, PFallsAsTheValueRises) {
  for (Statistic statistic :
       {Statistic::kMeanR, Statistic::kPhaseLocking, Statistic::kGroup, Statistic::kGroupOfTwo}) {
    for (int count : {2, 20, 47, 107, 3000}) {
      double before = 1;
      for (double value = 0; value <= 1; value += 1e-3) {
        const double p = FromNull(statistic, value, 0.25, 0.06, count).p;
        EXPECT_LE(p, before + 1e-15);
        EXPECT_GE(p, kSmallestP);
        before = p;
      }
    }
  }
}

// Far beyond any null value: the curve of a group's z has no left end that could turn it round.
TEST(TailTest, ExtremesHaveAnAnswer) {
  EXPECT_DOUBLE_EQ(At(Statistic::kMeanR, 80, 107).p, kSmallestP);
  EXPECT_NEAR(At(Statistic::kGroup, -80, 199).p, 1, 1e-9);
  EXPECT_NEAR(At(Statistic::kMeanR, -80, 107).p, 1, 1e-9);
  const Chance flat = FromNull(Statistic::kMeanR, 0.5, 0.1, 0, 107);
  EXPECT_DOUBLE_EQ(flat.p, 1);
  EXPECT_DOUBLE_EQ(flat.z, 0);
}

TEST(TailTest, MomentsOfTheSample) {
  const double values[] = {0.1, -0.2, 0.4, 0.3, 0.1, 0.2};
  const Chance chance = ChanceAgainst(Statistic::kMeanR, 0.9, values, 6);
  EXPECT_NEAR(chance.mean, 0.15, 1e-15);
  EXPECT_NEAR(chance.sd, std::sqrt(0.043), 1e-15);  // squares about the mean: 0.215, over n - 1
  EXPECT_NEAR(chance.z, 0.75 / std::sqrt(0.043), 1e-12);
  EXPECT_EQ(chance.shifts, 6);
}

}  // namespace
}  // namespace attune::synchrony
