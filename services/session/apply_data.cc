#include <algorithm>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "services/messages/observations.h"
#include "services/session/admission.h"
#include "services/session/apply.h"
#include "services/session/ticks.h"

namespace attune::session {
namespace {

Spool& SpoolOf(Person& person, const std::string& boot_id) {
  for (Spool& spool : person.spools) {
    if (spool.boot_id == boot_id) return spool;
  }
  Spool& spool = person.spools.emplace_back();
  spool.boot_id = boot_id;
  return spool;
}

void TakeBeats(const v1::Beats& beats, Spool& spool, Person& person, State& state) {
  const int64_t closed_us = static_cast<int64_t>(state.tick) * state.book.tick_us();
  const auto known = static_cast<std::ptrdiff_t>(person.beats.size());
  auto gap = beats.gap_before().begin();
  const int count = std::min(beats.time_session_us_size(), beats.rr_1024_size());
  for (int i = 0; i < count; ++i) {
    StoredBeat beat;
    beat.time_us = beats.time_session_us(i);
    beat.rr_1024 = static_cast<uint16_t>(beats.rr_1024(i));
    beat.jitter_us = spool.jitter_us;
    beat.offset_bound_us = spool.offset_bound_us;
    beat.gap_before = std::exchange(spool.gap_pending, false);
    if (gap != beats.gap_before().end() && *gap == static_cast<uint32_t>(i)) {
      beat.gap_before = true;
      ++gap;
    }
    if (beat.time_us <= closed_us) ++state.late_beats;
    state.engine.AddBeat(static_cast<int>(person.number),
                         {beat.time_us, beat.rr_1024, beat.gap_before});
    person.beats.push_back(beat);
  }
  // Times within a message do not decrease, but equal ones have an order of their own.
  std::sort(person.beats.begin() + known, person.beats.end());
  std::inplace_merge(person.beats.begin(), person.beats.begin() + known, person.beats.end());
  person.beats_at_us = state.at_us;
}

void Keep(uint64_t tick, const v1::Frame& frame, FrameGround ground, State& state) {
  KeptFrame kept{tick, frame.SerializeAsString(), std::move(ground)};
  state.frame_bytes += kept.bytes.size();
  state.frames.push_back(std::move(kept));
  while (state.frames.size() > state.limits.frames_kept ||
         (state.frame_bytes > state.limits.frame_bytes_kept && state.frames.size() > 1)) {
    state.frame_bytes -= state.frames.front().bytes.size();
    state.frames.pop_front();
  }
}

}  // namespace

absl::Status ApplyObservations(const v1::ObservationsAdmitted& admitted, State& state,
                               Effects& effects) {
  Person* person = FindOrGhost(state, admitted.participant());
  if (person == nullptr) return Misfit(state, "nobody with this number");
  if (person->erased) return absl::OkStatus();
  const v1::Observations& observations = admitted.observations();
  const int count = messages::CountOf(observations);
  const Spool* known = FindSpool(*person, admitted.boot_id());
  const uint64_t cursor = known == nullptr ? 0 : known->cursor;
  if (count == 0 || observations.first_seq() != cursor + 1) {
    return Misfit(state, "its numbers do not follow");
  }
  Spool& spool = SpoolOf(*person, admitted.boot_id());
  spool.cursor += static_cast<uint64_t>(count);
  if (observations.has_timing()) {
    spool.jitter_us = observations.timing().jitter_us();
    spool.offset_bound_us = observations.timing().offset_bound_us();
  }
  if (observations.has_beats()) {
    TakeBeats(observations.beats(), spool, *person, state);
    person->finished = false;  // a source that sends has not ended
  }
  Link& link = state.links[person->number];
  link.complete_through_us =
      std::max(link.complete_through_us, observations.complete_through_session_us());
  effects.ack = EdgeAck{person->number, spool.boot_id, spool.cursor};
  return absl::OkStatus();
}

absl::Status ApplyGap(const v1::GapAdmitted& admitted, State& state, Effects& effects) {
  Person* person = FindOrGhost(state, admitted.participant());
  if (person == nullptr) return Misfit(state, "nobody with this number");
  if (person->erased) return absl::OkStatus();
  Spool& spool = SpoolOf(*person, admitted.boot_id());
  if (admitted.gap().last_seq() == 0) {
    spool.last_gap = admitted.gap();
  } else if (admitted.gap().first_seq() == spool.cursor + 1 &&
             admitted.gap().last_seq() > spool.cursor) {
    spool.cursor = admitted.gap().last_seq();
    spool.gap_pending = true;
  } else {
    return Misfit(state, "its numbers do not follow");
  }
  effects.ack = EdgeAck{person->number, spool.boot_id, spool.cursor};
  return absl::OkStatus();
}

absl::Status ApplySourceFinished(const v1::SourceFinished& finished, State& state,
                                 Effects& effects) {
  (void)effects;
  Person* person = FindOrGhost(state, finished.participant());
  if (person == nullptr) return Misfit(state, "nobody with this number");
  if (!person->erased) person->finished = true;
  return absl::OkStatus();
}

absl::Status ApplyTickClosed(const v1::TickClosed& closed, State& state, Effects& effects) {
  if (closed.tick() != state.tick + 1) return Misfit(state, "this tick is not the next");
  PendingTick tick;
  if (state.pending.has_value()) {
    tick = *std::move(state.pending);
    state.pending.reset();
  } else {
    Evaluated evaluated = Evaluate(state.book, closed.tick(), state.engine);
    tick.record.mutable_tick_closed()->set_frame_digest(
        Digest(evaluated.frame.SerializeAsString()));
    tick.frame = std::make_shared<const v1::Frame>(std::move(evaluated.frame));
    tick.contributors = std::move(evaluated.contributors);
  }
  if (tick.record.tick_closed().frame_digest() != closed.frame_digest() && !state.incomplete) {
    return absl::DataLossError(
        absl::StrCat("tick ", closed.tick(), " does not come out as it was published: digest ",
                     absl::Hex(tick.record.tick_closed().frame_digest()), ", in the journal ",
                     absl::Hex(closed.frame_digest()), "; the numbers have drifted"));
  }
  const int64_t end_us = tick.frame->end_session_us();
  if (tick.contributors != state.contributors) {
    state.contributors = tick.contributors;
    state.contributors_since_us = end_us;
  }
  FrameGround ground;
  ground.contributors = std::move(tick.contributors);
  ground.settled =
      end_us - state.contributors_since_us >= int64_t{EngineParams().span_seconds} * kSecondUs;
  ground.then = state.grants;
  state.tick = closed.tick();
  state.ticks_by_lateness += closed.by_lateness();
  Keep(closed.tick(), *tick.frame, std::move(ground), state);
  effects.frame = std::move(tick.frame);
  effects.closed_by_lateness = closed.by_lateness();
  return absl::OkStatus();
}

}  // namespace attune::session
