// The synchrony engine of one session: beats in, one frame of numbers per tick out.
//
// Evaluate(t) is a pure function of the beats with time <= t + Params::horizon_us, the selection,
// the timing, and which earlier ticks found a value beyond chance. In what order the beats arrived
// and what else has arrived does not matter. A beat that comes after ticks that should have known
// it changes later frames, exactly as if it had been there in time, and no earlier one.
//
// Same calls, same bits, on any x86-64: signals are integers, doubles are combined in a fixed
// order, no fast-math, no libm beyond sqrt.
//
// Memory is bounded: beats older than the longest history are dropped with the ticks, and a person
// holds at most kMaxBeats (the newest are then refused). No I/O, no clock, no threads: one caller
// at a time. Exceptions are not used.
#ifndef ATTUNE_SERVICES_SYNCHRONY_ENGINE_H_
#define ATTUNE_SERVICES_SYNCHRONY_ENGINE_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <memory_resource>
#include <optional>

#include "services/synchrony/kernel/kernels.h"
#include "services/synchrony/kernel/path.h"
#include "services/synchrony/numbers.h"
#include "services/synchrony/params.h"

namespace attune::synchrony {

class Engine {
 public:
  // More than nine hours at 120 beats a minute that no tick has covered yet.
  static constexpr size_t kMaxBeats = 65'536;

  // No beat and no tick beyond this (some 36,000 years): sums of times cannot overflow.
  static constexpr int64_t kMaxTimeUs = int64_t{1} << 60;

  // Params::Valid() must hold: anything else is a programming error and aborts.
  // The fastest kernels that the CPU has, unless a path is named (which must be supported): all
  // give the same frames.
  // All that is kept lies in `memory` (null: the default one), which must outlive the engine. Of
  // sessions that are many each finds its data far away from the CPU: large pages help (such as
  // those of services/base/huge_memory.h).
  explicit Engine(const Params& params, std::optional<Path> path = std::nullopt,
                  std::pmr::memory_resource* memory = nullptr);
  ~Engine();
  Engine(Engine&&) noexcept;
  Engine& operator=(Engine&&) noexcept;

  const Params& params() const;

  // Adding someone who is there, or removing someone who is not, does nothing. Removing forgets
  // the person's beats and whatever stood on them.
  void AddPerson(int person);
  void RemovePerson(int person);

  // Any order; late ones too. A second beat at the same time is ignored (if it differs, the shorter
  // interval and any gap win, so that order does not matter). False when not taken: unknown person,
  // time negative, beyond kMaxTimeUs or older than the history, or the person is full.
  bool AddBeat(int person, const Beat& beat);

  void SetTiming(int person, const Timing& timing);

  using Selection = synchrony::Selection;
  // Ticks must rise. One that does not (or is out of range) returns every number absent and changes
  // nothing. Frame::people and Frame::pairs follow the selection's order; a pair of a person with
  // themselves, or with someone unknown, is absent.
  Frame Evaluate(int64_t tick_end_us, const Selection& selection);
  // The same into a frame that is used again: while the selection stays, nothing is allocated (of
  // more than some ten people who all see one another: what the tick needs meanwhile).
  void Evaluate(int64_t tick_end_us, const Selection& selection, Frame* frame);

  // Restore(Save()) into an engine with the same Params goes on bit for bit.
  EngineState Save() const;
  void Restore(const EngineState& state);

  // Bytes held for beats, signals and what is being computed; and for what the span statistics and
  // chance levels look back on (windows, phases, sums over shifts, with the plan of the pairs).
  size_t MemoryBytes() const;
  size_t ChanceMemoryBytes() const;

 private:
  class Impl;
  struct Free {
    void operator()(Impl* impl) const;
  };
  void Begin(const Params& params, const Kernels& kernels, std::pmr::memory_resource* memory);

  std::unique_ptr<Impl, Free> impl_;
};

}  // namespace attune::synchrony

#endif  // ATTUNE_SERVICES_SYNCHRONY_ENGINE_H_
