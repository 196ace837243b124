#include "services/session/project.h"

#include <algorithm>
#include <cmath>

#include "services/session/measures.h"
#include "services/session/roster.h"
#include "services/session/visibility.h"

namespace attune::session {
namespace {

std::string AliasOf(const Book& book, uint32_t participant) {
  const Person* person = book.Find(participant);
  return person == nullptr ? "" : person->alias;
}

// `as_computed`: whether the viewer sees the group unrounded.
v1::GroupFrame ProjectGroup(const Book& book, const Grants& now, const FrameGround& ground,
                            const v1::GroupFrame& group, const Viewer& viewer, bool* as_computed) {
  *as_computed = false;
  if (book.created.kind() == v1::SESSION_KIND_LAB && IsFacilitator(viewer)) {
    for (const uint32_t contributor : ground.contributors) {
      if (!Has(now, contributor, kMeasure | kGroup)) {
        return WithheldGroup(v1::ABSENCE_NOT_ENOUGH_DATA);
      }
    }
    *as_computed = true;
    return group;
  }
  const auto& contributors = ground.contributors;
  size_t others = contributors.size();
  if (viewer.participant != 0 &&
      std::binary_search(contributors.begin(), contributors.end(), viewer.participant)) {
    --others;
  }
  if (others < book.created.k_min()) return WithheldGroup(v1::ABSENCE_TOO_FEW_PEOPLE);
  bool released = ground.settled;
  for (const uint32_t contributor : contributors) {
    released = released && Has(now, contributor, kMeasure | kGroup);
  }
  if (!released) return WithheldGroup(v1::ABSENCE_NOT_ENOUGH_DATA);
  v1::GroupFrame out;
  out.set_people(group.people());
  *out.mutable_order_parameter() = RoundedNumber(group.order_parameter());
  *out.mutable_r_mean_pairwise() = RoundedNumber(group.r_mean_pairwise());
  return out;
}

using NamedNumbers = google::protobuf::RepeatedPtrField<v1::NamedNumber>;

// What of a person's values tells of nobody else.
NamedNumbers OfOneAlone(const NamedNumbers& more) {
  NamedNumbers out;
  for (const v1::NamedNumber& named : more) {
    if (!OfOneWithinGroup(named.measure())) *out.Add() = named;
  }
  return out;
}

// Without what tells of others, unless the viewer sees the group as computed.
v1::PersonFrame ProjectPerson(const v1::PersonFrame& person, bool sees_group) {
  v1::PersonFrame out = person;
  if (!sees_group) *out.mutable_more() = OfOneAlone(person.more());
  return out;
}

v1::PersonReport ProjectPerson(const v1::PersonReport& person, bool sees_group) {
  v1::PersonReport out = person;
  if (sees_group) return out;
  for (v1::PersonPhase& phase : *out.mutable_phases()) {
    *phase.mutable_more() = OfOneAlone(NamedNumbers(phase.more()));
  }
  return out;
}

// The own pair of a participant whose partners do not both share it.
void AddNotShared(const Dyad& dyad, v1::Frame& out) {
  v1::PairFrame& pair = *out.add_pairs();
  pair.set_dyad(dyad.number);
  pair.set_a(dyad.a);
  pair.set_b(dyad.b);
  pair.mutable_r_mean_windowed()->set_absent(v1::ABSENCE_NO_CONSENT);
  pair.mutable_r_zero_lag()->set_absent(v1::ABSENCE_NO_CONSENT);
  pair.mutable_r_peak()->set_absent(v1::ABSENCE_NO_CONSENT);
  pair.mutable_lag_ms()->set_absent(v1::ABSENCE_NO_CONSENT);
  pair.mutable_plv_lf()->set_absent(v1::ABSENCE_NO_CONSENT);
}

bool Begun(const Book& book, uint32_t participant, int64_t tick_end_us) {
  const Person* person = book.Find(participant);
  return person != nullptr && LastBeatAt(*person, tick_end_us) != nullptr;
}

}  // namespace

double Rounded(double value) {
  return std::nearbyint(value * kRoundingSteps) / kRoundingSteps + 0.0;
}

const char* ViewerAlias(v1::Role role) {
  switch (role) {
    case v1::ROLE_FACILITATOR:
      return "facilitator";
    case v1::ROLE_OBSERVER:
      return "observer";
    default:
      return "";
  }
}

v1::Frame Project(const Book& book, const Grants& now, const FrameGround* ground,
                  const v1::Frame& frame, const Viewer& viewer) {
  v1::Frame out;
  out.set_tick(frame.tick());
  out.set_end_session_us(frame.end_session_us());
  if (!IsSomebody(book, viewer)) return out;
  out.set_phase(frame.phase());
  out.set_practice(frame.practice());
  if (ground == nullptr || ground->then == nullptr) {
    *out.mutable_group() = WithheldGroup(v1::ABSENCE_NOT_ENOUGH_DATA);
    return out;
  }
  const Grants& then = *ground->then;
  bool sees_group = false;
  *out.mutable_group() = ProjectGroup(book, now, *ground, frame.group(), viewer, &sees_group);
  for (const v1::PersonFrame& person : frame.people()) {
    const uint32_t grants = GrantsIn(now, then, person.participant());
    if (SeesPerson(book, grants, person.participant(), viewer)) {
      *out.add_people() = ProjectPerson(person, sees_group);
    }
  }
  const Dyad* own =
      SeesRoster(viewer) && viewer.participant != 0 && book.created.kind() != v1::SESSION_KIND_TEAM
          ? book.DyadOf(viewer.participant)
          : nullptr;
  bool own_shown = false;
  for (const v1::PairFrame& pair : frame.pairs()) {
    const uint32_t grants_a = GrantsIn(now, then, pair.a());
    const uint32_t grants_b = GrantsIn(now, then, pair.b());
    if (SeesPair(book, grants_a, grants_b, pair.a(), pair.b(), viewer)) {
      *out.add_pairs() = pair;
      own_shown |= own != nullptr && pair.a() == own->a && pair.b() == own->b;
    }
  }
  // Only once both have begun, so that it does not tell when somebody connected.
  if (own != nullptr && !own_shown && Begun(book, own->a, frame.end_session_us()) &&
      Begun(book, own->b, frame.end_session_us())) {
    AddNotShared(*own, out);
  }
  return out;
}

std::optional<v1::LogEntry> Project(const Book& book, const v1::LogEntry& entry,
                                    const Viewer& viewer) {
  const bool erased_or_state =
      entry.what_case() == v1::LogEntry::kErased || entry.what_case() == v1::LogEntry::kState;
  if (!erased_or_state && !IsSomebody(book, viewer)) return std::nullopt;
  switch (entry.what_case()) {
    case v1::LogEntry::kJoined: {
      if (!SeesRoster(viewer)) return std::nullopt;
      v1::LogEntry out = entry;
      if (!entry.joined().viewer()) {
        const Person* person = book.Find(entry.joined().participant());
        if (person == nullptr || person->erased) return std::nullopt;
        out.mutable_joined()->set_alias(person->alias);
      }
      return out;
    }
    case v1::LogEntry::kLeft:
    case v1::LogEntry::kDyad:
      if (!SeesRoster(viewer)) return std::nullopt;
      return entry;
    case v1::LogEntry::kAnnotation: {
      if (!SeesNoteAbout(entry.annotation().participant(), viewer)) return std::nullopt;
      return entry;
    }
    case v1::LogEntry::kPrompt:
      if (!SeesRoster(viewer) || viewer.participant == 0 ||
          viewer.participant != entry.prompt().participant()) {
        return std::nullopt;
      }
      return entry;
    case v1::LogEntry::kPractice:
    case v1::LogEntry::kErased:
    case v1::LogEntry::kAnnotationUndone:
    case v1::LogEntry::kState:
      return entry;
    case v1::LogEntry::WHAT_NOT_SET:
      break;
  }
  return std::nullopt;
}

std::vector<v1::Presence> ProjectPresence(const State& state, const Viewer& viewer,
                                          int64_t now_us) {
  std::vector<v1::Presence> out;
  const Book& book = state.book;
  if (!SeesRoster(viewer) || !IsSomebody(book, viewer)) return out;
  const bool team = book.created.kind() == v1::SESSION_KIND_TEAM;
  for (const auto& [number, person] : book.people) {
    if (person.erased) continue;
    const bool own = viewer.participant == number;
    const Dyad* dyad = book.DyadOf(number);
    v1::Presence& presence = out.emplace_back();
    presence.set_participant(number);
    presence.set_alias(person.alias);
    presence.set_link(LinkOf(state, person, own, now_us));
    presence.set_dyad(dyad == nullptr ? 0 : dyad->number);
    const bool partner = dyad != nullptr && viewer.participant != 0 &&
                         (dyad->a == viewer.participant || dyad->b == viewer.participant) &&
                         SeesPair(book, GrantsIn(*state.grants, dyad->a),
                                  GrantsIn(*state.grants, dyad->b), dyad->a, dyad->b, viewer);
    const bool age = own || (!team && (IsFacilitator(viewer) || partner));
    presence.set_data_age_us(age ? DataAgeOf(person, now_us) : -1);
  }
  for (const auto& [number, watching] : state.viewers) {
    // Participants are listed already.
    if (watching.participant() != 0) continue;
    v1::Presence& presence = out.emplace_back();
    presence.set_alias(ViewerAlias(watching.role()));
    presence.set_link(v1::LINK_STATE_LIVE);
    presence.set_data_age_us(-1);
    presence.set_viewer(true);
  }
  return out;
}

v1::Snapshot ProjectSnapshot(const State& state, const Viewer& viewer, int64_t now_us) {
  const Book& book = state.book;
  v1::Snapshot out;
  *out.mutable_session() = InfoOf(state, now_us);
  out.set_participant(viewer.participant);
  out.set_role(viewer.role);
  if (!IsSomebody(book, viewer)) return out;
  for (v1::Presence& presence : ProjectPresence(state, viewer, now_us)) {
    *out.add_people() = std::move(presence);
  }
  if (SeesRoster(viewer)) {
    for (const Dyad& dyad : book.dyads) {
      if (!book.Stands(dyad)) continue;
      v1::DyadChange& change = *out.add_dyads();
      change.set_dyad(dyad.number);
      change.set_a(dyad.a);
      change.set_b(dyad.b);
    }
  }
  if (const PracticeState* running = RunningPractice(book)) {
    *out.mutable_practice() = running->practice;
  }
  for (const auto& [number, set] : book.annotations) {
    const bool visible = SeesNoteAbout(set.annotation.participant(), viewer);
    if (!set.undone && visible) *out.add_annotations() = set.annotation;
  }
  const Person* person = SeesRoster(viewer) ? book.Find(viewer.participant) : nullptr;
  if (person != nullptr) {
    for (const GrantState& grant : person->grants) *out.add_consents() = grant.consent;
  }
  return out;
}

v1::Report Project(const Book& book, const Grants& now, const v1::Report& report,
                   const Viewer& viewer) {
  v1::Report out;
  out.set_revision(report.revision());
  out.set_kind(report.kind());
  if (!IsSomebody(book, viewer)) {
    // Who left keeps the way to what is their own.
    const Person* person = book.Find(viewer.participant);
    if (viewer.role != v1::ROLE_PARTICIPANT || person == nullptr || person->erased) return out;
  }
  out.set_title(report.title());
  out.set_created_utc_us(report.created_utc_us());
  out.set_length_us(report.length_us());
  out.set_engine_version(report.engine_version());
  out.set_params_hash(report.params_hash());
  *out.mutable_phases() = report.phases();
  *out.mutable_practices() = report.practices();
  for (const v1::Annotation& annotation : report.annotations()) {
    if (SeesNoteAbout(annotation.participant(), viewer)) {
      *out.add_annotations() = annotation;
    }
  }
  const bool lab = report.kind() == v1::SESSION_KIND_LAB;
  for (const v1::PersonReport& person : report.people()) {
    const uint32_t number = person.participant();
    const bool own = SeesRoster(viewer) && viewer.participant == number;
    const uint32_t grants = GrantsIn(now, number);
    if (SeesPerson(book, grants, number, viewer) && (own || Has(grants, kReport))) {
      *out.add_people() = ProjectPerson(person, lab && IsFacilitator(viewer));
    }
  }
  for (const v1::PairReport& pair : report.pairs()) {
    const uint32_t grants_a = GrantsIn(now, pair.a());
    const uint32_t grants_b = GrantsIn(now, pair.b());
    if (SeesPair(book, grants_a, grants_b, pair.a(), pair.b(), viewer) &&
        Has(grants_a & grants_b, kReport)) {
      v1::PairReport& shown = *out.add_pairs();
      shown = pair;
      // Whoever sees the pair saw both in the roster; a reader of the report needs the names.
      shown.set_alias_a(AliasOf(book, pair.a()));
      shown.set_alias_b(AliasOf(book, pair.b()));
    }
  }
  if (lab && IsFacilitator(viewer)) {
    *out.mutable_group() = report.group();
    return out;
  }
  for (const v1::GroupPhase& phase : report.group().phases()) {
    v1::GroupPhase& shown = *out.mutable_group()->add_phases();
    shown.set_phase(phase.phase());
    // Whoever takes part is taken for a contributor.
    const uint32_t needed = book.created.k_min() + (viewer.participant != 0 ? 1 : 0);
    if (lab || phase.people() < needed) {
      shown.mutable_order_parameter()->set_absent(v1::ABSENCE_TOO_FEW_PEOPLE);
      shown.mutable_r_mean_pairwise()->set_absent(v1::ABSENCE_TOO_FEW_PEOPLE);
      continue;
    }
    *shown.mutable_order_parameter() = RoundedNumber(phase.order_parameter());
    *shown.mutable_r_mean_pairwise() = RoundedNumber(phase.r_mean_pairwise());
    shown.set_share_above(Rounded(phase.share_above()));
    shown.set_ticks(phase.ticks());
    shown.set_people(phase.people());
  }
  return out;
}

}  // namespace attune::session
