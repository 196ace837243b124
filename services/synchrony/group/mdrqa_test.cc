#include "services/synchrony/group/mdrqa.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstdint>
#include <string>
#include <vector>

#include "services/synchrony/group/recurrence.h"
#include "services/synchrony/group/table.h"
#include "services/synchrony/kernel/kernels.h"
#include "services/synchrony/kernel/path.h"
#include "services/synchrony/testing/test_data.h"

namespace attune::synchrony {
namespace {

const std::string kFolder = "tests/data/reference-values/group/";

Table ReferencePeople() {
  auto csv = testing::ReadCsv(kFolder + "input_group_4hz.csv");
  Table people;
  for (const char* name : {"nsr003", "nsr008", "nsr010", "nsr013", "nsr021", "nsr023"}) {
    people.push_back(testing::ToDoubles(csv[name]));
  }
  return Decimated(people, 4);
}

// A small generator of its own, so that the data do not depend on a library.
class Numbers {
 public:
  explicit Numbers(uint64_t seed) : state_(seed) {}
  int Below(int bound) {
    state_ = state_ * 6364136223846793005u + 1442695040888963407u;
    return static_cast<int>((state_ >> 33) % static_cast<uint64_t>(bound));
  }
  double Unit() { return Below(1 << 30) / static_cast<double>(1 << 30); }

 private:
  uint64_t state_;
};

TEST(MdrqaTest, AgreesWithMultiSyncPy) {
  const std::string json = testing::ReadFile(kFolder + "expected_multisyncpy.json");
  const Table people = ReferencePeople();
  struct Case {
    const char* key;
    MdrqaShape shape;
  };
  const Case cases[] = {{"m1_r1.0", {1, 1, 1.0}},      {"m1_r1.5", {1, 1, 1.5}},
                        {"m1_r2.0", {1, 1, 2.0}},      {"m1_r2.5", {1, 1, 2.5}},
                        {"m3_tau4_r2.5", {3, 4, 2.5}}, {"m3_tau4_r3.5", {3, 4, 3.5}}};
  for (const Case& c : cases) {
    SCOPED_TRACE(c.key);
    const std::string expected(testing::JsonAt(json, c.key));
    const auto value = [&](const char* key) { return testing::JsonNumber(expected, key); };
    const auto result = MultidimensionalRecurrence(people, c.shape);
    ASSERT_TRUE(result);
    // Shares of the same counts: equal to the last digits.
    EXPECT_NEAR(result->recurrence_rate, value("REC"), 1e-15);
    EXPECT_NEAR(result->determinism, value("DET"), 1e-15);
    EXPECT_EQ(static_cast<double>(result->line_max), value("max_length"));
    // The peer's "mean_length" divides by all lines, those of one point included: not the average
    // diagonal line of the literature. Ours is that of the literature; theirs follows from counts.
    EXPECT_NEAR(result->line_mean, value("ADL_standard_ge2"), 1e-9);
    EXPECT_NEAR(result->entropy, value("ENTR_nats_ge2"), 1e-9);
    Table z = people;
    ASSERT_TRUE(Standardise(&z));
    const RecurrenceCounts counts =
        CountRecurrence(Embedded(z, c.shape.embedding, c.shape.delay), c.shape.radius);
    int64_t lines = 0;
    for (int32_t number : counts.lines) lines += number;
    EXPECT_NEAR(static_cast<double>(counts.points) / static_cast<double>(lines),
                value("mean_length"), 1e-12);
    EXPECT_GT(value("ADL_standard_ge2"), value("mean_length"));
  }
}

TEST(RecurrenceTest, FastFormCountsWhatTheDefinitionCounts) {
  Numbers numbers(7);
  std::vector<Path> paths;
  for (const Path path : kAllPaths) {
    if (Supports(path)) paths.push_back(path);
  }
  // Lengths around the words of bits, odd and even numbers of columns, every density.
  for (size_t moments : {1, 2, 3, 63, 64, 65, 66, 128, 129, 240}) {
    for (size_t columns : {1, 2, 3, 8, 9, 31}) {
      Table z(columns);
      for (auto& x : z) {
        double level = 0;
        for (size_t t = 0; t < moments; ++t) {
          level = 0.9 * level + numbers.Unit() - 0.5;
          x.push_back(level);
        }
      }
      const double size = std::sqrt(static_cast<double>(columns));
      for (double radius : {1e-9, 0.05 * size, 0.5 * size, 1.0 * size, 50.0 * size}) {
        const RecurrenceCounts plain = CountRecurrencePlain(z, radius);
        ASSERT_EQ(CountRecurrence(z, radius), plain) << moments << " " << columns << " " << radius;
        for (const Path path : paths) {
          ASSERT_EQ(CountRecurrence(z, radius, KernelsFor(path)), plain)
              << Name(path) << " " << moments << " " << columns << " " << radius;
        }
        EXPECT_EQ(plain.possible, static_cast<int64_t>(moments * (moments - 1) / 2));
        if (radius == 50 * size) {
          EXPECT_EQ(plain.points, plain.possible);
        }
      }
    }
  }
}

// Values on a lattice: thousands of distances are exactly the radius, and do not recur.
TEST(RecurrenceTest, TiesAtTheRadiusAreDecidedByTheDefinition) {
  Numbers numbers(11);
  for (size_t columns : {2, 4, 8}) {
    Table z(columns);
    for (auto& x : z) {
      for (int t = 0; t < 240; ++t) x.push_back(numbers.Below(4));
    }
    for (double radius : {1.0, std::sqrt(2.0), 2.0, 3.0}) {
      const RecurrenceCounts at = CountRecurrence(z, radius);
      ASSERT_EQ(at, CountRecurrencePlain(z, radius));
      const RecurrenceCounts above = CountRecurrence(z, radius * (1 + 1e-12));
      ASSERT_EQ(above, CountRecurrencePlain(z, radius * (1 + 1e-12)));
      EXPECT_LT(at.points, above.points);
    }
  }
}

// One person who comes back every 5 samples: the diagonals 5, 10, 15 are full, nothing else is.
TEST(RecurrenceTest, APeriodIsLinesAtItsMultiples) {
  Table z(1);
  for (int t = 0; t < 20; ++t) z[0].push_back(t % 5);
  const RecurrenceCounts counts = CountRecurrence(z, 0.5);
  EXPECT_EQ(counts.points, 15 + 10 + 5);
  std::vector<int32_t> lines(20, 0);
  lines[15] = lines[10] = lines[5] = 1;
  EXPECT_EQ(counts.lines, lines);
  const Mdrqa result = Quantify(counts);
  EXPECT_DOUBLE_EQ(result.recurrence_rate, 30.0 / 190);
  EXPECT_EQ(result.determinism, 1);
  EXPECT_EQ(result.line_mean, 10);
  EXPECT_EQ(result.line_max, 15);
  EXPECT_NEAR(result.entropy, std::log(3.0), 1e-15);
}

TEST(MdrqaTest, LimitsAndPeopleWhoDoNotVary) {
  Table people(2, std::vector<double>(50));
  for (size_t t = 0; t < 50; ++t) people[0][t] = static_cast<double>(t % 7);
  people[1].assign(50, 812.3);
  EXPECT_FALSE(MultidimensionalRecurrence(people, {}));
  people[1] = people[0];
  EXPECT_TRUE(MultidimensionalRecurrence(people, {}));
  EXPECT_FALSE(MultidimensionalRecurrence(people, {1, 1, 0.0}));
  EXPECT_TRUE(MultidimensionalRecurrence(people, {3, 23, 1.0}));
  EXPECT_FALSE(MultidimensionalRecurrence(people, {3, 24, 1.0}));  // two moments left
  EXPECT_FALSE(MultidimensionalRecurrence(people, {3, 25, 1.0}));
  const Table long_ones(1, std::vector<double>(kRecurrenceMaxMoments + 1, 1.0));
  EXPECT_EQ(CountRecurrence(long_ones, 1).possible, 0);
  const Table embedded = Embedded({{1, 2, 3, 4}, {5, 6, 7, 8}}, 2, 2);
  EXPECT_EQ(embedded, (Table{{1, 2}, {5, 6}, {3, 4}, {7, 8}}));
}

}  // namespace
}  // namespace attune::synchrony
