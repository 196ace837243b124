#include "services/session/ticks.h"

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "services/messages/numbers.h"
#include "services/session/consent.h"
#include "services/session/roster.h"
#include "services/synchrony/replay/contributors.h"
#include "services/synchrony/replay/plan.h"

namespace attune::session {
namespace {

int64_t TickEndUs(const Book& book, uint64_t tick) {
  return static_cast<int64_t>(tick) * book.tick_us();
}

bool TickExists(const Book& book, uint64_t tick) {
  return book.created.tick_ms() != 0 && !(book.ended && TickEndUs(book, tick) > book.ended_us);
}

// Longest look back of any number.
int64_t ReachUs() { return synchrony::ReachUs(EngineParams()); }

bool Measured(const Person& person) { return person.active() && Has(GrantsOf(person), kMeasure); }

bool IsSource(const Person& person, const Link* link) {
  return Measured(person) && (!person.beats.empty() || (link != nullptr && link->attached));
}

const Link* FindLink(const State& state, uint32_t participant) {
  const auto it = state.links.find(participant);
  return it == state.links.end() ? nullptr : &it->second;
}

// First beat at or before the tick: nobody appears by connecting alone.
bool HasBegun(const Person& person, int64_t tick_end_us) {
  return !person.beats.empty() && person.beats.front().time_us <= tick_end_us;
}

// Pairs that may be shown now, whoever else is open. Whether their people are there is not asked.
std::vector<std::pair<int, int>> ShownDyads(const Book& book) {
  std::vector<std::pair<int, int>> pairs;
  const v1::SessionKind kind = book.created.kind();
  if (kind == v1::SESSION_KIND_TEAM) return pairs;
  for (const Dyad& dyad : book.dyads) {
    if (dyad.dissolved) continue;
    const Person* a = book.Find(dyad.a);
    const Person* b = book.Find(dyad.b);
    if (a == nullptr || b == nullptr) continue;
    const uint32_t of_a = GrantsOf(*a);
    const uint32_t of_b = GrantsOf(*b);
    if (PairForPartner(kind, true, of_a, of_b) || PairForFacilitator(kind, true, of_a, of_b)) {
      pairs.emplace_back(dyad.a, dyad.b);
    }
  }
  return pairs;
}

}  // namespace

const synchrony::Params& EngineParams() {
  static const synchrony::Params params;
  return params;
}

std::string EngineVersion() { return std::to_string(synchrony::kEngineVersion); }

bool AllFinished(const State& state) {
  bool anybody = false;
  for (const auto& [number, person] : state.book.people) {
    if (!IsSource(person, FindLink(state, number))) continue;
    if (!person.finished) return false;
    anybody = true;
  }
  return anybody;
}

bool AllTicksClosed(const State& state) { return !TickExists(state.book, state.tick + 1); }

Closing NextClosing(const State& state) {
  const Book& book = state.book;
  if (!TickExists(book, state.tick + 1)) return {};
  const int64_t end_us = TickEndUs(book, state.tick + 1);
  const int64_t need_us = end_us + EngineParams().horizon_us;
  const bool taken_over = state.epochs >= 2;
  const int64_t reattach_us = state.owner_us + (taken_over ? book.Scaled(kReattachGraceUs) : 0);
  const int64_t deadline_us = std::max(need_us, reattach_us) + book.created.lateness_us();

  Closing closing;
  bool somebody_complete = false;
  int64_t at_us = end_us;
  for (const auto& [number, person] : book.people) {
    if (!Measured(person) || person.finished) continue;
    const Link* link = FindLink(state, number);
    if (link != nullptr && link->complete_through_us >= need_us) {
      somebody_complete = true;
      continue;
    }
    // Until when is this person waited for?
    int64_t until_us = std::numeric_limits<int64_t>::min();
    if (link != nullptr && link->attached) {
      until_us = kNever;
    } else if (link != nullptr && link->detached_us >= 0) {
      until_us = link->detached_us + book.Scaled(kLinkMemoryUs);
    }
    if (taken_over) {
      // Whoever only looks will never come; whoever was about to begin comes at once.
      until_us =
          std::max(until_us, person.spools.empty() ? state.owner_us + book.Scaled(kFirstDataGraceUs)
                                                   : reattach_us);
    }
    at_us = std::max(at_us, until_us);
    closing.by_lateness |= until_us == kNever || !person.beats.empty();
  }
  if (!somebody_complete) {
    // Nothing to go by: only time tells, unless every source has ended.
    at_us = std::max(at_us, AllFinished(state) ? (book.ended ? end_us : need_us) : deadline_us);
  }
  closing.at_us = std::min(at_us, deadline_us);
  return closing;
}

synchrony::Selection Select(const Book& book, int64_t tick_end_us) {
  synchrony::Selection selection;
  const bool lab = book.created.kind() == v1::SESSION_KIND_LAB;
  std::vector<synchrony::Attendee> attendees;
  size_t individual = 0;  // with those who refuse pairs
  for (const auto& [number, person] : book.people) {
    if (!person.active()) continue;
    const uint32_t grants = GrantsOf(person);
    if (!Has(grants, kMeasure)) continue;
    synchrony::Attendee& attendee = attendees.emplace_back();
    attendee.person = static_cast<int>(number);
    if (const StoredBeat* last = LastBeatAt(person, tick_end_us); last != nullptr) {
      attendee.last_beat_us = last->time_us;
      individual += Has(grants, kIndividual);
    }
    attendee.group = Has(grants, kGroup);
    attendee.open = lab && Has(grants, kIndividual) && (grants & kPairFacilitatorRefused) == 0;
  }
  synchrony::SelectContributors(attendees, ShownDyads(book),
                                individual <= kLabPairPeople ? kLabPairPeople : 0, tick_end_us,
                                &selection);
  selection.common_cause = CommonCauseIn(book, tick_end_us - ReachUs(), tick_end_us);
  selection.pacer_hz = PacerHzAt(book, tick_end_us);
  for (const int measure : book.created.measures()) {
    selection.measures.push_back(static_cast<synchrony::Measure>(measure));
  }
  return selection;
}

synchrony::Timing TimingAt(const Person& person, int64_t tick_end_us) {
  const int64_t from_us = tick_end_us - ReachUs();
  const int64_t to_us = tick_end_us + EngineParams().horizon_us;
  auto beat = std::lower_bound(
      person.beats.begin(), person.beats.end(), from_us,
      [](const StoredBeat& stored, int64_t time) { return stored.time_us < time; });
  uint32_t jitter_us = 0;
  uint32_t offset_bound_us = 0;
  for (; beat != person.beats.end() && beat->time_us <= to_us; ++beat) {
    jitter_us = std::max(jitter_us, beat->jitter_us);
    offset_bound_us = std::max(offset_bound_us, beat->offset_bound_us);
  }
  return {static_cast<int32_t>(jitter_us), static_cast<int32_t>(offset_bound_us)};
}

Evaluated Evaluate(const Book& book, uint64_t tick, synchrony::Engine& engine) {
  const int64_t end_us = TickEndUs(book, tick);
  const synchrony::Selection selection = Select(book, end_us);
  for (const auto& [number, person] : book.people) {
    if (person.erased || !HasBegun(person, end_us)) continue;
    engine.SetTiming(static_cast<int>(number), TimingAt(person, end_us));
  }
  const synchrony::Frame numbers = engine.Evaluate(end_us, selection);
  Evaluated result;
  result.frame = messages::ToProto(numbers);
  result.frame.set_tick(tick);
  result.frame.set_end_session_us(end_us);
  result.frame.set_phase(PhaseAt(book, end_us));
  result.frame.set_practice(PracticeAt(book, end_us));
  for (v1::PairFrame& pair : *result.frame.mutable_pairs()) {
    const Dyad* dyad = book.DyadOf(pair.a(), pair.b());
    if (dyad != nullptr) pair.set_dyad(dyad->number);
  }
  for (const int contributor : numbers.group.contributors) {
    result.contributors.push_back(static_cast<uint32_t>(contributor));
  }
  return result;
}

}  // namespace attune::session
