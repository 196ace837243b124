// Proposals about the session: its creation, owner, practices, moments, tokens, end and report.
#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "services/base/status_macros.h"
#include "services/session/measures.h"
#include "services/session/propose.h"
#include "services/session/roster.h"
#include "services/session/ticks.h"

namespace attune::session {
namespace {

constexpr size_t kTitleMost = 80;
constexpr size_t kLabelMost = 80;
constexpr size_t kTokenIdMost = 128;
constexpr uint32_t kDefaultTickMs = 1000;
constexpr uint32_t kShortTickMs = 250;
constexpr uint32_t kDefaultK = 5;
constexpr uint32_t kLeastK = 3;
constexpr int64_t kShortestUs = 10 * kSecondUs;
constexpr int64_t kLongestUs = 12 * 3600 * kSecondUs;
constexpr double kClockRateMost = 1000;

absl::Status CheckPacer(const v1::StartPracticeRequest& request) {
  const bool paced = request.kind() == v1::PRACTICE_KIND_PACED_BREATHING;
  if (paced != request.has_pacer()) {
    return absl::InvalidArgumentError(paced ? "paced breathing needs a pacer"
                                            : "only paced breathing has a pacer");
  }
  if (!paced) return absl::OkStatus();
  const auto within = [](uint32_t ms, uint32_t least, uint32_t most) {
    return ms >= least && ms <= most;
  };
  const v1::Pacer& pacer = request.pacer();
  if (!within(pacer.inhale_ms(), 1000, 15'000) || !within(pacer.exhale_ms(), 1000, 15'000) ||
      !within(pacer.hold_ms(), 0, 10'000)) {
    return absl::InvalidArgumentError(
        "a pacer inhales and exhales for 1..15 s each and holds for at most 10 s");
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<v1::JournalRecord> SessionCore::ProposeCreate(
    const v1::CreateSessionRequest& request, const CreateOptions& options) {
  ATTUNE_RETURN_IF_ERROR(CheckRequestId(request.request_id()));
  switch (request.kind()) {
    case v1::SESSION_KIND_TEAM:
    case v1::SESSION_KIND_COUPLES:
      break;
    case v1::SESSION_KIND_LAB:
      if (!options.lab_allowed) {
        return absl::PermissionDeniedError(
            "lab sessions are not allowed here: start a node with them allowed");
      }
      break;
    default:
      return absl::InvalidArgumentError("a session needs a kind: team, couples or lab");
  }
  ATTUNE_RETURN_IF_ERROR(CheckWords("title", request.title(), 0, kTitleMost));
  const uint32_t tick_ms = request.tick_ms() == 0 ? kDefaultTickMs : request.tick_ms();
  if (tick_ms != kDefaultTickMs && tick_ms != kShortTickMs) {
    return absl::InvalidArgumentError("tick_ms must be 250 or 1000");
  }
  const uint32_t k_min = request.k_min() == 0 ? kDefaultK : request.k_min();
  if (k_min < kLeastK || k_min > Limits{}.people) {
    return absl::InvalidArgumentError(
        absl::StrCat("k_min must be at least ", kLeastK, ": fewer people give each other away"));
  }
  const int64_t end_us = request.planned_end_session_us();
  if (end_us != 0 && (end_us < kShortestUs || end_us > kLongestUs)) {
    return absl::InvalidArgumentError("a planned end must lie 10 s .. 12 h after the start");
  }
  if (!(options.clock_rate > 0 && options.clock_rate <= kClockRateMost) ||
      options.lateness_us < 0 || options.grace_us < 0) {
    return absl::InvalidArgumentError("clock rate, lateness or grace out of range");
  }
  ATTUNE_ASSIGN_OR_RETURN(const std::vector<v1::Measure> measures,
                          CheckMeasures(request.kind(), request.measures()));
  v1::JournalRecord record;
  record.set_number(1);
  record.set_request_id(request.request_id());
  v1::Created& created = *record.mutable_created();
  created.set_session_id(options.session_id);
  created.set_kind(request.kind());
  created.set_title(request.title());
  created.set_utc_us(options.utc_us);
  created.set_engine_version(EngineVersion());
  created.set_params_hash(EngineParams().Hash());
  created.set_tick_ms(tick_ms);
  created.set_k_min(k_min);
  created.set_planned_end_session_us(end_us);
  created.set_clock_rate(options.clock_rate);
  created.set_join_code(options.join_code);
  created.set_lateness_us(options.lateness_us);
  created.set_grace_us(options.grace_us);
  for (const v1::Measure measure : measures) created.add_measures(measure);
  return record;
}

absl::StatusOr<v1::JournalRecord> SessionCore::ProposeOwnerTaken(const v1::OwnerTaken& owner,
                                                                 int64_t now_us) const {
  if (owner.epoch() <= state_->epoch) {
    return absl::FailedPreconditionError(
        absl::StrCat("epoch ", owner.epoch(), " is not newer than the journal's ", state_->epoch));
  }
  v1::JournalRecord record = NextRecord(*state_, "", now_us);
  *record.mutable_owner_taken() = owner;
  return record;
}

absl::StatusOr<v1::JournalRecord> SessionCore::ProposeStartPractice(
    const v1::StartPracticeRequest& request, int64_t now_us) const {
  const State& state = *state_;
  v1::JournalRecord record = NextRecord(state, request.request_id(), now_us);
  v1::Practice& practice = *record.mutable_practice_started()->mutable_practice();
  practice.set_kind(request.kind());
  if (request.has_pacer()) *practice.mutable_pacer() = request.pacer();
  record.mutable_practice_started()->set_planned_us(request.planned_us());
  ATTUNE_RETURN_IF_ERROR(CheckRequest(state, record));
  ATTUNE_RETURN_IF_ERROR(CheckOpen(state));
  if (request.kind() == v1::PRACTICE_KIND_UNSPECIFIED ||
      !v1::PracticeKind_IsValid(request.kind())) {
    return absl::InvalidArgumentError("a practice needs a kind");
  }
  ATTUNE_RETURN_IF_ERROR(CheckPacer(request));
  if (request.planned_us() < 0 || request.planned_us() > kPracticeMaxUs) {
    return absl::InvalidArgumentError("a practice is planned for at most 12 h");
  }
  if (const PracticeState* running = RunningPractice(state.book)) {
    return absl::FailedPreconditionError(
        absl::StrCat("practice ", running->practice.practice(), " is running: stop it first"));
  }
  if (state.book.practices.size() >= state.limits.practices) {
    return absl::ResourceExhaustedError(
        absl::StrCat("at most ", state.limits.practices, " practices in a session"));
  }
  practice.set_practice(static_cast<uint32_t>(state.book.practices.size()) + 1);
  practice.set_started_session_us(record.at_session_us());
  return record;
}

absl::StatusOr<v1::JournalRecord> SessionCore::ProposeStopPractice(
    const v1::StopPracticeRequest& request, int64_t now_us) const {
  const State& state = *state_;
  const uint32_t number = request.practice();
  v1::JournalRecord record = NextRecord(state, request.request_id(), now_us);
  record.mutable_practice_stopped()->set_practice(number);
  ATTUNE_RETURN_IF_ERROR(CheckRequest(state, record));
  ATTUNE_RETURN_IF_ERROR(CheckOpen(state));
  if (number == 0 || number > state.book.practices.size()) {
    return absl::NotFoundError(absl::StrCat("no practice ", number));
  }
  if (state.book.practices[number - 1].practice.stopped_session_us() != 0) {
    return absl::FailedPreconditionError(absl::StrCat("practice ", number, " has stopped"));
  }
  return record;
}

absl::StatusOr<v1::JournalRecord> SessionCore::ProposeAnnotate(const v1::AnnotateRequest& request,
                                                               int64_t now_us) const {
  const State& state = *state_;
  v1::JournalRecord record = NextRecord(state, request.request_id(), now_us);
  if (request.undoes() != 0) {
    record.mutable_annotation_undone()->set_annotation(request.undoes());
    ATTUNE_RETURN_IF_ERROR(CheckRequest(state, record));
    ATTUNE_RETURN_IF_ERROR(CheckOpen(state));
    const auto it = state.book.annotations.find(request.undoes());
    if (it == state.book.annotations.end() || it->second.undone) {
      return absl::NotFoundError(absl::StrCat("no annotation ", request.undoes()));
    }
    return record;
  }
  v1::Annotation& annotation = *record.mutable_annotation_set()->mutable_annotation();
  annotation.set_label(request.label());
  annotation.set_begins_phase(request.begins_phase());
  annotation.set_participant(request.participant());
  ATTUNE_RETURN_IF_ERROR(CheckRequest(state, record));
  ATTUNE_RETURN_IF_ERROR(CheckOpen(state));
  ATTUNE_RETURN_IF_ERROR(CheckWords("label", request.label(), 1, kLabelMost));
  if (request.at_session_us() < 0 || request.at_session_us() > record.at_session_us()) {
    return absl::InvalidArgumentError("a mark lies between the start of the session and now");
  }
  if (request.participant() != 0) {
    if (state.book.created.kind() == v1::SESSION_KIND_TEAM) {
      return absl::InvalidArgumentError("team sessions have no marks about one person");
    }
    ATTUNE_RETURN_IF_ERROR(CheckActive(state, request.participant()));
    if (request.begins_phase()) {
      return absl::InvalidArgumentError("a phase is about everybody");
    }
  }
  // Undone ones count too: their numbers are taken.
  if (state.last_annotation >= state.limits.annotations) {
    return absl::ResourceExhaustedError(
        absl::StrCat("at most ", state.limits.annotations, " marks in a session"));
  }
  annotation.set_annotation(state.last_annotation + 1);
  annotation.set_at_session_us(request.at_session_us() == 0 ? record.at_session_us()
                                                            : request.at_session_us());
  if (request.begins_phase()) annotation.set_phase(state.last_phase + 1);
  return record;
}

absl::StatusOr<v1::JournalRecord> SessionCore::ProposeRevoke(const v1::RevokeTokenRequest& request,
                                                             int64_t now_us) const {
  const State& state = *state_;
  v1::JournalRecord record = NextRecord(state, request.request_id(), now_us);
  record.mutable_token_revoked()->set_token_id(request.token_id());
  ATTUNE_RETURN_IF_ERROR(CheckRequest(state, record));
  ATTUNE_RETURN_IF_ERROR(CheckWords("token_id", request.token_id(), 1, kTokenIdMost));
  if (state.tokens_revoked.size() >= state.limits.tokens_revoked) {
    return absl::ResourceExhaustedError(
        absl::StrCat("at most ", state.limits.tokens_revoked, " revoked tokens in a session"));
  }
  return record;
}

absl::StatusOr<v1::JournalRecord> SessionCore::ProposeEnd(const v1::EndSessionRequest& request,
                                                          int64_t now_us) const {
  const State& state = *state_;
  v1::JournalRecord record = NextRecord(state, request.request_id(), now_us);
  record.mutable_ended();
  ATTUNE_RETURN_IF_ERROR(CheckRequest(state, record));
  ATTUNE_RETURN_IF_ERROR(CheckOpen(state));
  const int64_t at_us =
      request.at_session_us() == 0 ? record.at_session_us() : request.at_session_us();
  const int64_t closed_us = static_cast<int64_t>(state.tick) * state.book.tick_us();
  if (at_us < closed_us || at_us > std::max(record.at_session_us(), kLongestUs)) {
    return absl::InvalidArgumentError(absl::StrCat("a session ends after its last closed tick (",
                                                   closed_us, " us) and within 12 h"));
  }
  record.mutable_ended()->set_ended_session_us(at_us);
  return record;
}

absl::StatusOr<v1::JournalRecord> SessionCore::ProposeReportStored(const v1::Report& report,
                                                                   int64_t now_us) const {
  const Book& book = state_->book;
  if (!book.ended || !book.report_wanted) {
    return absl::FailedPreconditionError("no report is due");
  }
  if (report.revision() != book.report_revision + 1) {
    return absl::FailedPreconditionError(absl::StrCat("the report due is revision ",
                                                      book.report_revision + 1, ", this one is ",
                                                      report.revision()));
  }
  for (const v1::PersonReport& person : report.people()) {
    const Person* known = book.Find(person.participant());
    if (known == nullptr || known->erased) {
      return absl::FailedPreconditionError(
          "somebody was erased after this report was begun: build it again");
    }
  }
  v1::JournalRecord record = NextRecord(*state_, "", now_us);
  record.mutable_report_stored()->set_revision(report.revision());
  record.mutable_report_stored()->set_report_digest(Digest(report.SerializeAsString()));
  return record;
}

}  // namespace attune::session
