#include "services/session/roster.h"

#include <algorithm>

#include "services/session/consent.h"

namespace attune::session {

v1::SessionState LifeOf(const Book& book) {
  if (!book.ended) return v1::SESSION_STATE_OPEN;
  return book.report_revision > 0 ? v1::SESSION_STATE_CLOSED : v1::SESSION_STATE_ENDING;
}

v1::SessionInfo InfoOf(const State& state, int64_t now_us) {
  const Book& book = state.book;
  v1::SessionInfo info;
  info.set_session_id(book.created.session_id());
  info.set_kind(book.created.kind());
  info.set_title(book.created.title());
  info.set_state(LifeOf(book));
  info.set_created_utc_us(book.created.utc_us());
  info.set_now_session_us(now_us);
  info.set_planned_end_session_us(book.planned_end_us);
  if (book.ended) info.set_ended_session_us(book.ended_us);
  info.set_tick_ms(book.created.tick_ms());
  info.set_k_min(book.created.k_min());
  info.set_clock_rate(book.created.clock_rate());
  *info.mutable_measures() = book.created.measures();
  uint32_t people = 0;
  for (const auto& [number, person] : book.people) people += person.active();
  info.set_people(people);
  return info;
}

v1::LinkState LinkOf(const State& state, const Person& person, bool own, int64_t now_us) {
  const Book& book = state.book;
  if (person.left) return v1::LINK_STATE_LEFT;
  if (person.finished) return v1::LINK_STATE_DONE;
  if (own && person.beats_at_us >= 0 && !Has(GrantsOf(person), kMeasure)) {
    return v1::LINK_STATE_PAUSED;
  }
  if (person.beats_at_us < 0) return v1::LINK_STATE_WAITING;
  const auto it = state.links.find(person.number);
  if (it != state.links.end() && it->second.attached) {
    const bool fresh = now_us - person.beats_at_us <= book.Scaled(kStaleUs);
    return fresh ? v1::LINK_STATE_LIVE : v1::LINK_STATE_STALE;
  }
  // Nothing is known of links from before the change of owner.
  const int64_t broke_us =
      it == state.links.end() ? state.owner_us : std::max(it->second.detached_us, state.owner_us);
  return now_us - broke_us < book.Scaled(kLinkMemoryUs) ? v1::LINK_STATE_RECONNECTING
                                                        : v1::LINK_STATE_LOST;
}

int64_t DataAgeOf(const Person& person, int64_t now_us) {
  if (person.beats.empty()) return -1;
  return std::max<int64_t>(0, now_us - person.beats.back().time_us);
}

const StoredBeat* LastBeatAt(const Person& person, int64_t time_us) {
  const auto it =
      std::upper_bound(person.beats.begin(), person.beats.end(), time_us,
                       [](int64_t time, const StoredBeat& beat) { return time < beat.time_us; });
  return it == person.beats.begin() ? nullptr : &*(it - 1);
}

int CountDyadKey(const Book& book, const std::string& key) {
  int count = 0;
  for (const auto& [number, person] : book.people) {
    count += person.active() && person.dyad_key == key;
  }
  return count;
}

uint32_t PhaseAt(const Book& book, int64_t tick_end_us) {
  const v1::Annotation* newest = nullptr;
  for (const auto& [number, set] : book.annotations) {
    const v1::Annotation& annotation = set.annotation;
    if (set.undone || annotation.phase() == 0 || annotation.at_session_us() >= tick_end_us) {
      continue;
    }
    if (newest == nullptr || annotation.at_session_us() >= newest->at_session_us()) {
      newest = &annotation;
    }
  }
  return newest == nullptr ? 0 : newest->phase();
}

namespace {

bool RunsIn(const v1::Practice& practice, int64_t from_us, int64_t to_us) {
  return practice.started_session_us() < to_us &&
         (practice.stopped_session_us() == 0 || practice.stopped_session_us() > from_us);
}

}  // namespace

uint32_t PracticeAt(const Book& book, int64_t tick_end_us) {
  uint32_t running = 0;
  for (const PracticeState& state : book.practices) {
    if (RunsIn(state.practice, tick_end_us - 1, tick_end_us)) running = state.practice.practice();
  }
  return running;
}

bool CommonCauseIn(const Book& book, int64_t from_us, int64_t to_us) {
  for (const PracticeState& state : book.practices) {
    const v1::PracticeKind kind = state.practice.kind();
    if ((kind == v1::PRACTICE_KIND_PACED_BREATHING || kind == v1::PRACTICE_KIND_SHARED_STIMULUS) &&
        RunsIn(state.practice, from_us, to_us)) {
      return true;
    }
  }
  return false;
}

double PacerHzAt(const Book& book, int64_t tick_end_us) {
  double pacer_hz = 0;
  for (const PracticeState& state : book.practices) {
    const v1::Practice& practice = state.practice;
    if (!practice.has_pacer() || !RunsIn(practice, tick_end_us - 1, tick_end_us)) continue;
    const v1::Pacer& pacer = practice.pacer();
    pacer_hz = 1000.0 / (pacer.inhale_ms() + pacer.hold_ms() + pacer.exhale_ms());
  }
  return pacer_hz;
}

const PracticeState* RunningPractice(const Book& book) {
  for (const PracticeState& state : book.practices) {
    if (state.practice.stopped_session_us() == 0) return &state;
  }
  return nullptr;
}

}  // namespace attune::session
