#include <gtest/gtest.h>

#include <limits>
#include <string>

#include "services/session/session_core.h"
#include "services/session/testing/driver.h"

namespace attune::session {
namespace {

using testing::AllGrants;
using testing::Driver;
using testing::Heart;
using testing::HeartBeat;
using testing::kS;
using testing::Stage;
using testing::Staged;

TEST(ReportTest, PhasesAreMeansOfWhatWasLive) {
  Staged staged = Stage(v1::SESSION_KIND_COUPLES, 2, 60, AllGrants(), {"a", "a"});
  Driver& driver = staged.driver;
  v1::AnnotateRequest request;
  request.set_request_id("annotate-1");
  request.set_label("Listening");
  request.set_begins_phase(true);
  driver.Do(driver.core().ProposeAnnotate(request, 60 * kS));
  staged.hearts[0] = Heart({1, 1, 0.8, 0, 200 * kS});
  staged.hearts[1] = Heart({2, 1, 0.83, 0, 200 * kS});
  testing::PlaySeconds(staged, 60, 200);
  driver.End(0, 200 * kS);
  driver.Tick(230 * kS);
  const v1::Report report = driver.Report();
  ASSERT_EQ(report.phases_size(), 2);
  EXPECT_EQ(report.phases(0).to_session_us(), 60 * kS);
  EXPECT_EQ(report.phases(1).label(), "Listening");
  EXPECT_EQ(report.phases(1).from_session_us(), 60 * kS);
  EXPECT_EQ(report.phases(1).to_session_us(), 200 * kS);

  double hr = 0;
  double r = 0;
  int hr_ticks = 0;
  int r_ticks = 0;
  for (const auto& [tick, bytes] : driver.frames()) {
    v1::Frame frame;
    ASSERT_TRUE(frame.ParseFromString(bytes));
    if (frame.phase() != 1) continue;
    if (frame.people_size() > 0 && frame.people(0).hr_bpm().has_value()) {
      hr += frame.people(0).hr_bpm().value();
      ++hr_ticks;
    }
    if (frame.pairs_size() > 0 && frame.pairs(0).r_mean_windowed().has_value()) {
      r += frame.pairs(0).r_mean_windowed().value();
      ++r_ticks;
    }
  }
  ASSERT_GT(r_ticks, 30);
  EXPECT_NEAR(report.people(0).phases(1).hr_bpm().value(), hr / hr_ticks, 1e-9);
  EXPECT_NEAR(report.pairs(0).phases(1).r_mean_windowed().value(), r / r_ticks, 1e-9);
  EXPECT_EQ(report.pairs(0).phases(1).ticks(), static_cast<uint64_t>(r_ticks));
  EXPECT_EQ(report.pairs(0).phases(0).r_mean_windowed().absent(), v1::ABSENCE_NOT_ENOUGH_DATA);
  EXPECT_EQ(report.annotations_size(), 1);
}

TEST(ReportTest, SlicesMakeNoDifference) {
  Staged staged = Stage(v1::SESSION_KIND_COUPLES, 2, 150, AllGrants(), {"a", "a"});
  staged.driver.End(0, 150 * kS);
  staged.driver.Tick(200 * kS);
  const auto builder = staged.driver.core().BuildReport();
  int steps = 0;
  while (!builder->Step(7)) ++steps;
  EXPECT_GT(steps, 15);
  EXPECT_EQ(builder->Take().SerializeAsString(), staged.driver.Report().SerializeAsString());
}

TEST(ReportTest, LateBeatsCount) {
  const auto run = [](bool late) {
    Staged staged = Stage(v1::SESSION_KIND_COUPLES, 1, 60, AllGrants());
    Driver& driver = staged.driver;
    const uint32_t two = driver.Join("Late", AllGrants(), 0);
    const std::vector<HeartBeat> beats = Heart({9, 9, 0.9, 0, 60 * kS});
    if (late) driver.Send(two, beats, 0, beats.size(), 60 * kS, 60 * kS);
    driver.End(0, 60 * kS);
    driver.Tick(90 * kS);
    EXPECT_EQ(driver.core().late_beats() > 0, late);
    return driver.Report();
  };
  const v1::Report without = run(false);
  EXPECT_EQ(without.people(1).quality().beats(), 0u);
  EXPECT_EQ(without.people(1).phases(0).hr_bpm().absent(), v1::ABSENCE_NOT_ENOUGH_DATA);
  const v1::Report with = run(true);
  EXPECT_GT(with.people(1).quality().beats(), 50u);
  EXPECT_NEAR(with.people(1).phases(0).hr_bpm().value(), 66, 4);
  EXPECT_EQ(with.people(0).SerializeAsString(), without.people(0).SerializeAsString());
}

TEST(ReportTest, QualityFirst) {
  Driver driver(v1::SESSION_KIND_TEAM);
  const uint32_t a = driver.Join("A", AllGrants(), 0);
  std::vector<HeartBeat> beats = Heart({1, 1, 0.8, 0, 40 * kS});
  const size_t clean = beats.size();
  // One beat was not seen (the next interval is double), and a stretch is missing.
  beats[10].rr_1024 *= 2;
  beats.erase(beats.begin() + 9);
  size_t cut = 0;
  while (beats[cut].time_us < 20 * kS) ++cut;
  beats.erase(beats.begin() + static_cast<long>(cut), beats.begin() + static_cast<long>(cut) + 8);
  driver.Send(a, beats, 0, beats.size(), 40 * kS, 40 * kS);
  driver.End(35 * kS, 40 * kS);
  driver.Tick(70 * kS);
  const v1::DataQuality quality = driver.Report().people(0).quality();
  size_t before_end = 0;
  for (const HeartBeat& beat : beats) before_end += beat.time_us <= 35 * kS;
  EXPECT_LT(before_end, clean);
  EXPECT_EQ(quality.beats(), before_end);
  EXPECT_EQ(quality.artefacts(), 1u);
  EXPECT_EQ(quality.gaps(), 1u);
  EXPECT_EQ(quality.first_beat_session_us(), beats.front().time_us);
  EXPECT_LE(quality.last_beat_session_us(), 35 * kS);
  EXPECT_GT(quality.coverage(), 0.5);
  EXPECT_LT(quality.coverage(), 0.95);
}

TEST(ReportTest, WithoutConsentNoValues) {
  Staged staged = Stage(v1::SESSION_KIND_COUPLES, 2, 60, AllGrants(), {"a", "a"});
  Driver& driver = staged.driver;
  driver.Consent(1, v1::PURPOSE_MEASURE, v1::AUDIENCE_SELF, false, 60 * kS);
  driver.End(0, 60 * kS);
  driver.Tick(90 * kS);
  const v1::Report report = driver.Report();
  EXPECT_EQ(report.people(0).phases(0).hr_bpm().absent(), v1::ABSENCE_NO_CONSENT);
  EXPECT_EQ(report.pairs_size(), 0);
}

TEST(ReportTest, DueAfterTheGraceAndStoredOnce) {
  Staged staged = Stage(v1::SESSION_KIND_COUPLES, 2, 20, AllGrants());
  Driver& driver = staged.driver;
  EXPECT_EQ(driver.core().ReportDueAtUs(), std::numeric_limits<int64_t>::max());
  driver.End(0, 20 * kS);
  EXPECT_FALSE(driver.core().ReportDue(100 * kS));  // ticks are open
  driver.Tick(30 * kS);
  EXPECT_FALSE(driver.core().ReportDue(35 * kS - 1));
  EXPECT_TRUE(driver.core().ReportDue(35 * kS));
  const v1::Report report = driver.Report();
  const Effects effects = driver.Do(driver.core().ProposeReportStored(report, 36 * kS));
  EXPECT_TRUE(effects.closed);
  EXPECT_EQ(driver.core().state(), v1::SESSION_STATE_CLOSED);
  EXPECT_EQ(driver.core().ProposeReportStored(report, 36 * kS).status().code(),
            absl::StatusCode::kFailedPrecondition);
  EXPECT_FALSE(driver.core().DeleteRawAfterReport());
  EXPECT_EQ(driver.core().ReportEnvelopeFor({v1::ROLE_FACILITATOR, 0}).epochs(), 1u);
}

}  // namespace
}  // namespace attune::session
