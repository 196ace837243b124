// Which measures a session of each kind may ask for.
#include "services/session/measures.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "services/session/testing/driver.h"

namespace attune::session {
namespace {

using ::testing::HasSubstr;

absl::StatusOr<std::vector<v1::Measure>> Ask(v1::SessionKind kind,
                                             const std::vector<int>& measures) {
  v1::CreateSessionRequest request;
  for (const int measure : measures) request.mutable_measures()->Add(measure);
  return CheckMeasures(kind, request.measures());
}

std::string Refusal(v1::SessionKind kind, int measure) {
  const auto result = Ask(kind, {measure});
  EXPECT_EQ(result.status().code(), absl::StatusCode::kInvalidArgument) << measure;
  return std::string(result.status().message());
}

TEST(MeasuresTest, AscendingAndOnce) {
  const auto measures = Ask(v1::SESSION_KIND_LAB, {v1::MEASURE_S_ESTIMATOR, v1::MEASURE_SDNN_MS,
                                                   v1::MEASURE_SUSY_ES, v1::MEASURE_SDNN_MS});
  ASSERT_TRUE(measures.ok());
  EXPECT_EQ(*measures, (std::vector<v1::Measure>{v1::MEASURE_SDNN_MS, v1::MEASURE_SUSY_ES,
                                                 v1::MEASURE_S_ESTIMATOR}));
}

// Outside labs nothing of the group beyond the two released values, nor of one within it.
TEST(MeasuresTest, EachKindHasItsMeasures) {
  EXPECT_TRUE(Ask(v1::SESSION_KIND_TEAM, {v1::MEASURE_SDNN_MS}).ok());
  EXPECT_THAT(Refusal(v1::SESSION_KIND_TEAM, v1::MEASURE_SUSY_ES), HasSubstr("of pairs"));
  EXPECT_TRUE(Ask(v1::SESSION_KIND_COUPLES, {v1::MEASURE_SDNN_MS, v1::MEASURE_SUSY_ES}).ok());
  for (const auto kind : {v1::SESSION_KIND_TEAM, v1::SESSION_KIND_COUPLES}) {
    EXPECT_THAT(Refusal(kind, v1::MEASURE_S_ESTIMATOR), HasSubstr("lab"));
    EXPECT_THAT(Refusal(kind, v1::MEASURE_LEAVE_ONE_OUT_R), HasSubstr("lab"));
    EXPECT_THAT(Refusal(kind, v1::MEASURE_CLUSTER_PHASE_RHO_OWN), HasSubstr("lab"));
  }
  EXPECT_TRUE(
      Ask(v1::SESSION_KIND_LAB, {v1::MEASURE_LEAVE_ONE_OUT_R, v1::MEASURE_S_ESTIMATOR}).ok());
}

TEST(MeasuresTest, WhatCannotBeHadLiveIsRefusedWithAWay) {
  EXPECT_THAT(Refusal(v1::SESSION_KIND_LAB, v1::MEASURE_HR_BPM), HasSubstr("every frame"));
  EXPECT_THAT(Refusal(v1::SESSION_KIND_LAB, v1::MEASURE_OMEGA), HasSubstr("attunectl analyze"));
  for (const int unknown : {0, -1, 9, 9999, 65536 + v1::MEASURE_SDNN_MS}) {
    EXPECT_THAT(Refusal(v1::SESSION_KIND_LAB, unknown), HasSubstr("no measure"));
  }
}

}  // namespace
}  // namespace attune::session
