#include <algorithm>
#include <string>

#include "absl/strings/str_cat.h"
#include "services/session/apply.h"
#include "services/session/roster.h"
#include "services/session/ticks.h"

namespace attune::session {
namespace {

constexpr uint32_t kLeastK = 3;

void LogState(State& state, Effects& effects) {
  v1::LogEntry entry;
  entry.set_state(LifeOf(state.book));
  Log(std::move(entry), state, effects);
}

void Stop(PracticeState& practice, int64_t at_us, State& state, Effects& effects) {
  const int64_t started_us = practice.practice.started_session_us();
  if (practice.planned_us > 0) at_us = std::min(at_us, started_us + practice.planned_us);
  // 0 would mean that it runs.
  practice.practice.set_stopped_session_us(std::max(at_us, started_us + 1));
  v1::LogEntry entry;
  *entry.mutable_practice() = practice.practice;
  Log(std::move(entry), state, effects);
}

}  // namespace

absl::Status ApplyCreated(const v1::Created& created, State& state, Effects& effects) {
  const uint64_t hash = EngineParams().Hash();
  if (created.engine_version() != EngineVersion() || created.params_hash() != hash) {
    return absl::FailedPreconditionError(absl::StrCat(
        "this session's numbers were made by engine ", created.engine_version(), " (parameters ",
        absl::Hex(created.params_hash()), "); this is engine ", EngineVersion(), " (parameters ",
        absl::Hex(hash), "): run a node of that version"));
  }
  if (created.k_min() < kLeastK || created.tick_ms() == 0 || !(created.clock_rate() > 0)) {
    return Misfit(state, "k, tick or clock rate out of range");
  }
  state.book.created = created;
  state.book.planned_end_us = created.planned_end_session_us();
  LogState(state, effects);
  return absl::OkStatus();
}

absl::Status ApplyOwnerTaken(const v1::OwnerTaken& owner, State& state, Effects& effects) {
  (void)effects;
  if (owner.epoch() <= state.epoch) return Misfit(state, "the epoch does not grow");
  state.epoch = owner.epoch();
  ++state.epochs;
  state.owner_us = state.at_us;
  return absl::OkStatus();
}

absl::Status ApplyPracticeStarted(const v1::PracticeStarted& started, State& state,
                                  Effects& effects) {
  if (started.practice().practice() != state.book.practices.size() + 1) {
    return Misfit(state, "this practice is not the next");
  }
  state.book.practices.push_back({started.practice(), started.planned_us()});
  v1::LogEntry entry;
  *entry.mutable_practice() = started.practice();
  Log(std::move(entry), state, effects);
  return absl::OkStatus();
}

absl::Status ApplyPracticeStopped(const v1::PracticeStopped& stopped, State& state,
                                  Effects& effects) {
  const uint32_t number = stopped.practice();
  if (number == 0 || number > state.book.practices.size()) return Misfit(state, "no such practice");
  PracticeState& practice = state.book.practices[number - 1];
  if (practice.practice.stopped_session_us() == 0) Stop(practice, state.at_us, state, effects);
  return absl::OkStatus();
}

absl::Status ApplyAnnotationSet(const v1::AnnotationSet& set, State& state, Effects& effects) {
  const v1::Annotation& annotation = set.annotation();
  if (annotation.annotation() <= state.last_annotation) {
    return Misfit(state, "the number of this annotation is taken");
  }
  state.last_annotation = annotation.annotation();
  state.last_phase = std::max(state.last_phase, annotation.phase());
  state.book.annotations[annotation.annotation()] = {annotation, false};
  v1::LogEntry entry;
  *entry.mutable_annotation() = annotation;
  Log(std::move(entry), state, effects);
  return absl::OkStatus();
}

absl::Status ApplyAnnotationUndone(const v1::AnnotationUndone& undone, State& state,
                                   Effects& effects) {
  const auto it = state.book.annotations.find(undone.annotation());
  // It may have gone with an erased person.
  if (it != state.book.annotations.end()) it->second.undone = true;
  v1::LogEntry entry;
  entry.set_annotation_undone(undone.annotation());
  Log(std::move(entry), state, effects);
  return absl::OkStatus();
}

absl::Status ApplyPromptSent(const v1::PromptSent& sent, State& state, Effects& effects) {
  state.last_prompt = std::max(state.last_prompt, sent.prompt().prompt());
  v1::LogEntry entry;
  *entry.mutable_prompt() = sent.prompt();
  Log(std::move(entry), state, effects);
  return absl::OkStatus();
}

absl::Status ApplyEnded(const v1::Ended& ended, State& state, Effects& effects) {
  if (state.book.ended) return Misfit(state, "the session has ended before");
  if (ended.ended_session_us() > state.at_us) {
    state.book.planned_end_us = ended.ended_session_us();
    return absl::OkStatus();
  }
  for (PracticeState& practice : state.book.practices) {
    if (practice.practice.stopped_session_us() == 0) {
      Stop(practice, ended.ended_session_us(), state, effects);
    }
  }
  state.book.ended = true;
  state.book.ended_us = ended.ended_session_us();
  state.book.report_wanted = true;
  effects.ended = true;
  LogState(state, effects);
  return absl::OkStatus();
}

absl::Status ApplyReportStored(const v1::ReportStored& stored, State& state, Effects& effects) {
  Book& book = state.book;
  if (!book.ended || stored.revision() != book.report_revision + 1) {
    return Misfit(state, "this revision is not the next");
  }
  const bool first = book.report_revision == 0;
  book.report_revision = stored.revision();
  book.report_wanted = false;
  effects.closed = true;
  if (book.created.kind() == v1::SESSION_KIND_TEAM) {
    book.raw_deleted = true;
    for (auto& [number, person] : book.people) {
      person.beats.clear();
      person.beats.shrink_to_fit();
      state.engine.RemovePerson(static_cast<int>(number));
    }
  }
  if (first) LogState(state, effects);
  return absl::OkStatus();
}

absl::Status ApplyTokenRevoked(const v1::TokenRevoked& revoked, State& state, Effects& effects) {
  state.tokens_revoked.insert(revoked.token_id());
  effects.revoked_token_id = revoked.token_id();
  return absl::OkStatus();
}

}  // namespace attune::session
