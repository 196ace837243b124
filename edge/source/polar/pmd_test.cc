#include "edge/source/polar/pmd.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace attune::edge {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using Bytes = std::vector<uint8_t>;

TEST(PmdTest, CommandsAreWhatTheStrapKnows) {
  EXPECT_EQ(PmdGetEcgSettings(), (Bytes{0x01, 0x00}));
  // 130 Hz and 14 bits are all that an H10 offers.
  EXPECT_EQ(PmdStartEcg(130, 14),
            (Bytes{0x02, 0x00, 0x00, 0x01, 0x82, 0x00, 0x01, 0x01, 0x0e, 0x00}));
  EXPECT_EQ(PmdStartEcg(0x1234, 0xabcd),
            (Bytes{0x02, 0x00, 0x00, 0x01, 0x34, 0x12, 0x01, 0x01, 0xcd, 0xab}));
  EXPECT_EQ(PmdStopEcg(), (Bytes{0x03, 0x00}));
}

TEST(PmdTest, FeaturesSayWhetherThereIsAnEcg) {
  // As an H10 says it: ECG and acceleration.
  EXPECT_EQ(*ParsePmdHasEcg(Bytes{0x0f, 0x05, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0}), true);
  // An optical armband: PPG, acceleration, PPI, gyroscope, magnetometer.
  EXPECT_EQ(*ParsePmdHasEcg(Bytes{0x0f, 0x6e}), false);
  EXPECT_FALSE(ParsePmdHasEcg(Bytes{}).ok());
  EXPECT_FALSE(ParsePmdHasEcg(Bytes{0x0f}).ok());
  EXPECT_FALSE(ParsePmdHasEcg(Bytes{0xf0, 0x05}).ok());
}

TEST(PmdTest, SettingsOfAnH10) {
  const auto response = ParsePmdResponse(
      Bytes{0xf0, 0x01, 0x00, 0x00, 0x00, 0x00, 0x01, 0x82, 0x00, 0x01, 0x01, 0x0e, 0x00});
  ASSERT_TRUE(response.ok()) << response.status();
  EXPECT_EQ(response->operation, PmdOperation::kGetSettings);
  EXPECT_EQ(response->kind, kPmdEcg);
  EXPECT_EQ(response->error, kPmdSuccess);
  EXPECT_FALSE(response->more);
  const auto settings = ParsePmdSettings(response->values);
  ASSERT_TRUE(settings.ok()) << settings.status();
  EXPECT_THAT(settings->rates_hz, ElementsAre(130));
  EXPECT_THAT(settings->resolutions_bits, ElementsAre(14));
}

TEST(PmdTest, SeveralValuesAndOtherSettingsArePassedOver) {
  // Rates 25, 50, 200; range 2, 4 (setting 2); channels 3 (one byte); factor (four bytes); 16 bits.
  const auto settings =
      ParsePmdSettings(Bytes{0x00, 0x03, 25, 0, 50, 0, 200, 0,   0x02, 0x02, 2,    0,    4,   0,
                             0x04, 0x01, 3,  5, 1,  0, 0,   128, 63,   0x01, 0x01, 0x10, 0x00});
  ASSERT_TRUE(settings.ok()) << settings.status();
  EXPECT_THAT(settings->rates_hz, ElementsAre(25, 50, 200));
  EXPECT_THAT(settings->resolutions_bits, ElementsAre(16));
  EXPECT_THAT(ParsePmdSettings(Bytes{})->rates_hz, IsEmpty());
}

TEST(PmdTest, TornSettingsAreRefused) {
  EXPECT_FALSE(ParsePmdSettings(Bytes{0x00}).ok());
  EXPECT_FALSE(ParsePmdSettings(Bytes{0x00, 0x01}).ok());
  EXPECT_FALSE(ParsePmdSettings(Bytes{0x00, 0x01, 0x82}).ok());
  EXPECT_FALSE(ParsePmdSettings(Bytes{0x00, 0xff, 0x82, 0x00}).ok());
  EXPECT_FALSE(ParsePmdSettings(Bytes{0x63, 0x01, 0x82, 0x00}).ok());
}

TEST(PmdTest, ResponsesToStartAndStop) {
  const auto started = ParsePmdResponse(Bytes{0xf0, 0x02, 0x00, 0x00, 0x00, 0x00});
  ASSERT_TRUE(started.ok());
  EXPECT_EQ(started->operation, PmdOperation::kStart);
  EXPECT_EQ(started->error, kPmdSuccess);
  const auto stopped = ParsePmdResponse(Bytes{0xf0, 0x03, 0x00, 0x00});
  ASSERT_TRUE(stopped.ok());
  EXPECT_EQ(stopped->operation, PmdOperation::kStop);
}

TEST(PmdTest, RefusalsHaveWords) {
  // After an error a strap says no more than the code (MTU), or fills up (parameter).
  const auto mtu = ParsePmdResponse(Bytes{0xf0, 0x01, 0x00, 0x0a});
  ASSERT_TRUE(mtu.ok());
  EXPECT_EQ(mtu->error, kPmdInvalidMtu);
  EXPECT_THAT(PmdErrorWords(mtu->error), HasSubstr("packets"));
  const auto parameter = ParsePmdResponse(Bytes{0xf0, 0x02, 0x00, 0x05, 0x00});
  ASSERT_TRUE(parameter.ok());
  EXPECT_EQ(parameter->error, 5);
  EXPECT_THAT(parameter->values, IsEmpty());
  for (int code = 0; code < 256; ++code) EXPECT_NE(PmdErrorWords(static_cast<uint8_t>(code)), "");
  EXPECT_THAT(PmdErrorWords(200), HasSubstr("200"));
  EXPECT_NE(PmdErrorWords(14), PmdErrorWords(15));
}

TEST(PmdTest, WhatIsNoResponseIsRefused) {
  EXPECT_FALSE(ParsePmdResponse(Bytes{}).ok());
  EXPECT_FALSE(ParsePmdResponse(Bytes{0xf0, 0x02, 0x00}).ok());
  // A client that reads the characteristic instead of waiting for the indication gets features.
  EXPECT_FALSE(ParsePmdResponse(Bytes{0x0f, 0x05, 0x00, 0x00}).ok());
  EXPECT_FALSE(ParsePmdResponse(Bytes{0xf0, 0x09, 0x00, 0x00}).ok());
  EXPECT_FALSE(ParsePmdResponse(Bytes(kMostPmdBytes + 1, 0xf0)).ok());
}

Bytes Frame(uint8_t kind, uint8_t type, Bytes samples) {
  Bytes frame = {kind, 0x91, 0xf7, 0x70, 0xaa, 0x30, 0x49, 0x52, 0x08, type};
  for (const uint8_t byte : samples) frame.push_back(byte);
  return frame;
}

TEST(PmdTest, EcgFrame) {
  const auto frame = ParseEcgFrame(
      Frame(0, 0, {0x7a, 0x00, 0x00, 0xfa, 0xfe, 0xff, 0xb9, 0x08, 0x00, 0xff, 0xff, 0xff}));
  ASSERT_TRUE(frame.ok()) << frame.status();
  // 0x08524930aa70f791 ns after 2000-01-01 is 2019-01-01 01:42: a clock that nobody has set.
  EXPECT_EQ(frame->last_sample_ns, 599622173760485265u);
  EXPECT_THAT(frame->microvolts, ElementsAre(0x7a, -262, 0x8b9, -1));
}

TEST(PmdTest, ExtremesOf24Bits) {
  const auto frame =
      ParseEcgFrame(Frame(0, 0, {0xff, 0xff, 0x7f, 0x00, 0x00, 0x80, 0x00, 0x00, 0x00}));
  ASSERT_TRUE(frame.ok());
  EXPECT_THAT(frame->microvolts, ElementsAre(8'388'607, -8'388'608, 0));
}

TEST(PmdTest, FullFrameHas73Samples) {
  const Bytes full = Frame(0, 0, Bytes(73 * 3, 1));
  EXPECT_EQ(full.size(), 229u);  // an MTU of 232 less the head of the notification
  ASSERT_TRUE(ParseEcgFrame(full).ok());
  EXPECT_EQ(ParseEcgFrame(full)->microvolts.size(), 73u);
}

TEST(PmdTest, OtherFramesAreRefusedInWords) {
  const Bytes one = {1, 0, 0};
  const auto words = [](const Bytes& frame) {
    return std::string(ParseEcgFrame(frame).status().message());
  };
  EXPECT_THAT(words(Frame(0, 0x80, one)), HasSubstr("compressed"));
  EXPECT_THAT(words(Frame(0, 1, one)), HasSubstr("layout 1"));
  EXPECT_THAT(words(Frame(2, 0, one)), HasSubstr("measurement 2"));
  EXPECT_THAT(words(Frame(0, 0, {})), HasSubstr("no sample"));
  EXPECT_THAT(words(Frame(0, 0, {1, 0})), HasSubstr("no sample"));
  EXPECT_THAT(words(Frame(0, 0, {1, 0, 0, 1})), HasSubstr("left over"));
  EXPECT_THAT(words(Bytes{}), HasSubstr("no sample"));
  EXPECT_THAT(words(Frame(0, 0, Bytes(600, 0))), HasSubstr("too many"));
  Bytes timeless = Frame(0, 0, one);
  std::fill(timeless.begin() + 1, timeless.begin() + 9, uint8_t{0});
  EXPECT_THAT(words(timeless), HasSubstr("time"));
}

}  // namespace
}  // namespace attune::edge
