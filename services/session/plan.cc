#include "services/session/plan.h"

#include <algorithm>

#include "services/messages/plan.h"
#include "services/session/consent.h"
#include "services/session/ticks.h"

namespace attune::session {
namespace {

static_assert(kNever == synchrony::kNever);

// Consents whose standing decides whether a tick counts.
uint32_t Counted(const Book& book) {
  uint32_t counted = kMeasure | kPairPartner | kPairFacilitator;
  if (book.created.kind() == v1::SESSION_KIND_LAB) counted |= kIndividual;
  return counted;
}

// In labs: a pair with everybody else of whom this is true.
int64_t OpenFrom(const Book& book, const Person& person) {
  const bool refused = Has(GrantsOf(person), kPairFacilitatorRefused);
  if (book.created.kind() != v1::SESSION_KIND_LAB || refused) return kNever;
  return GrantedSince(person, kMeasure | kIndividual);
}

synchrony::PlanPerson WithoutBeats(const Book& book, const Person& person) {
  synchrony::PlanPerson out;
  out.person = static_cast<int>(person.number);
  if (person.left) out.until_us = person.left_us;
  out.measured_from_us = GrantedSince(person, kMeasure);
  out.group_from_us = GrantedSince(person, kMeasure | kGroup);
  out.open_from_us = OpenFrom(book, person);
  out.counts_from_us = GrantedSince(person, GrantsOf(person) & Counted(book));
  return out;
}

// From when on the two may be shown to one another or to facilitators.
int64_t PairFrom(const Book& book, const Person& a, const Person& b) {
  const auto both = [&](uint32_t grants) {
    return std::max(GrantedSince(a, grants), GrantedSince(b, grants));
  };
  int64_t from_us = std::min(both(kMeasure | kPairPartner), both(kMeasure | kPairFacilitator));
  return std::min(from_us, std::max(OpenFrom(book, a), OpenFrom(book, b)));
}

}  // namespace

synchrony::TimedBeat TimedBeatOf(const StoredBeat& stored) {
  return {{stored.time_us, stored.rr_1024, stored.gap_before},
          {static_cast<int32_t>(stored.jitter_us), static_cast<int32_t>(stored.offset_bound_us)}};
}

int64_t GrantedSince(const Person& person, uint32_t grants) {
  if (!Has(GrantsOf(person), grants)) return kNever;
  int64_t since_us = 0;
  for (const GrantState& grant : person.grants) {
    const uint32_t bit = GrantBit(grant.consent.purpose(), grant.consent.audience());
    if (grant.consent.granted() && Has(grants, bit)) since_us = std::max(since_us, grant.since_us);
  }
  return since_us;
}

std::vector<v1::Phase> PhasesOf(const Book& book, int64_t length_us) {
  std::vector<v1::Phase> phases(1);  // number 0, from 0
  std::vector<const v1::Annotation*> begins;
  for (const auto& [number, set] : book.annotations) {
    if (!set.undone && set.annotation.phase() != 0) begins.push_back(&set.annotation);
  }
  std::stable_sort(begins.begin(), begins.end(),
                   [](const v1::Annotation* a, const v1::Annotation* b) {
                     return a->at_session_us() < b->at_session_us();
                   });
  for (const v1::Annotation* begin : begins) {
    const int64_t at_us = std::min(begin->at_session_us(), length_us);
    phases.back().set_to_session_us(at_us);
    v1::Phase& phase = phases.emplace_back();
    phase.set_phase(begin->phase());
    phase.set_label(begin->label());
    phase.set_from_session_us(at_us);
  }
  phases.back().set_to_session_us(length_us);
  return phases;
}

synchrony::Plan PlanWithoutBeats(const Book& book, int64_t length_us) {
  synchrony::Plan plan;
  plan.tick_us = book.tick_us();
  plan.length_us = length_us;
  for (const auto& [number, person] : book.people) {
    if (!person.erased) plan.people.push_back(WithoutBeats(book, person));
  }
  const bool lab = book.created.kind() == v1::SESSION_KIND_LAB;
  for (const Dyad& dyad : book.dyads) {
    const Person* a = book.Find(dyad.a);
    const Person* b = book.Find(dyad.b);
    if (book.created.kind() == v1::SESSION_KIND_TEAM || dyad.dissolved || a == nullptr ||
        b == nullptr || a->erased || b->erased) {
      continue;
    }
    const int64_t from_us = PairFrom(book, *a, *b);
    if (from_us == kNever) continue;
    plan.pairs.push_back({static_cast<int>(dyad.a), static_cast<int>(dyad.b), from_us});
  }
  plan.open_people_most = lab ? kLabPairPeople : 0;
  google::protobuf::RepeatedPtrField<v1::Phase> phases;
  for (const v1::Phase& phase : PhasesOf(book, length_us)) {
    *phases.Add() = phase;
    plan.phases.push_back({phase.phase(), phase.from_session_us(), phase.to_session_us()});
  }
  google::protobuf::RepeatedPtrField<v1::Practice> practices;
  for (const PracticeState& practice : book.practices) *practices.Add() = practice.practice;
  plan.causes = messages::CausesOf(practices);
  messages::SetBaseline(practices, phases, plan);
  for (const int measure : book.created.measures()) {
    plan.measures.push_back(static_cast<synchrony::Measure>(measure));
  }
  plan.group_least = lab ? 0 : static_cast<int>(book.created.k_min());
  plan.group_settle_us = lab ? 0 : int64_t{EngineParams().span_seconds} * kSecondUs;
  return plan;
}

synchrony::Plan PlanOf(const Book& book, int64_t length_us) {
  synchrony::Plan plan = PlanWithoutBeats(book, length_us);
  for (synchrony::PlanPerson& person : plan.people) {
    const Person& from = *book.Find(static_cast<uint32_t>(person.person));
    person.beats.reserve(from.beats.size());
    for (const StoredBeat& stored : from.beats) person.beats.push_back(TimedBeatOf(stored));
  }
  return plan;
}

}  // namespace attune::session
