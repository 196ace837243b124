#include "services/session/session_core.h"

#include <gtest/gtest.h>

#include "services/session/testing/driver.h"

namespace attune::session {
namespace {

using testing::AllGrants;
using testing::Driver;
using testing::kS;
using testing::Stage;
using testing::Staged;

TEST(SessionCoreTest, CouplesGetTheirNumbers) {
  Staged staged = Stage(v1::SESSION_KIND_COUPLES, 4, 240, AllGrants(), {"a", "a", "b", "b"});
  Driver& driver = staged.driver;
  EXPECT_EQ(driver.core().tick(), 237u);  // all but the horizon
  EXPECT_EQ(driver.core().ticks_by_lateness(), 0u);
  const v1::Frame& frame = *driver.last_frame();
  ASSERT_EQ(frame.people_size(), 4);
  ASSERT_EQ(frame.pairs_size(), 2);
  EXPECT_EQ(frame.pairs(0).dyad(), 1u);
  EXPECT_EQ(frame.people(0).hr_bpm().outcome_case(), v1::Number::kValue);
  EXPECT_NEAR(frame.people(0).hr_bpm().value(), 75, 8);
  EXPECT_EQ(frame.pairs(0).r_mean_windowed().outcome_case(), v1::Number::kValue)
      << frame.ShortDebugString();
  driver.End(0, 240 * kS);
  driver.Tick(300 * kS);
  EXPECT_TRUE(driver.core().ReportDue(300 * kS));
  const v1::Report report = driver.Report();
  EXPECT_EQ(report.length_us(), 240 * kS);
  ASSERT_EQ(report.people_size(), 4);
  ASSERT_EQ(report.pairs_size(), 2);
  EXPECT_GT(report.pairs(0).phases(0).ticks(), 60u);
  EXPECT_GT(report.people(0).quality().coverage(), 0.95);
  const v1::Report shown = driver.core().ProjectReport(report, {v1::ROLE_PARTICIPANT, 1});
  EXPECT_EQ(shown.people_size(), 1);
  EXPECT_EQ(shown.pairs_size(), 1);
}

}  // namespace
}  // namespace attune::session
