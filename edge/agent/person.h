// One person in the agent: source -> (beat clock) -> spool, and what is known about it.
//
// A beat's session time is fixed when it gets its number. Before the session's clock is known a
// live source is read and kept with its arrival times; once it is known, the kept fit stamps beats
// also while no node can be reached.
#ifndef ATTUNE_EDGE_AGENT_PERSON_H_
#define ATTUNE_EDGE_AGENT_PERSON_H_

#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "edge/agent/beat_clock.h"
#include "edge/agent/held_log.h"
#include "edge/agent/spool.h"
#include "edge/client/clock_sync.h"
#include "edge/source/source.h"
#include "services/base/random.h"

namespace attune::edge {

// Intervals that wait for the session's clock; beyond it the oldest are dropped, with a gap.
inline constexpr size_t kMostUnstamped = 20'000;

// Not thread-safe.
class Person {
 public:
  explicit Person(std::unique_ptr<Source> source);

  // Who this is has been learnt: opens the spool. Once.
  absl::Status OpenSpool(const std::string& folder, const std::string& session_id,
                         uint32_t participant, RandomSource& random);
  // Reads the source and stamps what can be stamped.
  void Step(int64_t now_us, const ClockSync& clock);
  // The agent stops: what a live source has given and the beat clock still holds back is stamped as
  // well as can be and put into the spool, rather than lost. Nothing is read after that.
  void Stop(int64_t now_us, const ClockSync& clock);
  // The session is over: `remove` says whether the spool goes too.
  void Over(bool remove);
  // When Step should be called next, on the steady clock.
  int64_t NextStepUs(int64_t now_us, const ClockSync& clock) const;

  Spool* spool() { return spool_.get(); }
  const Spool* spool() const { return spool_.get(); }
  v1::SensorKind sensor() const { return source_->info().sensor; }
  DeviceStatus device() const { return source_->device(); }
  // See Uplink::SetComplete; INT64_MIN: nothing can be promised.
  int64_t complete_us() const { return complete_us_; }
  // Everything that the source will ever give is in the spool.
  bool finished() const { return finished_; }
  // Intervals that could not be used.
  uint64_t refused() const;
  std::vector<std::string> TakeWarnings();

 private:
  // A beat and what the source said of its time when it gave it.
  struct Taken {
    SourceBeat beat;
    Stamping stamping = Stamping::kGiven;
    uint32_t jitter_us = 0;
    uint32_t offset_bound_us = 0;
  };
  bool Begin(const ClockSync& clock, int64_t now_us);
  void Take(const std::deque<Taken>& beats, const ClockSync& clock, bool log);
  void TakeLeft(const ClockSync& clock);
  void ClearHeld();
  void TakeGiven(const Taken& taken, const ClockSync& clock);
  void TurnTo(Stamping stamping);
  void DrainBeatClock(int64_t through_us);
  void Append(const StampedBeat& beat, uint64_t position);
  bool live() const { return IsLive(source_->info().stamping); }

  std::unique_ptr<Source> source_;
  std::unique_ptr<Spool> spool_;
  std::unique_ptr<HeldLog> held_log_;  // of live sources, with the spool
  std::vector<SourceBeat> left_;       // held by the run before
  BeatClock beat_clock_;
  std::deque<Taken> unstamped_;  // live, before the clock is known
  Stamping stamping_;            // of the last beats
  bool begun_ = false;
  bool finished_ = false;
  bool stopped_ = false;
  bool gap_ = false;  // the next beat follows a gap that no source knows of
  int64_t complete_us_ = INT64_MIN;
  int64_t last_arrival_us_ = INT64_MIN;  // session time
  uint64_t steps_ = 0;                   // of the session's clock, seen so far
  uint64_t dropped_ = 0;
  std::vector<std::string> warnings_;
};

}  // namespace attune::edge

#endif  // ATTUNE_EDGE_AGENT_PERSON_H_
