// Proposals about data, and what time alone brings.
#include <algorithm>

#include "services/base/status_macros.h"
#include "services/session/admission.h"
#include "services/session/propose.h"
#include "services/session/roster.h"
#include "services/session/ticks.h"

namespace attune::session {

absl::StatusOr<std::optional<v1::JournalRecord>> SessionCore::ProposeObservations(
    uint32_t participant, std::string_view boot_id, const v1::Observations& observations,
    int64_t now_us) const {
  ATTUNE_ASSIGN_OR_RETURN(auto admitted,
                          AdmitObservations(*state_, participant, boot_id, observations, now_us));
  if (!admitted.has_value()) return std::nullopt;
  v1::JournalRecord record = NextRecord(*state_, "", now_us);
  *record.mutable_observations() = *std::move(admitted);
  return record;
}

absl::StatusOr<std::optional<v1::JournalRecord>> SessionCore::ProposeGap(uint32_t participant,
                                                                         std::string_view boot_id,
                                                                         const v1::Gap& gap,
                                                                         int64_t now_us) const {
  ATTUNE_ASSIGN_OR_RETURN(auto admitted, AdmitGap(*state_, participant, boot_id, gap));
  if (!admitted.has_value()) return std::nullopt;
  v1::JournalRecord record = NextRecord(*state_, "", now_us);
  *record.mutable_gap() = *std::move(admitted);
  return record;
}

absl::StatusOr<std::optional<v1::JournalRecord>> SessionCore::ProposeSourceFinished(
    uint32_t participant, int64_t now_us) const {
  ATTUNE_RETURN_IF_ERROR(CheckActive(*state_, participant));
  if (LifeOf(state_->book) == v1::SESSION_STATE_CLOSED) return std::nullopt;
  if (state_->book.Find(participant)->finished) return std::nullopt;
  v1::JournalRecord record = NextRecord(*state_, "", now_us);
  record.mutable_source_finished()->set_participant(participant);
  return record;
}

std::optional<v1::JournalRecord> SessionCore::ProposeTimed(int64_t now_us) {
  State& state = *state_;
  if (state.pending.has_value()) return state.pending->record;
  if (state.number == 0) return std::nullopt;
  const Book& book = state.book;
  if (const PracticeState* running = RunningPractice(book);
      running != nullptr && running->planned_us > 0 && !book.ended &&
      now_us >= running->practice.started_session_us() + running->planned_us) {
    v1::JournalRecord record = NextRecord(state, "", now_us);
    record.mutable_practice_stopped()->set_practice(running->practice.practice());
    return record;
  }
  if (!book.ended && book.planned_end_us > 0 && now_us >= book.planned_end_us) {
    v1::JournalRecord record = NextRecord(state, "", now_us);
    record.mutable_ended()->set_ended_session_us(book.planned_end_us);
    return record;
  }
  const Closing closing = NextClosing(state);
  if (closing.at_us == kNever || now_us < closing.at_us) return std::nullopt;
  Evaluated evaluated = Evaluate(book, state.tick + 1, state.engine);
  PendingTick pending;
  pending.record = NextRecord(state, "", now_us);
  v1::TickClosed& tick = *pending.record.mutable_tick_closed();
  tick.set_tick(state.tick + 1);
  tick.set_frame_digest(Digest(evaluated.frame.SerializeAsString()));
  tick.set_by_lateness(closing.by_lateness);
  pending.frame = std::make_shared<const v1::Frame>(std::move(evaluated.frame));
  pending.contributors = std::move(evaluated.contributors);
  state.pending = std::move(pending);
  return state.pending->record;
}

int64_t SessionCore::NextDeadlineUs() const {
  const State& state = *state_;
  if (state.number == 0) return kNever;
  const Book& book = state.book;
  int64_t deadline_us = NextClosing(state).at_us;
  if (book.ended) return deadline_us;
  if (book.planned_end_us > 0) deadline_us = std::min(deadline_us, book.planned_end_us);
  if (const PracticeState* running = RunningPractice(book);
      running != nullptr && running->planned_us > 0) {
    deadline_us =
        std::min(deadline_us, running->practice.started_session_us() + running->planned_us);
  }
  return deadline_us;
}

}  // namespace attune::session
