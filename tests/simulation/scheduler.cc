#include "tests/simulation/scheduler.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <limits>
#include <utility>

namespace attune::simulation {

// Fibers that still wait are let go with their stacks as they are: whatever they hold is lost.
Scheduler::~Scheduler() = default;

int64_t Scheduler::Between(int64_t low, int64_t high) {
  return low + static_cast<int64_t>(random_.Below(static_cast<uint64_t>(high - low) + 1));
}

void Scheduler::At(int64_t time_us, std::function<void()> event, On machine) {
  if (machine != nullptr) {
    event = [machine = std::move(machine), event = std::move(event)]() mutable {
      if (machine->dead) return;
      if (machine->paused) {
        machine->held.push_back(std::move(event));
      } else {
        event();
      }
    };
  }
  queue_.emplace(std::tuple(std::max(time_us, now_us_), random_.Uint64(), next_event_++),
                 std::move(event));
}

void Scheduler::Continue(const On& machine) {
  machine->paused = false;
  auto held = std::make_shared<std::vector<std::function<void()>>>(std::move(machine->held));
  machine->held.clear();
  if (held->empty()) return;
  At(
      now_us_,
      [held] {
        for (const auto& event : *held) event();
      },
      machine);
}

Scheduler::FiberId Scheduler::Spawn(std::function<void()> body, On machine) {
  const FiberId id = next_fiber_++;
  fibers_[id].fiber = std::make_unique<Fiber>(stacks_, std::move(body));
  fibers_[id].machine = machine;
  At(
      now_us_, [this, id] { Run(id); }, std::move(machine));
  return id;
}

void Scheduler::Sleep(int64_t us) {
  const FiberId fiber = current_;
  bool over = false;
  After(us, [this, fiber, &over] {
    over = true;
    Wake(fiber);
  });
  while (!over) Wait();
}

void Scheduler::Run(FiberId id) {
  const auto found = fibers_.find(id);
  if (found == fibers_.end()) return;
  const FiberId before = std::exchange(current_, id);
  found->second.waiting = false;
  found->second.woken = false;
  found->second.fiber->Resume();
  current_ = before;
  if (found->second.fiber->ended()) fibers_.erase(found);
}

void Scheduler::Wait() {
  if (current_ == 0) std::abort();  // an event must not wait
  Strand& strand = fibers_.at(current_);
  if (strand.woken) {
    strand.woken = false;
    return;
  }
  strand.waiting = true;
  strand.fiber->Yield();
}

void Scheduler::Wake(FiberId fiber) {
  const auto found = fibers_.find(fiber);
  if (found == fibers_.end() || found->second.woken) return;
  found->second.woken = true;
  if (found->second.waiting)
    At(
        now_us_, [this, fiber] { Run(fiber); }, found->second.machine);
}

void Scheduler::RunUntil(int64_t time_us) {
  while (!queue_.empty() && std::get<0>(queue_.begin()->first) <= time_us) {
    auto node = queue_.extract(queue_.begin());
    now_us_ = std::get<0>(node.key());
    ++events_;
    node.mapped()();
  }
  now_us_ = std::max(now_us_, time_us);
}

void Scheduler::Note(uint64_t what) {
  for (int i = 0; i < 8; ++i) {  // FNV-1a
    digest_ = (digest_ ^ ((what >> (8 * i)) & 0xff)) * 0x100'0000'01b3;
  }
}

int64_t MachineClock::TrueTimeOf(int64_t steady_us) const {
  if (steady_us > std::numeric_limits<int64_t>::max() / 2) return steady_us / 2;
  return static_cast<int64_t>(std::ceil(static_cast<double>(steady_us - steady_zero_us_) / rate_)) +
         1;
}

uint64_t MachineClock::Start(std::function<int64_t()> turn) {
  const auto strand = std::make_shared<Strand>();
  // No pointer to this clock once the strand has been stopped: it may be gone.
  strand->fiber = scheduler_.Spawn(
      [this, strand, turn = std::move(turn), &scheduler = scheduler_] {
        while (!strand->stopped) {
          const int64_t due_us = turn();
          if (strand->stopped) return;
          const int64_t at_us = std::max(TrueTimeOf(due_us), scheduler.now_us() + 1);
          if (strand->armed_us <= scheduler.now_us() || at_us < strand->armed_us) {
            strand->armed_us = at_us;
            scheduler.At(
                at_us, [strand, &scheduler] { scheduler.Wake(strand->fiber); }, machine_);
          }
          scheduler.Wait();
        }
      },
      machine_);
  const uint64_t number = next_strand_++;
  strands_[number] = strand;
  return number;
}

void MachineClock::Wake(uint64_t strand) {
  const auto found = strands_.find(strand);
  if (found != strands_.end()) scheduler_.Wake(found->second->fiber);
}

void MachineClock::Stop(uint64_t strand) {
  const auto found = strands_.find(strand);
  if (found == strands_.end()) return;
  found->second->stopped = true;
  scheduler_.Wake(found->second->fiber);
  strands_.erase(found);
}

bool MachineClock::Await(const std::function<bool()>& ready, int64_t within_us) {
  const int64_t until_us = SteadyMicros() + within_us;
  while (!ready()) {
    if (SteadyMicros() >= until_us) return false;
    scheduler_.Sleep(500);
  }
  return true;
}

}  // namespace attune::simulation
