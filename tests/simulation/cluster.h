// One seed: a cluster, its people, what befalls them, and what must hold.
#ifndef ATTUNE_TESTS_SIMULATION_CLUSTER_H_
#define ATTUNE_TESTS_SIMULATION_CLUSTER_H_

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "attune/v1/session.pb.h"
#include "tests/simulation/planted.h"
#include "tests/simulation/sim_people.h"

namespace attune::simulation {

// What may happen; a seed has one of the first four.
enum class Weather {
  kNodes,    // nodes die, pause, lose their way to Redis; people lose theirs to nodes
  kRedis,    // and Redis freezes, dies and comes back with all it had
  kLosses,   // and Redis loses its newest writes or everything, while no owner dies
  kStorm,    // all of it together
  kEmptied,  // only this, when asked for: Redis is emptied while no owner can reach it
};
const char* NameOf(Weather weather);

struct StoryOptions {
  uint64_t seed = 1;
  int minutes = 2;                   // of session time
  std::optional<Weather> weather{};  // else as the seed says
  Planted planted{};
  bool aloud = false;
  // Before it begins; for who wants to listen to Redis.
  std::function<void(SimRedis&)> prepare{};
};

struct Outcome {
  std::vector<std::string> violations;
  uint64_t digest = 0;  // of the history: equal for equal runs
  uint64_t frames = 0, acks = 0, owners = 0, faults = 0, events = 0;
  uint64_t ticks_compared = 0, reports_compared = 0;
  uint64_t sessions_lost = 0;  // with owner and journal, and said so
  Weather weather = Weather::kNodes;
  uint64_t redis_commands = 0;
};

Outcome Run(const StoryOptions& options);

}  // namespace attune::simulation

#endif  // ATTUNE_TESTS_SIMULATION_CLUSTER_H_
