// Runs seeds, each in a process of its own, and says which fail.
//
//   bazel run //tests/simulation:simulate -- --seed=1 --seeds=1000 --minutes=2
//   bazel run //tests/simulation:simulate -- --seed=17 --aloud
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <iostream>
#include <string>

#include "absl/flags/flag.h"
#include "absl/flags/parse.h"
#include "absl/strings/str_cat.h"
#include "tests/simulation/cluster.h"

ABSL_FLAG(uint64_t, seed, 1, "the first seed");
ABSL_FLAG(uint64_t, seeds, 1, "how many");
ABSL_FLAG(int, minutes, 2, "session time of each");
ABSL_FLAG(double, seconds, 0, "stop after so much time of this computer; 0: when all are done");
ABSL_FLAG(bool, aloud, false, "tell what happens");
ABSL_FLAG(bool, emptied, false, "in the weather `emptied` of cluster.h, whatever the seed says");
ABSL_FLAG(std::string, plant, "", "ack, fence or floor: plant a fault that must be found");

namespace attune::simulation {
namespace {

StoryOptions OptionsFor(uint64_t seed) {
  StoryOptions options;
  options.seed = seed;
  options.minutes = absl::GetFlag(FLAGS_minutes);
  if (absl::GetFlag(FLAGS_emptied)) options.weather = Weather::kEmptied;
  options.aloud = absl::GetFlag(FLAGS_aloud);
  const std::string plant = absl::GetFlag(FLAGS_plant);
  options.planted.ack_before_append = plant == "ack";
  options.planted.never_fence = plant == "fence";
  options.planted.ignore_floor = plant == "floor";
  return options;
}

// In the child: 0 when all held.
int RunOne(uint64_t seed) {
  const Outcome outcome = Run(OptionsFor(seed));
  std::cout << absl::StrCat("seed ", seed, " ", NameOf(outcome.weather), ": ", outcome.faults,
                            " faults, ", outcome.owners, " owners, ", outcome.frames, " frames, ",
                            outcome.acks, " acks, ", outcome.ticks_compared, " ticks and ",
                            outcome.reports_compared, " reports as the reference, ",
                            outcome.sessions_lost, " lost, ", outcome.redis_commands,
                            " commands, digest ", absl::Hex(outcome.digest), "\n");
  for (const std::string& violation : outcome.violations) std::cout << "  " << violation << "\n";
  std::cout.flush();
  return outcome.violations.empty() ? 0 : 1;
}

int Main() {
  const auto begin = std::chrono::steady_clock::now();
  const uint64_t first = absl::GetFlag(FLAGS_seed);
  uint64_t done = 0, failed = 0;
  for (; done < absl::GetFlag(FLAGS_seeds); ++done) {
    const std::chrono::duration<double> spent = std::chrono::steady_clock::now() - begin;
    if (absl::GetFlag(FLAGS_seconds) > 0 && spent.count() > absl::GetFlag(FLAGS_seconds)) break;
    const uint64_t seed = first + done;
    std::cout.flush();
    const pid_t child = fork();
    if (child == 0) _exit(RunOne(seed));
    int status = 0;
    waitpid(child, &status, 0);
    if (status == 0) continue;
    ++failed;
    std::cout << "seed " << seed << " FAILED"
              << (WIFSIGNALED(status) ? absl::StrCat(", signal ", WTERMSIG(status)) : "")
              << "; again: simulate --seed=" << seed
              << " --minutes=" << absl::GetFlag(FLAGS_minutes) << " --aloud\n";
  }
  std::cout << done << " seeds, " << failed << " failed\n";
  return failed == 0 && done > 0 ? 0 : 1;
}

}  // namespace
}  // namespace attune::simulation

int main(int argc, char** argv) {
  absl::ParseCommandLine(argc, argv);
  return attune::simulation::Main();
}
