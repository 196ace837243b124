#include "services/messages/numbers.h"

#include <gtest/gtest.h>

#include <cctype>
#include <limits>
#include <string>

#include "services/synchrony/measure.h"

namespace attune::messages {
namespace {

// Every measure is in the contract, under its own name and number, and nothing else is.
TEST(NumbersTest, TheContractKnowsTheCatalogue) {
  for (const synchrony::MeasureInfo& info : synchrony::Catalogue()) {
    std::string name = "MEASURE_";
    for (const char c : info.name) name += static_cast<char>(std::toupper(c));
    const int number = static_cast<int>(info.measure);
    ASSERT_TRUE(v1::Measure_IsValid(number)) << name;
    EXPECT_EQ(v1::Measure_Name(ToProto(info.measure)), name);
  }
  EXPECT_EQ(v1::Measure_descriptor()->value_count(),
            static_cast<int>(synchrony::Catalogue().size()) + 1);
}

TEST(NumbersTest, AFrameKeepsTheMeasuresAskedFor) {
  synchrony::Frame frame;
  synchrony::NamedNumber named;
  named.measure = synchrony::Measure::kSdnnMs;
  named.as_of_us = 55'000'000;
  named.number.absent = synchrony::Absence::kNone;
  named.number.value = 42;
  frame.people.emplace_back().more = {named};
  named.measure = synchrony::Measure::kSusyEs;
  frame.pairs.emplace_back().more = {named};
  named.measure = synchrony::Measure::kSEstimator;
  frame.group.more = {named};
  const v1::Frame out = ToProto(frame);
  ASSERT_EQ(out.people(0).more_size(), 1);
  EXPECT_EQ(out.people(0).more(0).measure(), v1::MEASURE_SDNN_MS);
  EXPECT_EQ(out.people(0).more(0).as_of_session_us(), 55'000'000);
  EXPECT_EQ(out.people(0).more(0).number().value(), 42);
  EXPECT_EQ(out.pairs(0).more(0).measure(), v1::MEASURE_SUSY_ES);
  EXPECT_EQ(out.group().more(0).measure(), v1::MEASURE_S_ESTIMATOR);
}

TEST(NumbersTest, WhatIsNotFiniteIsAbsent) {
  synchrony::Number number;
  number.absent = synchrony::Absence::kNone;
  number.value = std::numeric_limits<double>::quiet_NaN();
  EXPECT_EQ(ToProto(number).absent(), v1::ABSENCE_NOT_ENOUGH_DATA);
}

}  // namespace
}  // namespace attune::messages
