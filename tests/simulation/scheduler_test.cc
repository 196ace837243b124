#include "tests/simulation/scheduler.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace attune::simulation {
namespace {

std::string Story(uint64_t seed) {
  Scheduler scheduler(seed);
  std::string story;
  for (const char name : {'a', 'b', 'c'}) {
    scheduler.Spawn([&scheduler, &story, name] {
      for (int i = 0; i < 5; ++i) {
        story += name;
        scheduler.Sleep(10);
      }
    });
  }
  scheduler.RunUntil(2'000'000);
  return story;
}

TEST(Scheduler, TheSeedDecidesTheOrderAndNothingElseDoes) {
  EXPECT_EQ(Story(1), Story(1));
  EXPECT_NE(Story(1), Story(2));
  EXPECT_EQ(Story(1).size(), 15u);
}

TEST(Scheduler, AWakeUpBeforeTheWaitIsNotLost) {
  Scheduler scheduler(1);
  bool went_on = false;
  scheduler.Spawn([&] {
    scheduler.Wake(scheduler.current());
    scheduler.Wait();
    went_on = true;
  });
  scheduler.RunUntil(2'000'000);
  EXPECT_TRUE(went_on);
}

TEST(Scheduler, APausedMachineGoesOnWhereItWasAndADeadOneDoesNot) {
  Scheduler scheduler(1);
  const auto machine = std::make_shared<Machine>();
  std::vector<int64_t> steps;
  scheduler.Spawn(
      [&] {
        while (true) {
          steps.push_back(scheduler.now_us());
          scheduler.Sleep(1000);
        }
      },
      machine);
  const int64_t begin = scheduler.now_us();
  scheduler.RunUntil(begin + 2500);
  ASSERT_EQ(steps.size(), 3u);
  scheduler.Pause(machine);
  scheduler.RunUntil(begin + 9500);
  EXPECT_EQ(steps.size(), 3u);
  scheduler.Continue(machine);
  scheduler.RunUntil(begin + 9600);
  EXPECT_EQ(steps.size(), 4u);
  machine->dead = true;
  scheduler.RunUntil(begin + 20'000);
  EXPECT_EQ(steps.size(), 4u);
}

TEST(MachineClock, AStrandTurnsWhenWokenAndWhenItsTimeHasCome) {
  Scheduler scheduler(1);
  const auto machine = std::make_shared<Machine>();
  MachineClock clock(scheduler, machine, 2, 500, 0);
  std::vector<int64_t> turns;
  const uint64_t strand = clock.strands().Start([&]() -> int64_t {
    turns.push_back(clock.SteadyMicros());
    return turns.back() + 10'000;
  });
  const int64_t begin = scheduler.now_us();
  scheduler.RunUntil(begin + 12'000);  // 24 ms on its own clock
  ASSERT_EQ(turns.size(), 3u);
  EXPECT_NEAR(static_cast<double>(turns[2] - turns[0]), 20'000, 10);
  clock.strands().Wake(strand);
  scheduler.RunUntil(begin + 12'100);
  EXPECT_EQ(turns.size(), 4u);
  clock.strands().Stop(strand);
  scheduler.RunUntil(begin + 100'000);
  EXPECT_EQ(turns.size(), 4u);
}

}  // namespace
}  // namespace attune::simulation
