// Who is there: presence, links, pairs, and where the session is in its life.
#ifndef ATTUNE_SERVICES_SESSION_ROSTER_H_
#define ATTUNE_SERVICES_SESSION_ROSTER_H_

#include <cstdint>
#include <string>

#include "attune/v1/live.pb.h"
#include "services/session/state.h"

namespace attune::session {

v1::SessionState LifeOf(const Book& book);
v1::SessionInfo InfoOf(const State& state, int64_t now_us);

// How the link of one person looks. `own`: to that person, who alone is told of a pause.
v1::LinkState LinkOf(const State& state, const Person& person, bool own, int64_t now_us);
// Time since the newest beat; -1: none.
int64_t DataAgeOf(const Person& person, int64_t now_us);

// The newest beat at or before `time_us`; null: none.
const StoredBeat* LastBeatAt(const Person& person, int64_t time_us);

// People who have this word and no pair yet, or had it when their pair formed.
int CountDyadKey(const Book& book, const std::string& key);

// Number of the phase at the end of a tick; 0: before the first.
uint32_t PhaseAt(const Book& book, int64_t tick_end_us);
// Number of the practice running at the end of a tick; 0: none.
uint32_t PracticeAt(const Book& book, int64_t tick_end_us);
// Did a shared pacer or stimulus run at any time of (from, to]?
bool CommonCauseIn(const Book& book, int64_t from_us, int64_t to_us);
// Breaths a second of the pacer running at the end of a tick; 0: none.
double PacerHzAt(const Book& book, int64_t tick_end_us);
const PracticeState* RunningPractice(const Book& book);

}  // namespace attune::session

#endif  // ATTUNE_SERVICES_SESSION_ROSTER_H_
