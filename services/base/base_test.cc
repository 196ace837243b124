#include <gtest/gtest.h>
#include <unistd.h>

#include <array>
#include <string>
#include <vector>

#include "services/base/clock.h"
#include "services/base/log.h"
#include "services/base/random.h"
#include "services/base/trace.h"

namespace attune {
namespace {

TEST(Log, QuotesWhatJsonCannotHold) {
  EXPECT_EQ(JsonQuote("a\"b\\c\n"), R"("a\"b\\c\u000a")");
  EXPECT_EQ(JsonQuote("gr\xc3\xbc\xc3\x9f"), "\"gr\xc3\xbc\xc3\x9f\"");
  EXPECT_EQ(JsonQuote("\xff\xc3"), R"("\ufffd\ufffd")");
  EXPECT_EQ(JsonQuote("\xed\xa0\x80"), R"("\ufffd\ufffd\ufffd")") << "a lone surrogate";
}

TEST(Log, WritesOneObjectALine) {
  std::array<int, 2> ends;
  ASSERT_EQ(pipe(ends.data()), 0);
  const ManualClock clock(0, 42);
  Logger(clock, ends[1], Severity::kInfo).Write(Severity::kDebug, "unseen");
  Logger(clock, ends[1])
      .Write(Severity::kError, "lost", {{"beats", 3}, {"why", "full"}, {"ok", false}});
  close(ends[1]);
  std::string text(256, '\0');
  text.resize(static_cast<size_t>(read(ends[0], text.data(), text.size())));
  close(ends[0]);
  EXPECT_EQ(text,
            "{\"utc_us\":42,\"severity\":\"error\",\"event\":\"lost\",\"beats\":3,\"why\":\"full\","
            "\"ok\":"
            "false}\n");
}

TEST(Random, SameSeedSameBytes) {
  SeededRandom a(7), b(7), c(8);
  const std::string first = a.Bytes(33);
  EXPECT_EQ(first.size(), 33u);
  EXPECT_EQ(first, b.Bytes(33));
  EXPECT_NE(first, c.Bytes(33));
}

TEST(Random, BelowStaysBelowAndReachesAll) {
  SeededRandom random(1);
  std::array<int, 5> seen{};
  for (int i = 0; i < 500; ++i) ++seen[random.Below(seen.size())];
  for (int count : seen) EXPECT_GT(count, 50);
}

TEST(Random, SystemBytesDiffer) {
  SystemRandom random;
  EXPECT_NE(random.Bytes(16), random.Bytes(16));
}

TEST(Clock, ManualClockStepsUtcAlone) {
  ManualClock clock(10, 20);
  clock.Advance(5);
  clock.StepUtc(-100);
  EXPECT_EQ(clock.SteadyMicros(), 15);
  EXPECT_EQ(clock.UtcMicros(), -75);
}

// The example of the recommendation, section 3.2.
constexpr char kExample[] = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

TEST(Trace, TheExampleOfTheRecommendationIsRead) {
  const auto trace = ParseTraceparent(kExample);
  ASSERT_TRUE(trace.has_value());
  EXPECT_EQ(trace->trace_id, "4bf92f3577b34da6a3ce929d0e0e4736");
  EXPECT_EQ(trace->parent_id, "00f067aa0ba902b7");
  EXPECT_EQ(trace->flags, "01");
  // A later version may be longer.
  EXPECT_TRUE(ParseTraceparent("cc" + std::string(kExample).substr(2) + "-more").has_value());
}

TEST(Trace, WhatIsMalformedIsIgnored) {
  const std::string good = kExample;
  const std::vector<std::string> malformed{
      "",
      good.substr(1),
      good + "-",
      good + "-more",
      "ff" + good.substr(2),
      "cc" + good.substr(2) + "more",
      "0x" + good.substr(2),
      "00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01",
      "00-00000000000000000000000000000000-00f067aa0ba902b7-01",
      "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01",
      "00-4bf92f3577b34da6a3ce929d0e0e4736_00f067aa0ba902b7-01",
      "00-4bf92f3577b34da6a3ce929d0e0e473\n-00f067aa0ba902b7-01"};
  for (const std::string& bad : malformed) {
    EXPECT_FALSE(ParseTraceparent(bad).has_value()) << bad;
  }
}

TEST(Trace, ACallJoinsTheTraceOrBeginsOne) {
  SeededRandom random(5);
  const auto parent = ParseTraceparent(kExample);
  const auto child = ParseTraceparent(NewTraceparent(random, parent));
  ASSERT_TRUE(child.has_value());
  EXPECT_EQ(child->trace_id, parent->trace_id);
  EXPECT_NE(child->parent_id, parent->parent_id);
  EXPECT_EQ(child->flags, "01");
  const auto one = ParseTraceparent(NewTraceparent(random, std::nullopt));
  const auto two = ParseTraceparent(NewTraceparent(random, std::nullopt));
  ASSERT_TRUE(one.has_value() && two.has_value());
  EXPECT_NE(one->trace_id, two->trace_id);
}

}  // namespace
}  // namespace attune
