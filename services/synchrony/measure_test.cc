#include "services/synchrony/measure.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>
#include <string_view>

namespace attune::synchrony {
namespace {

TEST(MeasureTest, CatalogueIsAscendingWithUniqueNames) {
  std::set<std::string_view> names;
  int previous = 0;
  for (const MeasureInfo& info : Catalogue()) {
    EXPECT_GT(static_cast<int>(info.measure), previous) << info.name;
    previous = static_cast<int>(info.measure);
    EXPECT_TRUE(names.insert(info.name).second) << info.name;
    EXPECT_FALSE(info.what.empty()) << info.name;
    EXPECT_EQ(FindMeasure(info.measure), &info);
    EXPECT_EQ(FindMeasure(info.name), &info);
  }
  EXPECT_EQ(FindMeasure("mood"), nullptr);
}

TEST(MeasureTest, NoLiveValueLooksBackFurtherThanIsKept) {
  int longest = 0;
  for (const MeasureInfo& info : Catalogue()) {
    if (info.availability == Availability::kBatch) continue;
    longest = std::max(longest, info.window_seconds + info.cadence_seconds);
  }
  EXPECT_EQ(longest, kLongestLookBackSeconds);
}

// A live value needs a window; one without a window can only look at a whole recording.
TEST(MeasureTest, WindowsFitTheAvailability) {
  for (const MeasureInfo& info : Catalogue()) {
    EXPECT_EQ(info.window_seconds == 0, info.availability == Availability::kBatch) << info.name;
    EXPECT_EQ(info.cadence_seconds > 0, info.availability == Availability::kOnRequest) << info.name;
  }
}

}  // namespace
}  // namespace attune::synchrony
