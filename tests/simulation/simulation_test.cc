// The seeds of every day, and what the checker must find. Each run is in a process of its own, as
// in simulate.cc.
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdint>
#include <cstring>
#include <string>
#include <vector>

#include "tests/simulation/cluster.h"

namespace attune::simulation {
namespace {

struct Told {
  uint64_t digest = 0, ticks_compared = 0, reports_compared = 0, owners = 0;
  std::vector<std::string> violations;
};

Told RunApart(const StoryOptions& options) {
  int ends[2];
  if (pipe(ends) != 0) std::abort();
  const pid_t child = fork();
  if (child == 0) {
    const Outcome outcome = Run(options);
    const uint64_t numbers[] = {outcome.digest, outcome.ticks_compared, outcome.reports_compared,
                                outcome.owners};
    std::string text(reinterpret_cast<const char*>(numbers), sizeof numbers);
    for (const std::string& violation : outcome.violations) text += violation + "\n";
    _exit(write(ends[1], text.data(), text.size()) == static_cast<ssize_t>(text.size()) ? 0 : 1);
  }
  close(ends[1]);
  std::string text;
  char buffer[4096];
  for (ssize_t got; (got = read(ends[0], buffer, sizeof buffer)) > 0;) {
    text.append(buffer, static_cast<size_t>(got));
  }
  close(ends[0]);
  int status = 0;
  waitpid(child, &status, 0);
  Told told;
  uint64_t numbers[4] = {};
  if (status != 0 || text.size() < sizeof numbers) {
    told.violations.push_back("the run did not come to its end");
    return told;
  }
  std::memcpy(numbers, text.data(), sizeof numbers);
  told.digest = numbers[0];
  told.ticks_compared = numbers[1];
  told.reports_compared = numbers[2];
  told.owners = numbers[3];
  size_t at = sizeof numbers;
  while (at < text.size()) {
    const size_t end = text.find('\n', at);
    told.violations.push_back(text.substr(at, end - at));
    at = end + 1;
  }
  return told;
}

bool Mentions(const Told& told, const std::string& what) {
  for (const std::string& violation : told.violations) {
    if (violation.find(what) != std::string::npos) return true;
  }
  return false;
}

// The first seed in which the checker finds one of `what`; 0: none.
uint64_t FirstFound(StoryOptions options, const std::vector<std::string>& what, uint64_t most) {
  for (options.seed = 1; options.seed <= most; ++options.seed) {
    const Told told = RunApart(options);
    for (const std::string& one : what) {
      if (Mentions(told, one)) return options.seed;
    }
  }
  return 0;
}

TEST(Simulation, TheSameSeedIsTheSameStory) {
  for (const uint64_t seed : {3u, 8u}) {
    StoryOptions options;
    options.seed = seed;
    const Told one = RunApart(options), again = RunApart(options);
    EXPECT_NE(one.digest, 0u);
    EXPECT_EQ(one.digest, again.digest);
    options.seed = seed + 4;
    EXPECT_NE(RunApart(options).digest, one.digest);
  }
}

TEST(Simulation, TheStoriesAreAboutSomething) {
  uint64_t owners = 0, ticks = 0, reports = 0;
  for (uint64_t seed = 1; seed <= 12; ++seed) {
    StoryOptions options;
    options.seed = seed;
    const Told told = RunApart(options);
    owners += told.owners;
    ticks += told.ticks_compared;
    reports += told.reports_compared;
  }
  EXPECT_GT(owners, 30u) << "sessions should change hands";
  EXPECT_GT(ticks, 1000u);
  EXPECT_GT(reports, 12u);
}

TEST(Simulation, OwnersPutBackWhatRedisForgotWhileTheyWereAway) {
  for (uint64_t seed = 1; seed <= 4; ++seed) {
    StoryOptions options;
    options.seed = seed;
    options.weather = Weather::kEmptied;
    const Told told = RunApart(options);
    EXPECT_EQ(told.owners, 4u) << "two sessions, each twice: seed " << seed;
    EXPECT_TRUE(told.violations.empty()) << "seed " << seed << ": " << told.violations[0];
  }
}

// Whatever leaves too early tells of it: an ack, or the frame of a tick.
TEST(Planted, AnAckBeforeTheAppendIsFound) {
  EXPECT_NE(FirstFound({.planted = {.ack_before_append = true}},
                       {"I1: beat", "was shown before the journal had it"}, 8),
            0u);
}

TEST(Planted, AnOwnerThatDoesNotFenceItselfIsFound) {
  EXPECT_NE(FirstFound({.planted = {.never_fence = true}}, {"I2: "}, 60), 0u);
}

TEST(Planted, AnAcquireThatIgnoresTheEpochFloorIsFound) {
  EXPECT_NE(FirstFound({.weather = Weather::kEmptied, .planted = {.ignore_floor = true}},
                       {"I2: epoch"}, 4),
            0u);
}

}  // namespace
}  // namespace attune::simulation
