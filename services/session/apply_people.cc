#include <algorithm>
#include <string>

#include "services/session/apply.h"
#include "services/session/consent.h"

namespace attune::session {
namespace {

void LogDyad(const Dyad& dyad, bool over, State& state, Effects& effects) {
  v1::LogEntry entry;
  entry.mutable_dyad()->set_dyad(dyad.number);
  entry.mutable_dyad()->set_a(dyad.a);
  entry.mutable_dyad()->set_b(dyad.b);
  entry.mutable_dyad()->set_dissolved(over);
  Log(std::move(entry), state, effects);
}

// To be called while the person is still there: a pair parts when a half of it goes.
void PartDyadOf(uint32_t participant, State& state, Effects& effects) {
  const Dyad* dyad = state.book.DyadOf(participant);
  if (dyad == nullptr) return;
  LogDyad(*dyad, true, state, effects);
  effects.consent_changed = true;
}

uint32_t AboutPerson(const v1::LogEntry& entry) {
  switch (entry.what_case()) {
    case v1::LogEntry::kJoined:
      return entry.joined().viewer() ? 0 : entry.joined().participant();
    case v1::LogEntry::kAnnotation:
      return entry.annotation().participant();
    case v1::LogEntry::kPrompt:
      return entry.prompt().participant();
    default:
      return 0;
  }
}

// Frames that are kept for History lose the person and every pair with them.
void EraseFromFrames(uint32_t participant, State& state) {
  state.frame_bytes = 0;
  for (KeptFrame& kept : state.frames) {
    v1::Frame frame;
    frame.ParseFromString(kept.bytes);
    auto& people = *frame.mutable_people();
    people.erase(std::remove_if(people.begin(), people.end(),
                                [&](const v1::PersonFrame& person) {
                                  return person.participant() == participant;
                                }),
                 people.end());
    auto& pairs = *frame.mutable_pairs();
    pairs.erase(std::remove_if(pairs.begin(), pairs.end(),
                               [&](const v1::PairFrame& pair) {
                                 return pair.a() == participant || pair.b() == participant;
                               }),
                pairs.end());
    kept.bytes = frame.SerializeAsString();
    state.frame_bytes += kept.bytes.size();
  }
}

}  // namespace

absl::Status ApplyJoined(const v1::Joined& joined, State& state, Effects& effects) {
  const uint32_t number = joined.participant();
  if (number == 0 || number > state.limits.people || state.book.people.contains(number)) {
    return Misfit(state, "this participant number cannot join");
  }
  Person& person = state.book.people[number];
  person.number = number;
  person.subject = joined.subject();
  person.alias = joined.alias();
  person.dyad_key = joined.dyad_key();
  ApplyConsents(joined.consents(), 0, person);
  RefreshGrants(state);
  state.engine.AddPerson(static_cast<int>(number));
  v1::LogEntry entry;
  entry.mutable_joined()->set_participant(number);
  entry.mutable_joined()->set_link(v1::LINK_STATE_WAITING);
  entry.mutable_joined()->set_data_age_us(-1);
  Log(std::move(entry), state, effects);
  return absl::OkStatus();
}

absl::Status ApplyLeft(const v1::Left& left, State& state, Effects& effects) {
  Person* person = FindOrGhost(state, left.participant());
  if (person == nullptr) return Misfit(state, "nobody with this number");
  if (person->left || person->erased) return absl::OkStatus();
  PartDyadOf(person->number, state, effects);
  person->left = true;
  person->left_us = state.at_us;
  v1::LogEntry entry;
  entry.set_left(person->number);
  Log(std::move(entry), state, effects);
  return absl::OkStatus();
}

absl::Status ApplyViewerJoined(const v1::ViewerJoined& viewer, State& state, Effects& effects) {
  state.viewers[viewer.viewer()] = viewer;
  state.last_viewer = std::max(state.last_viewer, viewer.viewer());
  if (viewer.participant() != 0) return absl::OkStatus();
  v1::LogEntry entry;
  entry.mutable_joined()->set_alias(viewer.role() == v1::ROLE_FACILITATOR ? "facilitator"
                                                                          : "observer");
  entry.mutable_joined()->set_link(v1::LINK_STATE_LIVE);
  entry.mutable_joined()->set_data_age_us(-1);
  entry.mutable_joined()->set_viewer(true);
  Log(std::move(entry), state, effects);
  return absl::OkStatus();
}

absl::Status ApplyViewerLeft(const v1::ViewerLeft& viewer, State& state, Effects& effects) {
  (void)effects;  // presence in the next envelope tells it
  state.viewers.erase(viewer.viewer());
  return absl::OkStatus();
}

absl::Status ApplyDyadFormed(const v1::DyadFormed& formed, State& state, Effects& effects) {
  const bool next = formed.dyad() == state.book.dyads.size() + 1;
  if (!next || formed.a() >= formed.b() || FindOrGhost(state, formed.a()) == nullptr ||
      FindOrGhost(state, formed.b()) == nullptr) {
    return Misfit(state, "this pair cannot form");
  }
  state.book.dyads.push_back({formed.dyad(), formed.a(), formed.b(), false});
  LogDyad(state.book.dyads.back(), false, state, effects);
  return absl::OkStatus();
}

absl::Status ApplyDyadDissolved(const v1::DyadDissolved& dissolved, State& state,
                                Effects& effects) {
  if (dissolved.dyad() == 0 || dissolved.dyad() > state.book.dyads.size()) {
    return Misfit(state, "no such pair");
  }
  Dyad& dyad = state.book.dyads[dissolved.dyad() - 1];
  if (dyad.dissolved) return absl::OkStatus();
  dyad.dissolved = true;
  // Otherwise they would find each other again at once.
  for (const uint32_t half : {dyad.a, dyad.b}) {
    if (Person* person = FindOrGhost(state, half)) person->dyad_key.clear();
  }
  effects.consent_changed = true;
  LogDyad(dyad, true, state, effects);
  return absl::OkStatus();
}

absl::Status ApplyConsentChanged(const v1::ConsentChanged& changed, State& state,
                                 Effects& effects) {
  Person* person = FindOrGhost(state, changed.participant());
  if (person == nullptr) return Misfit(state, "nobody with this number");
  if (person->erased) return absl::OkStatus();
  ApplyConsents(changed.consents(), state.at_us, *person);
  RefreshGrants(state);
  effects.consent_changed = true;
  return absl::OkStatus();
}

absl::Status ApplyMeasure(const v1::MeasureSubmitted& measure, State& state, Effects& effects) {
  (void)effects;
  Person* person = FindOrGhost(state, measure.participant());
  if (person == nullptr) return Misfit(state, "nobody with this number");
  if (!person->erased) person->measures.push_back(measure.answer());
  return absl::OkStatus();
}

absl::Status ApplyErasure(const v1::Erased& erased, State& state, Effects& effects) {
  const uint32_t number = erased.participant();
  // Whose every record is gone already was never seen here.
  if (!state.book.people.contains(number)) state.incomplete = true;
  Person* person = FindOrGhost(state, number);
  if (person == nullptr) return Misfit(state, "nobody with this number");
  effects.erased = number;
  effects.erased_subject = erased.subject();
  effects.consent_changed = true;
  PartDyadOf(number, state, effects);
  const bool left = person->left;
  const int64_t left_us = person->left_us;
  *person = Person{};
  person->number = number;
  person->left = left;
  person->left_us = left_us;
  person->erased = true;

  state.engine.RemovePerson(static_cast<int>(number));
  state.links.erase(number);
  EraseFromFrames(number, state);
  std::erase_if(state.log, [&](const v1::LogEntry& entry) { return AboutPerson(entry) == number; });
  std::erase_if(state.book.annotations,
                [&](const auto& item) { return item.second.annotation.participant() == number; });
  std::erase_if(state.viewers,
                [&](const auto& item) { return item.second.participant() == number; });
  std::erase_if(state.request_order, [&](const std::string& id) {
    const auto request = state.requests.find(id);
    if (request->second.participant != number) return false;
    state.requests.erase(request);
    return true;
  });
  RefreshGrants(state);
  if (state.book.ended) state.book.report_wanted = true;

  v1::LogEntry entry;
  entry.set_erased(number);
  Log(std::move(entry), state, effects);
  return absl::OkStatus();
}

}  // namespace attune::session
