#include <gtest/gtest.h>
#include <unistd.h>

#include <array>
#include <string>

#include "services/base/clock.h"
#include "services/base/log.h"
#include "services/base/random.h"

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

}  // namespace
}  // namespace attune
