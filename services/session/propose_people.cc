// Proposals about people: joining, consent, leaving, erasing, pairs, viewers, answers.
#include <cmath>
#include <string>

#include "absl/strings/str_cat.h"
#include "services/base/status_macros.h"
#include "services/session/consent.h"
#include "services/session/propose.h"
#include "services/session/roster.h"

namespace attune::session {
namespace {

constexpr size_t kAliasMost = 40;
constexpr size_t kDyadKeyMost = 64;
constexpr size_t kScaleMost = 40;
constexpr size_t kSubjectBytes = 16;

absl::Status CheckDyadKey(const State& state, const std::string& key) {
  if (key.empty()) return absl::OkStatus();
  if (state.book.created.kind() == v1::SESSION_KIND_TEAM) {
    return absl::InvalidArgumentError("team sessions have no pairs: leave dyad_key empty");
  }
  ATTUNE_RETURN_IF_ERROR(CheckWords("dyad_key", key, 1, kDyadKeyMost));
  if (CountDyadKey(state.book, key) >= 2) {
    return absl::FailedPreconditionError(
        "two people have taken this word already; agree on another one");
  }
  if (state.book.dyads.size() >= state.limits.dyads) {
    return absl::ResourceExhaustedError(
        absl::StrCat("at most ", state.limits.dyads, " pairs in a session"));
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<v1::JournalRecord> SessionCore::ProposeJoin(const v1::JoinSessionRequest& request,
                                                           std::string_view subject,
                                                           int64_t now_us) const {
  const State& state = *state_;
  v1::JournalRecord record = NextRecord(state, request.request_id(), now_us);
  v1::Joined& joined = *record.mutable_joined();
  joined.set_alias(request.alias());
  *joined.mutable_consents() = request.consents();
  joined.set_dyad_key(request.dyad_key());
  ATTUNE_RETURN_IF_ERROR(CheckRequest(state, record));
  ATTUNE_RETURN_IF_ERROR(CheckOpen(state));
  if (request.role() != v1::ROLE_UNSPECIFIED && request.role() != v1::ROLE_PARTICIPANT) {
    return absl::InvalidArgumentError("only participants join; others just watch");
  }
  if (subject.size() != kSubjectBytes) {
    return absl::InvalidArgumentError("a subject must be 16 bytes");
  }
  ATTUNE_RETURN_IF_ERROR(CheckWords("alias", request.alias(), 1, kAliasMost));
  ATTUNE_RETURN_IF_ERROR(CheckConsents(request.consents()));
  if (state.book.people.size() >= state.limits.people) {
    return absl::ResourceExhaustedError(
        absl::StrCat("at most ", state.limits.people, " people in a session"));
  }
  ATTUNE_RETURN_IF_ERROR(CheckDyadKey(state, request.dyad_key()));
  joined.set_participant(state.book.people.empty() ? 1 : state.book.people.rbegin()->first + 1);
  joined.set_subject(std::string(subject));
  return record;
}

std::optional<v1::JournalRecord> SessionCore::ProposeDyad(int64_t now_us) const {
  const State& state = *state_;
  if (state.book.dyads.size() >= state.limits.dyads || !CheckOpen(state).ok()) return std::nullopt;
  std::map<std::string, uint32_t> waiting;  // word -> first half
  for (const auto& [number, person] : state.book.people) {
    if (!person.active() || person.dyad_key.empty()) continue;
    if (state.book.DyadOf(number) != nullptr) continue;
    const auto [first, fresh] = waiting.emplace(person.dyad_key, number);
    if (fresh) continue;
    v1::JournalRecord record = NextRecord(state, "", now_us);
    record.mutable_dyad_formed()->set_dyad(static_cast<uint32_t>(state.book.dyads.size()) + 1);
    record.mutable_dyad_formed()->set_a(first->second);
    record.mutable_dyad_formed()->set_b(number);
    return record;
  }
  return std::nullopt;
}

absl::StatusOr<v1::JournalRecord> SessionCore::ProposeViewerJoined(const Viewer& viewer,
                                                                   int64_t now_us) const {
  const State& state = *state_;
  if (viewer.role != v1::ROLE_FACILITATOR && viewer.role != v1::ROLE_OBSERVER &&
      viewer.role != v1::ROLE_PARTICIPANT) {
    return absl::PermissionDeniedError("this role sees no session");
  }
  if (state.viewers.size() >= state.limits.viewers) {
    return absl::ResourceExhaustedError(
        absl::StrCat("at most ", state.limits.viewers, " live views of a session at once"));
  }
  v1::JournalRecord record = NextRecord(state, "", now_us);
  record.mutable_viewer_joined()->set_viewer(state.last_viewer + 1);
  record.mutable_viewer_joined()->set_role(viewer.role);
  record.mutable_viewer_joined()->set_participant(viewer.participant);
  return record;
}

absl::StatusOr<v1::JournalRecord> SessionCore::ProposeViewerLeft(uint32_t viewer_number,
                                                                 int64_t now_us) const {
  if (!state_->viewers.contains(viewer_number)) {
    return absl::NotFoundError(absl::StrCat("no viewer ", viewer_number));
  }
  v1::JournalRecord record = NextRecord(*state_, "", now_us);
  record.mutable_viewer_left()->set_viewer(viewer_number);
  return record;
}

absl::StatusOr<v1::JournalRecord> SessionCore::ProposeConsent(uint32_t participant,
                                                              const v1::SetConsentRequest& request,
                                                              int64_t now_us) const {
  // In every state of the session, and after leaving too: a withdrawal is never refused.
  const State& state = *state_;
  v1::JournalRecord record = NextRecord(state, request.request_id(), now_us);
  record.mutable_consent_changed()->set_participant(participant);
  *record.mutable_consent_changed()->mutable_consents() = request.consents();
  ATTUNE_RETURN_IF_ERROR(CheckRequest(state, record));
  const Person* person = state.book.Find(participant);
  if (person == nullptr || person->erased) return CheckActive(state, participant);
  if (request.consents().empty()) return absl::InvalidArgumentError("no consent to change");
  ATTUNE_RETURN_IF_ERROR(CheckConsents(request.consents()));
  return record;
}

absl::StatusOr<v1::JournalRecord> SessionCore::ProposeLeave(uint32_t participant,
                                                            std::string_view request_id,
                                                            int64_t now_us) const {
  v1::JournalRecord record = NextRecord(*state_, request_id, now_us);
  record.mutable_left()->set_participant(participant);
  ATTUNE_RETURN_IF_ERROR(CheckRequest(*state_, record));
  ATTUNE_RETURN_IF_ERROR(CheckActive(*state_, participant));
  return record;
}

absl::StatusOr<v1::JournalRecord> SessionCore::ProposeErase(uint32_t participant,
                                                            std::string_view request_id,
                                                            int64_t now_us) const {
  v1::JournalRecord record = NextRecord(*state_, request_id, now_us);
  record.mutable_erased()->set_participant(participant);
  ATTUNE_RETURN_IF_ERROR(CheckRequest(*state_, record));
  const Person* person = state_->book.Find(participant);
  // Also after leaving, and after the session is closed.
  if (person == nullptr || person->erased) return CheckActive(*state_, participant);
  record.mutable_erased()->set_subject(person->subject);
  return record;
}

absl::StatusOr<v1::JournalRecord> SessionCore::ProposeDissolveDyad(
    const v1::DissolveDyadRequest& request, int64_t now_us) const {
  const State& state = *state_;
  const uint32_t dyad = request.dyad();
  v1::JournalRecord record = NextRecord(state, request.request_id(), now_us);
  record.mutable_dyad_dissolved()->set_dyad(dyad);
  ATTUNE_RETURN_IF_ERROR(CheckRequest(state, record));
  ATTUNE_RETURN_IF_ERROR(CheckOpen(state));
  if (dyad == 0 || dyad > state.book.dyads.size() ||
      !state.book.Stands(state.book.dyads[dyad - 1])) {
    return absl::NotFoundError(absl::StrCat("no pair ", dyad));
  }
  return record;
}

absl::StatusOr<v1::JournalRecord> SessionCore::ProposeMeasure(
    uint32_t participant, const v1::SubmitMeasureRequest& request, int64_t now_us) const {
  const State& state = *state_;
  v1::JournalRecord record = NextRecord(state, request.request_id(), now_us);
  v1::MeasureSubmitted& measure = *record.mutable_measure();
  measure.set_participant(participant);
  measure.mutable_answer()->set_scale(request.scale());
  measure.mutable_answer()->set_value(request.value());
  measure.mutable_answer()->set_before(request.before());
  ATTUNE_RETURN_IF_ERROR(CheckRequest(state, record));
  if (LifeOf(state.book) == v1::SESSION_STATE_CLOSED) return CheckOpen(state);
  ATTUNE_RETURN_IF_ERROR(CheckActive(state, participant));
  ATTUNE_RETURN_IF_ERROR(CheckWords("scale", request.scale(), 1, kScaleMost));
  if (!std::isfinite(request.value())) {
    return absl::InvalidArgumentError("an answer must be a finite number");
  }
  if (state.book.Find(participant)->measures.size() >= state.limits.measures_per_person) {
    return absl::ResourceExhaustedError(
        absl::StrCat("at most ", state.limits.measures_per_person, " answers of one person"));
  }
  return record;
}

}  // namespace attune::session
