// The only clock and the only thread: what happens next is the earliest event; of several at one
// moment, one that the seed chooses. The same seed gives the same run.
//
// Two kinds of code run here: events (plain functions, must not wait) and fibers (may wait).
#ifndef ATTUNE_TESTS_SIMULATION_SCHEDULER_H_
#define ATTUNE_TESTS_SIMULATION_SCHEDULER_H_

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <tuple>
#include <vector>

#include "services/base/clock.h"
#include "services/base/random.h"
#include "services/base/strands.h"
#include "tests/simulation/fiber.h"

namespace attune::simulation {

// A machine (a process, rather): all that happens on one. While it is paused, what should happen
// waits and its clock goes on; when it is dead, nothing of it happens any more.
struct Machine {
  bool paused = false;
  bool dead = false;
  std::vector<std::function<void()>> held;
};

class Scheduler {
 public:
  explicit Scheduler(uint64_t seed) : random_(seed) {}
  ~Scheduler();

  // True time, which nobody in the simulation can read exactly.
  int64_t now_us() const { return now_us_; }
  RandomSource& random() { return random_; }
  // Uniform in [low, high].
  int64_t Between(int64_t low, int64_t high);
  bool Chance(double probability) { return random_.Unit() < probability; }

  using On = std::shared_ptr<Machine>;  // null: nowhere in particular
  void At(int64_t time_us, std::function<void()> event, On machine = nullptr);
  void After(int64_t wait_us, std::function<void()> event, On machine = nullptr) {
    At(now_us_ + wait_us, std::move(event), std::move(machine));
  }
  uint64_t Spawn(std::function<void()> body, On machine = nullptr);
  // In a fiber.
  void Sleep(int64_t us);
  void Pause(const On& machine) { machine->paused = true; }
  // What was held happens now, in its order.
  void Continue(const On& machine);

  // Of the fiber that runs; 0: an event runs.
  using FiberId = uint64_t;
  FiberId current() const { return current_; }
  // Waits until somebody wakes this fiber. A wake-up that came before the wait ends it at once.
  void Wait();
  void Wake(FiberId fiber);

  // Everything up to this time.
  void RunUntil(int64_t time_us);
  // What has happened so far, as a number: equal runs have equal ones.
  void Note(uint64_t what);
  uint64_t digest() const { return digest_; }
  uint64_t events() const { return events_; }
  size_t fibers() const { return fibers_.size(); }

 private:
  struct Strand {
    std::unique_ptr<Fiber> fiber;
    On machine;
    bool waiting = false;
    bool woken = false;
  };
  void Run(FiberId id);

  SeededRandom random_;
  int64_t now_us_ = 1'000'000;
  std::map<std::tuple<int64_t, uint64_t, uint64_t>, std::function<void()>> queue_;
  uint64_t next_event_ = 0, events_ = 0;
  uint64_t digest_ = 0xcbf2'9ce4'8422'2325;
  StackPool stacks_;
  std::map<FiberId, Strand> fibers_;
  FiberId next_fiber_ = 1, current_ = 0;
};

// One machine's clock - a little too fast or too slow, with a UTC that is off - and what stands for
// its threads.
class MachineClock final : public StrandClock, private Strands {
 public:
  // `rate`: of its seconds in a true one.
  MachineClock(Scheduler& scheduler, Scheduler::On machine, double rate, int64_t steady_zero_us,
               int64_t utc_zero_us)
      : scheduler_(scheduler),
        machine_(std::move(machine)),
        rate_(rate),
        steady_zero_us_(steady_zero_us),
        utc_zero_us_(utc_zero_us) {}
  int64_t SteadyMicros() const override { return steady_zero_us_ + Ran(); }
  int64_t UtcMicros() const override { return utc_zero_us_ + Ran(); }
  Strands& strands() const override { return const_cast<MachineClock&>(*this); }
  // The true time at which SteadyMicros() has reached `steady_us`.
  int64_t TrueTimeOf(int64_t steady_us) const;

 private:
  struct Strand {
    Scheduler::FiberId fiber = 0;
    bool stopped = false;
    int64_t armed_us = -1;  // for when a wake-up is under way
  };
  uint64_t Start(std::function<int64_t()> turn) override;
  void Wake(uint64_t strand) override;
  void Stop(uint64_t strand) override;
  bool Await(const std::function<bool()>& ready, int64_t within_us) override;

  int64_t Ran() const {
    return static_cast<int64_t>(static_cast<double>(scheduler_.now_us()) * rate_);
  }
  Scheduler& scheduler_;
  const Scheduler::On machine_;
  const double rate_;
  const int64_t steady_zero_us_, utc_zero_us_;
  std::map<uint64_t, std::shared_ptr<Strand>> strands_;
  uint64_t next_strand_ = 1;
};

}  // namespace attune::simulation

#endif  // ATTUNE_TESTS_SIMULATION_SCHEDULER_H_
