// Exports: what of a session's raw beats one viewer may have, and what is needed to compute their
// numbers again.
#include <algorithm>
#include <optional>
#include <string>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "services/base/status_macros.h"
#include "services/messages/plan.h"
#include "services/session/plan.h"
#include "services/session/project.h"
#include "services/session/roster.h"
#include "services/session/ticks.h"
#include "services/session/visibility.h"

namespace attune::session {
namespace {

// Where a page begins: after `after_us` in the beats of `participant`, up to `through_us` in all.
struct Cursor {
  uint32_t participant = 0;
  int64_t after_us = -1;
  int64_t through_us = kNever;
};

std::string ToToken(const Cursor& cursor) {
  return absl::StrCat(cursor.participant, ".", cursor.after_us, ".", cursor.through_us);
}

std::optional<Cursor> FromToken(const std::string& token) {
  const std::vector<std::string> parts = absl::StrSplit(token, '.');
  Cursor cursor;
  if (parts.size() != 3 || !absl::SimpleAtoi(parts[0], &cursor.participant) ||
      !absl::SimpleAtoi(parts[1], &cursor.after_us) ||
      !absl::SimpleAtoi(parts[2], &cursor.through_us) || ToToken(cursor) != token) {
    return std::nullopt;
  }
  return cursor;
}

int64_t LengthUs(const State& state) {
  if (state.book.ended) return state.book.ended_us;
  return static_cast<int64_t>(state.tick) * state.book.tick_us();
}

std::vector<const Person*> Exported(const State& state, const Viewer& viewer) {
  std::vector<const Person*> people;
  for (const auto& [number, person] : state.book.people) {
    const uint32_t grants = GrantsIn(*state.grants, number);
    if (!person.erased && SeesBeats(state.book, grants, number, viewer)) {
      people.push_back(&person);
    }
  }
  return people;
}

bool IsOwn(const Person& person, const Viewer& viewer) {
  return viewer.participant == person.number;
}

// The first beat's least time.
int64_t FromUs(const Person& person, const Viewer& viewer) {
  if (IsOwn(person, viewer)) return 0;
  const int64_t since_us = GrantedSince(person, kMeasure | kIndividual);
  return since_us == 0 ? 0 : since_us - synchrony::ReachUs(EngineParams());
}

using Beats = std::vector<StoredBeat>;

Beats::const_iterator FirstFrom(const Beats& beats, int64_t from_us) {
  return std::lower_bound(
      beats.begin(), beats.end(), from_us,
      [](const StoredBeat& stored, int64_t time_us) { return stored.time_us < time_us; });
}

Beats::const_iterator FirstAfter(const Beats& beats, int64_t time_us) {
  return time_us == kNever ? beats.end() : FirstFrom(beats, time_us + 1);
}

void AddPerson(const Person& person, const synchrony::PlanPerson& plan, const Cursor& cursor,
               const Viewer& viewer, v1::ExportHead& head) {
  v1::ExportPerson& out = *head.add_people();
  out.set_participant(person.number);
  out.set_alias(person.alias);
  out.set_left_session_us(person.left ? person.left_us : 0);
  out.set_measured_from_us(messages::FromToProto(plan.measured_from_us));
  out.set_group_from_us(messages::FromToProto(plan.group_from_us));
  out.set_open_from_us(messages::FromToProto(plan.open_from_us));
  out.set_counts_from_us(messages::FromToProto(plan.counts_from_us));
  const uint32_t shown = kMeasure | kGroup | kIndividual | kReport;
  for (const GrantState& grant : person.grants) {
    const v1::Consent& consent = grant.consent;
    if (!IsOwn(person, viewer) && !Has(shown, GrantBit(consent.purpose(), consent.audience()))) {
      continue;
    }
    v1::ExportConsent& to = *out.add_consents();
    *to.mutable_consent() = consent;
    to.set_since_session_us(grant.since_us);
  }
  for (const v1::MeasureAnswer& answer : person.measures) *out.add_measures() = answer;
  const auto first = FirstFrom(person.beats, FromUs(person, viewer));
  const auto last = FirstAfter(person.beats, cursor.through_us);
  out.set_beats(first < last ? static_cast<uint64_t>(last - first) : 0);
}

void AddPairs(const State& state, const synchrony::Plan& plan,
              const std::vector<const Person*>& people, const Viewer& viewer,
              v1::ExportHead& head) {
  const auto exported = [&](int number) {
    return std::any_of(people.begin(), people.end(), [number](const Person* person) {
      return person->number == static_cast<uint32_t>(number);
    });
  };
  for (const synchrony::PlanPair& pair : plan.pairs) {
    const auto a = static_cast<uint32_t>(pair.a);
    const auto b = static_cast<uint32_t>(pair.b);
    const uint32_t grants_a = GrantsIn(*state.grants, a);
    const uint32_t grants_b = GrantsIn(*state.grants, b);
    if (!exported(pair.a) || !exported(pair.b) || !Has(grants_a & grants_b, kReport) ||
        !SeesPair(state.book, grants_a, grants_b, a, b, viewer)) {
      continue;
    }
    v1::ExportPair& out = *head.add_pairs();
    const Dyad* dyad = state.book.DyadOf(a, b);
    out.set_dyad(dyad == nullptr ? 0 : dyad->number);
    out.set_a(a);
    out.set_b(b);
    out.set_from_session_us(messages::FromToProto(pair.from_us));
  }
}

v1::ExportHead HeadFor(const State& state, const std::vector<const Person*>& people,
                       const Cursor& cursor, const Viewer& viewer) {
  const Book& book = state.book;
  v1::ExportHead head;
  head.set_kind(book.created.kind());
  head.set_title(book.created.title());
  head.set_created_utc_us(book.created.utc_us());
  head.set_length_us(LengthUs(state));
  head.set_state(LifeOf(book));
  head.set_revision(book.report_revision);
  head.set_engine_version(book.created.engine_version());
  head.set_params_hash(book.created.params_hash());
  head.set_tick_ms(book.created.tick_ms());
  *head.mutable_measures() = book.created.measures();
  for (const v1::Phase& phase : PhasesOf(book, head.length_us())) *head.add_phases() = phase;
  for (const PracticeState& practice : book.practices) {
    *head.add_practices() = practice.practice;
  }
  for (const auto& [number, set] : book.annotations) {
    if (!set.undone && SeesNoteAbout(set.annotation.participant(), viewer)) {
      *head.add_annotations() = set.annotation;
    }
  }
  const synchrony::Plan plan = PlanWithoutBeats(book, head.length_us());
  for (const Person* person : people) {
    const auto of_plan = std::find_if(plan.people.begin(), plan.people.end(),
                                      [person](const synchrony::PlanPerson& other) {
                                        return other.person == static_cast<int>(person->number);
                                      });
    AddPerson(*person, *of_plan, cursor, viewer, head);
  }
  AddPairs(state, plan, people, viewer, head);
  head.set_open_people_most(static_cast<uint32_t>(plan.open_people_most));
  head.set_left_out(static_cast<uint32_t>(plan.people.size() - people.size()));
  return head;
}

void AddBeat(const StoredBeat& stored, v1::ExportBeats& out) {
  if (stored.gap_before) {
    out.add_gap_before(static_cast<uint32_t>(out.time_session_us_size()));
  }
  out.add_time_session_us(stored.time_us);
  out.add_rr_1024(stored.rr_1024);
  out.add_jitter_us(stored.jitter_us);
  out.add_offset_bound_us(stored.offset_bound_us);
}

// Fills the page from `cursor` on; the cursor of the next page, if there is one.
std::optional<Cursor> AddBeats(const std::vector<const Person*>& people, const Cursor& cursor,
                               const Viewer& viewer, v1::GetExportResponse& response) {
  int room = kExportPageBeats;
  for (const Person* person : people) {
    if (person->number < cursor.participant) continue;
    auto beat = FirstFrom(person->beats, FromUs(*person, viewer));
    if (person->number == cursor.participant) {
      beat = std::max(beat, FirstAfter(person->beats, cursor.after_us));
    }
    const auto end = FirstAfter(person->beats, cursor.through_us);
    if (beat >= end) continue;
    if (room <= 0) return Cursor{person->number, -1, cursor.through_us};
    v1::ExportBeats& out = *response.add_beats();
    out.set_participant(person->number);
    // Beats of one time stay on one page.
    for (; beat < end; ++beat, --room) {
      if (room <= 0 && beat->time_us != (beat - 1)->time_us) {
        return Cursor{person->number, (beat - 1)->time_us, cursor.through_us};
      }
      AddBeat(*beat, out);
    }
  }
  return std::nullopt;
}

absl::Status Refusal(const State& state, const Viewer& viewer) {
  const Book& book = state.book;
  if (!SeesRoster(viewer)) {
    return absl::PermissionDeniedError("only participants and facilitators may export");
  }
  if (book.created.kind() == v1::SESSION_KIND_TEAM && book.report_revision > 0) {
    return absl::FailedPreconditionError(
        "the raw beats of a team session are deleted once its report is stored; ask for the "
        "report");
  }
  return absl::OkStatus();
}

absl::Status NobodyFor(const State& state, const Viewer& viewer) {
  if (viewer.role == v1::ROLE_PARTICIPANT) {
    return absl::FailedPreconditionError("your data has been erased: there is nothing to export");
  }
  if (state.book.created.kind() != v1::SESSION_KIND_LAB) {
    return absl::PermissionDeniedError(
        "outside lab sessions nobody but a participant exports that participant's beats");
  }
  return absl::PermissionDeniedError(
      "nobody here agrees to share with the facilitator and to be kept in the report "
      "(INDIVIDUAL to FACILITATOR, REPORT to SELF)");
}

}  // namespace

absl::StatusOr<v1::GetExportResponse> ProjectExport(const State& state,
                                                    const v1::GetExportRequest& request,
                                                    const Viewer& viewer) {
  ATTUNE_RETURN_IF_ERROR(Refusal(state, viewer));
  const std::vector<const Person*> people = Exported(state, viewer);
  if (people.empty()) return NobodyFor(state, viewer);
  v1::GetExportResponse response;
  Cursor cursor;
  if (request.page_token().empty()) {
    if (!state.book.ended) cursor.through_us = LengthUs(state) + EngineParams().horizon_us;
    *response.mutable_head() = HeadFor(state, people, cursor, viewer);
  } else {
    const std::optional<Cursor> parsed = FromToken(request.page_token());
    if (!parsed) {
      return absl::InvalidArgumentError("page_token is not one that an export has given");
    }
    cursor = *parsed;
    const bool there = std::any_of(people.begin(), people.end(), [&](const Person* person) {
      return person->number == cursor.participant;
    });
    if (!there) {
      return absl::AbortedError("what may be exported has changed meanwhile: begin again");
    }
  }
  const std::optional<Cursor> next = AddBeats(people, cursor, viewer, response);
  if (next) response.set_next_page_token(ToToken(*next));
  return response;
}

}  // namespace attune::session
