#include "services/session/checkpoint.h"

#include <algorithm>
#include <map>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "services/base/status_macros.h"
#include "services/session/apply.h"
#include "services/session/ticks.h"

namespace attune::session {
namespace {

// Whose section an entry belongs to; 0: the shared one. Joining tells only a number.
uint32_t OwnerOf(const v1::LogEntry& entry) {
  if (entry.has_annotation()) return entry.annotation().participant();
  if (entry.has_prompt()) return entry.prompt().participant();
  return 0;
}

template <typename Beats>
void SaveBeats(const Beats& beats, v1::CheckpointBeats& out) {
  int64_t before_us = 0;
  for (const auto& beat : beats) {
    out.add_time_delta_us(beat.time_us - before_us);
    out.add_rr_1024(beat.rr_1024);
    out.add_gap_before(beat.gap_before);
    if constexpr (requires { beat.jitter_us; }) {
      out.add_jitter_us(beat.jitter_us);
      out.add_offset_bound_us(beat.offset_bound_us);
    }
    before_us = beat.time_us;
  }
}

template <typename Beat>
bool RestoreBeats(const v1::CheckpointBeats& saved, std::vector<Beat>& beats) {
  const int count = saved.time_delta_us_size();
  constexpr bool kTimed = requires(Beat beat) { beat.jitter_us; };
  if (saved.rr_1024_size() != count || saved.gap_before_size() != count) return false;
  if (kTimed && (saved.jitter_us_size() != count || saved.offset_bound_us_size() != count)) {
    return false;
  }
  int64_t time_us = 0;
  for (int i = 0; i < count; ++i) {
    if (__builtin_add_overflow(time_us, saved.time_delta_us(i), &time_us) || time_us < 0) {
      return false;
    }
    Beat& beat = beats.emplace_back();
    beat.time_us = time_us;
    beat.rr_1024 = static_cast<uint16_t>(saved.rr_1024(i));
    beat.gap_before = saved.gap_before(i);
    if constexpr (kTimed) {
      beat.jitter_us = saved.jitter_us(i);
      beat.offset_bound_us = saved.offset_bound_us(i);
    }
  }
  return true;
}

void SavePerson(const State& state, const Person& person,
                const synchrony::EngineState::Person* numbers, v1::CheckpointPerson& out) {
  out.set_version(kCheckpointVersion);
  out.set_number(state.number);
  v1::Joined& joined = *out.mutable_joined();
  joined.set_participant(person.number);
  joined.set_subject(person.subject);
  joined.set_alias(person.alias);
  joined.set_dyad_key(person.dyad_key);
  for (const GrantState& grant : person.grants) {
    *out.add_consents() = grant.consent;
    out.add_consents_since_us(grant.since_us);
  }
  out.set_finished(person.finished);
  for (const Spool& spool : person.spools) {
    v1::CheckpointSpool& saved = *out.add_spools();
    saved.set_boot_id(spool.boot_id);
    saved.set_cursor(spool.cursor);
    saved.mutable_timing()->set_jitter_us(spool.jitter_us);
    saved.mutable_timing()->set_offset_bound_us(spool.offset_bound_us);
    saved.set_gap_pending(spool.gap_pending);
    *saved.mutable_last_gap() = spool.last_gap;
  }
  SaveBeats(person.beats, *out.mutable_beats());
  if (numbers != nullptr) {
    SaveBeats(numbers->beats, *out.mutable_engine_beats());
    out.mutable_engine_timing()->set_jitter_us(static_cast<uint32_t>(numbers->timing.jitter_us));
    out.mutable_engine_timing()->set_offset_bound_us(
        static_cast<uint32_t>(numbers->timing.offset_bound_us));
  }
  for (const v1::MeasureAnswer& answer : person.measures) *out.add_measures() = answer;
  out.set_beats_at_session_us(person.beats_at_us);
  for (const auto& [number, set] : state.book.annotations) {
    if (!set.undone && set.annotation.participant() == person.number) {
      *out.add_annotations() = set.annotation;
    }
  }
  for (const v1::LogEntry& entry : state.log) {
    if (OwnerOf(entry) == person.number) *out.add_log() = entry;
  }
}

void SaveShared(const State& state, const synchrony::EngineState& numbers,
                v1::CheckpointShared& out) {
  const Book& book = state.book;
  out.set_version(kCheckpointVersion);
  out.set_number(state.number);
  out.set_at_session_us(state.at_us);
  *out.mutable_created() = book.created;
  out.set_epoch(state.epoch);
  out.set_epochs(state.epochs);
  out.set_owner_at_session_us(state.owner_us);
  out.set_tick(state.tick);
  out.set_ticks_by_lateness(state.ticks_by_lateness);
  out.set_late_beats(state.late_beats);
  out.set_planned_end_session_us(book.planned_end_us);
  out.set_ended(book.ended);
  out.set_ended_session_us(book.ended_us);
  out.set_report_revision(book.report_revision);
  out.set_report_wanted(book.report_wanted);
  out.set_raw_deleted(book.raw_deleted);
  for (const auto& [number, person] : book.people) {
    v1::CheckpointRosterEntry& entry = *out.add_roster();
    entry.set_participant(number);
    entry.set_left(person.left);
    entry.set_left_session_us(person.left_us);
    entry.set_erased(person.erased);
  }
  for (const Dyad& dyad : book.dyads) {
    v1::DyadChange& change = *out.add_dyads();
    change.set_dyad(dyad.number);
    change.set_a(dyad.a);
    change.set_b(dyad.b);
    change.set_dissolved(dyad.dissolved);
  }
  for (const PracticeState& practice : book.practices) {
    *out.add_practices()->mutable_practice() = practice.practice;
    out.mutable_practices()->rbegin()->set_planned_us(practice.planned_us);
  }
  for (const auto& [number, set] : book.annotations) {
    if (!set.undone && set.annotation.participant() == 0) *out.add_annotations() = set.annotation;
  }
  out.set_last_annotation(state.last_annotation);
  out.set_last_phase(state.last_phase);
  for (const auto& [number, viewer] : state.viewers) *out.add_viewers() = viewer;
  out.set_last_viewer(state.last_viewer);
  out.set_last_prompt(state.last_prompt);
  for (const std::string& id : state.request_order) {
    v1::CheckpointRequest& request = *out.add_requests();
    request.set_request_id(id);
    request.set_result(state.requests.at(id).result);
    request.set_fingerprint(state.requests.at(id).fingerprint);
    request.set_participant(state.requests.at(id).participant);
  }
  for (const std::string& id : state.tokens_revoked) out.add_tokens_revoked(id);
  for (const v1::LogEntry& entry : state.log) {
    if (OwnerOf(entry) == 0) *out.add_log() = entry;
  }
  out.set_last_cursor(state.last_cursor);
  for (const uint32_t contributor : state.contributors) out.add_contributors(contributor);
  out.set_contributors_since_us(state.contributors_since_us);
  v1::CheckpointEngine& engine = *out.mutable_engine();
  engine.set_last_tick_end_us(numbers.last_tick_end_us);
  for (const auto& hold : numbers.pairs) {
    v1::CheckpointHold& saved = *engine.add_pairs();
    saved.set_a(static_cast<uint32_t>(hold.a));
    saved.set_b(static_cast<uint32_t>(hold.b));
    saved.set_since_us(hold.since_us);
    saved.set_plv_lf_since_us(hold.plv_lf_since_us);
  }
  engine.set_order_parameter_since_us(numbers.order_parameter_since_us);
  engine.set_r_mean_pairwise_since_us(numbers.r_mean_pairwise_since_us);
}

absl::Status Damaged(const char* what) {
  return absl::DataLossError(absl::StrCat("checkpoint: ", what));
}

absl::Status RestoreShared(const v1::CheckpointShared& saved, State& state) {
  Book& book = state.book;
  Effects effects;
  ATTUNE_RETURN_IF_ERROR(ApplyCreated(saved.created(), state, effects));
  state.log.clear();
  state.last_cursor = saved.last_cursor();
  state.number = saved.number();
  state.at_us = saved.at_session_us();
  state.epoch = saved.epoch();
  state.epochs = saved.epochs();
  state.owner_us = saved.owner_at_session_us();
  state.tick = saved.tick();
  state.ticks_by_lateness = saved.ticks_by_lateness();
  state.late_beats = saved.late_beats();
  book.planned_end_us = saved.planned_end_session_us();
  book.ended = saved.ended();
  book.ended_us = saved.ended_session_us();
  book.report_revision = saved.report_revision();
  book.report_wanted = saved.report_wanted();
  book.raw_deleted = saved.raw_deleted();
  for (const v1::CheckpointRosterEntry& entry : saved.roster()) {
    Person& person = book.people[entry.participant()];
    person.number = entry.participant();
    person.left = entry.left();
    person.left_us = entry.left_session_us();
    person.erased = true;  // until the person's own section says otherwise
  }
  for (const v1::DyadChange& dyad : saved.dyads()) {
    if (dyad.dyad() != book.dyads.size() + 1) return Damaged("pairs are not in order");
    book.dyads.push_back({dyad.dyad(), dyad.a(), dyad.b(), dyad.dissolved()});
  }
  for (const v1::PracticeStarted& practice : saved.practices()) {
    if (practice.practice().practice() != book.practices.size() + 1) {
      return Damaged("practices are not in order");
    }
    book.practices.push_back({practice.practice(), practice.planned_us()});
  }
  for (const v1::Annotation& annotation : saved.annotations()) {
    book.annotations[annotation.annotation()] = {annotation, false};
  }
  state.last_annotation = saved.last_annotation();
  state.last_phase = saved.last_phase();
  for (const v1::ViewerJoined& viewer : saved.viewers()) state.viewers[viewer.viewer()] = viewer;
  state.last_viewer = saved.last_viewer();
  state.last_prompt = saved.last_prompt();
  for (const v1::CheckpointRequest& request : saved.requests()) {
    state.requests[request.request_id()] = {request.result(), request.fingerprint(),
                                            request.participant()};
    state.request_order.push_back(request.request_id());
  }
  state.tokens_revoked.insert(saved.tokens_revoked().begin(), saved.tokens_revoked().end());
  state.log.assign(saved.log().begin(), saved.log().end());
  state.contributors.assign(saved.contributors().begin(), saved.contributors().end());
  state.contributors_since_us = saved.contributors_since_us();
  return absl::OkStatus();
}

absl::Status RestorePerson(const v1::CheckpointPerson& saved, State& state,
                           synchrony::EngineState& numbers) {
  if (saved.version() != kCheckpointVersion || saved.number() != state.number) {
    return Damaged("a person's section belongs to another state");
  }
  const auto it = state.book.people.find(saved.joined().participant());
  if (it == state.book.people.end() || saved.consents_size() != saved.consents_since_us_size()) {
    return Damaged("a person's section does not fit");
  }
  Person& person = it->second;
  person.erased = false;
  person.subject = saved.joined().subject();
  person.alias = saved.joined().alias();
  person.dyad_key = saved.joined().dyad_key();
  for (int i = 0; i < saved.consents_size(); ++i) {
    person.grants.push_back({saved.consents(i), saved.consents_since_us(i)});
  }
  person.finished = saved.finished();
  for (const v1::CheckpointSpool& spool : saved.spools()) {
    person.spools.push_back({spool.boot_id(), spool.cursor(), spool.timing().jitter_us(),
                             spool.timing().offset_bound_us(), spool.gap_pending(),
                             spool.last_gap()});
  }
  synchrony::EngineState::Person& track = numbers.people.emplace_back();
  track.person = static_cast<int>(person.number);
  track.timing = {static_cast<int32_t>(saved.engine_timing().jitter_us()),
                  static_cast<int32_t>(saved.engine_timing().offset_bound_us())};
  if (!RestoreBeats(saved.beats(), person.beats) ||
      !RestoreBeats(saved.engine_beats(), track.beats)) {
    return Damaged("beats of a person");
  }
  person.measures.assign(saved.measures().begin(), saved.measures().end());
  person.beats_at_us = saved.beats_at_session_us();
  for (const v1::Annotation& annotation : saved.annotations()) {
    state.book.annotations[annotation.annotation()] = {annotation, false};
  }
  state.log.insert(state.log.end(), saved.log().begin(), saved.log().end());
  return absl::OkStatus();
}

}  // namespace

SessionCore::Checkpoint SaveCheckpoint(const State& state) {
  const synchrony::EngineState numbers = state.engine.Save();
  std::map<int, const synchrony::EngineState::Person*> tracks;
  for (const auto& track : numbers.people) tracks[track.person] = &track;

  SessionCore::Checkpoint checkpoint;
  checkpoint.number = state.number;
  v1::CheckpointShared shared;
  SaveShared(state, numbers, shared);
  checkpoint.shared = shared.SerializeAsString();
  for (const auto& [number, person] : state.book.people) {
    if (person.erased) continue;
    const auto track = tracks.find(static_cast<int>(number));
    v1::CheckpointPerson saved;
    SavePerson(state, person, track == tracks.end() ? nullptr : track->second, saved);
    checkpoint.people.push_back({person.subject, saved.SerializeAsString()});
  }
  return checkpoint;
}

absl::Status RestoreCheckpoint(const SessionCore::Checkpoint& checkpoint, State& state) {
  v1::CheckpointShared shared;
  if (!shared.ParseFromString(checkpoint.shared)) return Damaged("the shared section");
  if (shared.version() != kCheckpointVersion) {
    return absl::FailedPreconditionError(absl::StrCat("checkpoint of layout ", shared.version(),
                                                      "; this version reads ", kCheckpointVersion,
                                                      ": replay the journal instead"));
  }
  if (shared.number() == 0 || shared.number() != checkpoint.number) {
    return Damaged("its number is not that of its content");
  }
  ATTUNE_RETURN_IF_ERROR(RestoreShared(shared, state));

  synchrony::EngineState numbers;
  numbers.last_tick_end_us = shared.engine().last_tick_end_us();
  numbers.order_parameter_since_us = shared.engine().order_parameter_since_us();
  numbers.r_mean_pairwise_since_us = shared.engine().r_mean_pairwise_since_us();
  for (const auto& section : checkpoint.people) {
    v1::CheckpointPerson person;
    if (!person.ParseFromString(section.bytes)) return Damaged("a person's section");
    ATTUNE_RETURN_IF_ERROR(RestorePerson(person, state, numbers));
  }
  std::sort(numbers.people.begin(), numbers.people.end(),
            [](const auto& a, const auto& b) { return a.person < b.person; });
  for (const v1::CheckpointHold& hold : shared.engine().pairs()) {
    numbers.pairs.push_back({static_cast<int>(hold.a()), static_cast<int>(hold.b()),
                             hold.since_us(), hold.plv_lf_since_us()});
  }
  // Somebody who was there and whose section is gone: what they gave to the numbers is gone too.
  for (const v1::CheckpointRosterEntry& entry : shared.roster()) {
    const Person& person = state.book.people[entry.participant()];
    if (!person.erased || entry.erased()) continue;
    state.incomplete = true;
    std::erase_if(numbers.pairs, [&](const auto& hold) {
      return hold.a == static_cast<int>(person.number) || hold.b == static_cast<int>(person.number);
    });
  }
  // Beats are gone by rule: the numbers know nobody any more.
  if (state.book.raw_deleted) numbers.people.clear();
  state.engine.Restore(numbers);
  std::sort(state.log.begin(), state.log.end(),
            [](const v1::LogEntry& a, const v1::LogEntry& b) { return a.cursor() < b.cursor(); });
  RefreshGrants(state);
  return absl::OkStatus();
}

}  // namespace attune::session
