#include "services/session/admission.h"

#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <limits>
#include <string>

#include "services/base/random.h"
#include "services/messages/observations.h"
#include "services/session/testing/driver.h"

namespace attune::session {
namespace {

using testing::AllGrants;
using testing::BeatsMessage;
using testing::Driver;
using testing::HeartBeat;
using testing::kS;

constexpr int64_t kNowUs = 100 * kS;

std::vector<HeartBeat> Steady(int count) {
  std::vector<HeartBeat> beats;
  for (int i = 0; i < count; ++i) beats.push_back({(i + 1) * 800'000, 819});
  return beats;
}

class AdmissionTest : public ::testing::Test {
 protected:
  AdmissionTest() : driver_(v1::SESSION_KIND_TEAM), one_(driver_.Join("One", AllGrants(), 0)) {}

  absl::StatusCode Code(const v1::Observations& message) {
    return driver_.core()
        .ProposeObservations(one_, Driver::BootId(1), message, kNowUs)
        .status()
        .code();
  }
  absl::StatusCode CodeAfter(const std::function<void(v1::Observations&)>& change) {
    v1::Observations message = BeatsMessage(Steady(20), 0, 10, 8 * kS);
    change(message);
    return Code(message);
  }

  Driver driver_;
  uint32_t one_;
};

TEST_F(AdmissionTest, RefusesWhatBreaksARule) {
  using M = v1::Observations;
  const auto bad = absl::StatusCode::kInvalidArgument;
  EXPECT_EQ(CodeAfter([](M&) {}), absl::StatusCode::kOk);
  EXPECT_EQ(CodeAfter([](M& m) { m.set_first_seq(0); }), bad);
  EXPECT_EQ(CodeAfter([](M& m) { m.set_first_seq(~uint64_t{0}); }), bad);
  EXPECT_EQ(CodeAfter([](M& m) { m.clear_kind(); }), bad);
  EXPECT_EQ(CodeAfter([](M& m) { m.mutable_beats()->Clear(); }), bad);
  EXPECT_EQ(CodeAfter([](M& m) { m.mutable_beats()->add_rr_1024(800); }), bad);
  EXPECT_EQ(CodeAfter([](M& m) { m.mutable_beats()->set_rr_1024(3, 0); }), bad);
  EXPECT_EQ(CodeAfter([](M& m) { m.mutable_beats()->set_rr_1024(3, 65'536); }), bad);
  EXPECT_EQ(CodeAfter([](M& m) { m.mutable_beats()->set_rr_1024(3, 65'535); }),
            absl::StatusCode::kOk);
  EXPECT_EQ(CodeAfter([](M& m) { m.mutable_beats()->set_rr_1024(3, ~0u); }), bad);
  EXPECT_EQ(CodeAfter([](M& m) { m.mutable_beats()->set_time_session_us(0, -1); }), bad);
  EXPECT_EQ(CodeAfter([](M& m) { m.mutable_beats()->set_time_session_us(5, 1); }), bad);
  EXPECT_EQ(CodeAfter([](M& m) { m.mutable_beats()->set_time_session_us(9, kNowUs + 11 * kS); }),
            bad);
  EXPECT_EQ(CodeAfter([](M& m) { m.mutable_beats()->set_time_session_us(9, kNowUs + 10 * kS); }),
            absl::StatusCode::kOk);
  EXPECT_EQ(CodeAfter([](M& m) { m.mutable_beats()->add_gap_before(10); }), bad);
  EXPECT_EQ(CodeAfter([](M& m) {
              m.mutable_beats()->add_gap_before(4);
              m.mutable_beats()->add_gap_before(4);
            }),
            bad);
  EXPECT_EQ(CodeAfter([](M& m) { m.set_complete_through_session_us(-1); }), bad);
  EXPECT_EQ(CodeAfter([](M& m) { m.mutable_timing()->set_jitter_us(~0u); }), bad);
  EXPECT_EQ(CodeAfter([](M& m) { m.set_first_seq(2); }), absl::StatusCode::kOutOfRange);
  EXPECT_EQ(CodeAfter([](M& m) {
              m.mutable_motions()->add_time_session_us(1);
              m.mutable_motions()->add_rms_g(std::nanf(""));
            }),
            bad);
  EXPECT_EQ(CodeAfter([](M& m) {
              m.mutable_batteries()->add_time_session_us(1);
              m.mutable_batteries()->add_percent(101);
            }),
            bad);
  const v1::Observations many = BeatsMessage(Steady(600), 0, 513, 0);
  EXPECT_EQ(
      driver_.core().ProposeObservations(one_, Driver::BootId(1), many, 1000 * kS).status().code(),
      bad);
  EXPECT_EQ(driver_.core()
                .ProposeObservations(one_, "short", BeatsMessage(Steady(2), 0, 2, 0), kNowUs)
                .status()
                .code(),
            bad);
}

TEST_F(AdmissionTest, CutsWhatIsKnown) {
  const std::vector<HeartBeat> beats = Steady(20);
  driver_.Do(**driver_.core().ProposeObservations(one_, Driver::BootId(1),
                                                  BeatsMessage(beats, 0, 10, 0), kNowUs));
  EXPECT_EQ(driver_.core().Cursor(one_, Driver::BootId(1)), 10u);
  v1::Observations again = BeatsMessage(beats, 5, 14, 0);
  again.mutable_beats()->add_gap_before(2);  // known
  again.mutable_beats()->add_gap_before(7);
  const auto record = driver_.core().ProposeObservations(one_, Driver::BootId(1), again, kNowUs);
  ASSERT_TRUE(record.ok() && record->has_value());
  const v1::Observations& cut = (*record)->observations().observations();
  EXPECT_EQ(cut.first_seq(), 11u);
  ASSERT_EQ(cut.beats().rr_1024_size(), 4);
  EXPECT_EQ(cut.beats().time_session_us(0), beats[10].time_us);
  ASSERT_EQ(cut.beats().gap_before_size(), 1);
  EXPECT_EQ(cut.beats().gap_before(0), 2u);
  driver_.Do(**record);
  const auto known = driver_.core().ProposeObservations(one_, Driver::BootId(1),
                                                        BeatsMessage(beats, 0, 14, 0), kNowUs);
  ASSERT_TRUE(known.ok());
  EXPECT_FALSE(known->has_value());
}

TEST_F(AdmissionTest, ASpoolHasItsOwnNumbers) {
  const std::vector<HeartBeat> beats = Steady(20);
  driver_.Send(one_, beats, 0, 10, 0, kNowUs, Driver::BootId(1));
  driver_.Send(one_, beats, 0, 5, 0, kNowUs, Driver::BootId(2));
  EXPECT_EQ(driver_.core().Cursor(one_, Driver::BootId(1)), 10u);
  EXPECT_EQ(driver_.core().Cursor(one_, Driver::BootId(2)), 5u);
  for (int i = 3; i <= 16; ++i) driver_.Send(one_, beats, 0, 1, 0, kNowUs, Driver::BootId(i));
  EXPECT_EQ(driver_.core()
                .ProposeObservations(one_, Driver::BootId(17), BeatsMessage(beats, 0, 1, 0), kNowUs)
                .status()
                .code(),
            absl::StatusCode::kResourceExhausted);
}

TEST_F(AdmissionTest, AGapMovesTheCursor) {
  const std::vector<HeartBeat> beats = Steady(20);
  v1::Gap gap;
  gap.set_first_seq(1);
  gap.set_last_seq(5);
  EXPECT_FALSE(driver_.core().ProposeGap(one_, Driver::BootId(1), gap, kNowUs).ok());  // reason
  gap.set_reason(v1::GAP_REASON_EVICTED);
  const auto record = driver_.core().ProposeGap(one_, Driver::BootId(1), gap, kNowUs);
  ASSERT_TRUE(record.ok() && record->has_value());
  const Effects effects = driver_.Do(**record);
  ASSERT_TRUE(effects.ack.has_value());
  EXPECT_EQ(effects.ack->seq, 5u);
  EXPECT_FALSE(driver_.core().ProposeGap(one_, Driver::BootId(1), gap, kNowUs)->has_value());
  gap.set_first_seq(7);
  gap.set_last_seq(8);
  EXPECT_EQ(driver_.core().ProposeGap(one_, Driver::BootId(1), gap, kNowUs).status().code(),
            absl::StatusCode::kOutOfRange);
  gap.set_first_seq(6);
  gap.set_last_seq(~uint64_t{0});
  EXPECT_EQ(driver_.core().ProposeGap(one_, Driver::BootId(1), gap, kNowUs).status().code(),
            absl::StatusCode::kInvalidArgument);
  EXPECT_TRUE(driver_.Send(one_, beats, 5, 10, 0, kNowUs));
}

TEST_F(AdmissionTest, OnlyFromWhoMayBeMeasured) {
  const v1::Observations message = BeatsMessage(Steady(5), 0, 5, 0);
  const auto code = [&](uint32_t participant) {
    return driver_.core()
        .ProposeObservations(participant, Driver::BootId(1), message, kNowUs)
        .status()
        .code();
  };
  const uint32_t two = driver_.Join("Two", {}, 0);
  EXPECT_EQ(code(two), absl::StatusCode::kPermissionDenied);
  EXPECT_EQ(code(99), absl::StatusCode::kNotFound);
  driver_.Consent(one_, v1::PURPOSE_MEASURE, v1::AUDIENCE_SELF, false, kNowUs);
  EXPECT_EQ(code(one_), absl::StatusCode::kPermissionDenied);
  driver_.Consent(one_, v1::PURPOSE_MEASURE, v1::AUDIENCE_SELF, true, kNowUs);
  EXPECT_EQ(code(one_), absl::StatusCode::kOk);
  driver_.Do(driver_.core().ProposeLeave(one_, "leave-one", kNowUs));
  EXPECT_EQ(code(one_), absl::StatusCode::kFailedPrecondition);
}

TEST_F(AdmissionTest, AClaimAboutTheFarFutureIsCutToWhatMayBe) {
  v1::Observations message = BeatsMessage(Steady(5), 0, 5, 0);
  message.set_complete_through_session_us(std::numeric_limits<int64_t>::max());
  const auto record = driver_.core().ProposeObservations(one_, Driver::BootId(1), message, kNowUs);
  EXPECT_EQ((*record)->observations().observations().complete_through_session_us(),
            kNowUs + 10 * kS);
}

TEST(AdmissionLimitsTest, BeatsOfOnePerson) {
  Limits limits;
  limits.beats_per_person = 12;
  Driver driver(v1::SESSION_KIND_TEAM, 3, 0, limits);
  const uint32_t one = driver.Join("One", AllGrants(), 0);
  EXPECT_TRUE(driver.Send(one, Steady(20), 0, 12, 0, kNowUs));
  EXPECT_EQ(
      driver.core()
          .ProposeObservations(one, Driver::BootId(1), BeatsMessage(Steady(20), 12, 13, 0), kNowUs)
          .status()
          .code(),
      absl::StatusCode::kResourceExhausted);
}

// Messages of random bytes and of good ones with random damage: never a crash, and whatever is
// admitted keeps every rule and can be applied.
TEST_F(AdmissionTest, RandomMessages) {
  SeededRandom random(7);
  int admitted = 0;
  int refused = 0;
  for (int round = 0; round < 20'000; ++round) {
    const uint64_t cursor = driver_.core().Cursor(one_, Driver::BootId(1));
    v1::Observations message;
    if (random.Below(4) == 0) {
      message.ParseFromString(random.Bytes(random.Below(60)));
    } else {
      message.set_first_seq(cursor + 1 - std::min<uint64_t>(cursor, random.Below(3)));
      int64_t time_us = static_cast<int64_t>(random.Below(90)) * kS;
      const int count = static_cast<int>(random.Below(6)) + 1;
      for (int i = 0; i < count; ++i) {
        time_us += static_cast<int64_t>(random.Below(2'000'000));
        message.mutable_beats()->add_time_session_us(time_us);
        message.mutable_beats()->add_rr_1024(1 + static_cast<uint32_t>(random.Below(3000)));
      }
      if (random.Below(2) == 0) {
        std::string bytes = message.SerializeAsString();
        bytes[random.Below(bytes.size())] ^= static_cast<char>(1 + random.Below(255));
        v1::Observations damaged;
        if (damaged.ParseFromString(bytes)) message = damaged;
      }
    }
    const auto record =
        driver_.core().ProposeObservations(one_, Driver::BootId(1), message, kNowUs);
    if (!record.ok()) {
      ++refused;
      EXPECT_FALSE(record.status().message().empty());
      continue;
    }
    if (!record->has_value()) continue;
    const v1::Observations& good = (*record)->observations().observations();
    ASSERT_EQ(good.first_seq(), cursor + 1);
    ASSERT_GE(messages::CountOf(good), 1);
    ASSERT_LE(messages::CountOf(good), kValuesMost);
    ASSERT_TRUE(CheckObservations(good, kNowUs + 10 * kS).ok());
    driver_.Do(**record);
    ASSERT_EQ(driver_.core().Cursor(one_, Driver::BootId(1)), cursor + messages::CountOf(good));
    ++admitted;
  }
  EXPECT_GT(admitted, 1000);
  EXPECT_GT(refused, 1000);
}

}  // namespace
}  // namespace attune::session
