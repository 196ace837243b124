#include "edge/agent/person.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "services/base/status_macros.h"

namespace attune::edge {
namespace {

constexpr int64_t kLivePollUs = 20'000;
// Published bounds are rounded up: a message has one timing for all its beats.
constexpr int64_t kBoundStepUs = 5'000;
constexpr int64_t kMostBoundUs = 30'000'000;

// Session ids come from the node: only what is harmless in a path is used as it is.
std::string PathSafe(const std::string& text) {
  std::string safe;
  for (const char c : text) {
    const bool good = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                      c == '-' || c == '_';
    safe += good ? c : '_';
  }
  return safe.empty() ? "_" : safe.substr(0, kMostSessionIdBytes);
}

}  // namespace

Person::Person(std::unique_ptr<Source> source)
    : source_(std::move(source)), stamping_(source_->info().stamping) {}

absl::Status Person::OpenSpool(const std::string& folder, const std::string& session_id,
                               uint32_t participant, RandomSource& random) {
  Spool::Options options;
  options.skip_known = live();
  const std::string path =
      absl::StrCat(folder, "/", PathSafe(session_id), "/", participant, ".spool");
  ATTUNE_ASSIGN_OR_RETURN(spool_, Spool::Open(path, session_id, participant, random, options));
  const uint64_t hash = Fnv1a(source_->info().fingerprint);
  if (spool_->start_session_us() && spool_->source_hash() != hash) {
    spool_.reset();
    return absl::FailedPreconditionError(
        absl::StrCat(path,
                     " was begun with another --source: use the same again, or give another "
                     "--spool and --name"));
  }
  if (spool_->torn_bytes() > 0 && spool_->next_seq() > 1) {
    warnings_.push_back(absl::StrCat("the last ", spool_->torn_bytes(),
                                     " bytes of the spool were torn and cut off"));
  }
  if (spool_->damaged_records() > 0) {
    warnings_.push_back(
        absl::StrCat(spool_->damaged_records(), " damaged records in the spool: taken as a gap"));
  }
  gap_ = live() && spool_->next_seq() > 1;
  if (live()) {
    held_log_ = std::make_unique<HeldLog>(path + ".held", KernelBootId());
    left_ = held_log_->TakeLeft(spool_->next_seq());
  }
  return absl::OkStatus();
}

bool Person::Begin(const ClockSync& clock, int64_t now_us) {
  if (begun_) return true;
  if (spool_ == nullptr || !clock.valid()) return false;
  if (!spool_->start_session_us()) {
    const SourceInfo& info = source_->info();
    spool_->SetStart(info.start_session_us.value_or(clock.SessionAt(now_us)),
                     Fnv1a(info.fingerprint));
  }
  // The beat clock must see everything again to stamp as it did.
  const bool given = source_->info().stamping == Stamping::kGiven;
  source_->Begin(*spool_->start_session_us(), given ? spool_->last_position() : 0);
  begun_ = true;
  TakeLeft(clock);
  return true;
}

// What a killed run was holding, as if its link had broken off then.
void Person::TakeLeft(const ClockSync& clock) {
  if (left_.empty()) return;
  std::deque<Taken> left;
  for (const SourceBeat& beat : left_) left.push_back({beat, Stamping::kArrivalSteady, 0, 0});
  left_.clear();
  Take(left, clock, /*log=*/false);
  beat_clock_.LinkLost();
  DrainBeatClock(last_arrival_us_);
  ClearHeld();
  gap_ = true;
}

void Person::ClearHeld() {
  if (held_log_ != nullptr && !beat_clock_.holding()) held_log_->Clear(spool_->next_seq());
}

void Person::Over(bool remove) {
  if (remove) spool_->Remove();
  if (held_log_ != nullptr) held_log_->Remove();
}

void Person::Step(int64_t now_us, const ClockSync& clock) {
  if (finished_ || stopped_) return;
  std::vector<SourceBeat> beats;
  int64_t live_through_us = now_us;
  if (live()) {
    live_through_us = source_->Poll(now_us, &beats);
    const SourceInfo& info = source_->info();
    for (const SourceBeat& beat : beats) {
      unstamped_.push_back({beat, info.stamping, info.jitter_us, info.offset_bound_us});
      if (unstamped_.size() > kMostUnstamped) {
        unstamped_.pop_front();
        unstamped_.front().beat.gap_before = true;
        if (dropped_++ == 0) {
          warnings_.push_back(
              absl::StrCat("the session has not been reached for so long that the "
                           "oldest of ",
                           kMostUnstamped, " intervals are dropped"));
        }
      }
    }
  }
  if (!Begin(clock, now_us)) return;
  const int64_t session_us = clock.SessionAt(now_us);
  int64_t through_us = 0;
  if (live()) {
    through_us = clock.SessionAt(live_through_us);
  } else {
    through_us = source_->Poll(session_us, &beats);
    const SourceInfo& info = source_->info();
    for (const SourceBeat& beat : beats) {
      unstamped_.push_back({beat, info.stamping, info.jitter_us, 0});
    }
  }
  Take(std::exchange(unstamped_, {}), clock, /*log=*/true);
  TurnTo(source_->info().stamping);
  const bool ended = source_->finished();
  if (stamping_ == Stamping::kGiven || stamping_ == Stamping::kGivenSteady) {
    // What was promised stays promised: Append refuses what would break it. The fit of the clock
    // may still move, within its bounds: so much is not promised.
    if (live()) through_us -= 2 * clock.UncertaintyUs(live_through_us);
    complete_us_ = std::max(complete_us_, through_us);
  } else {
    if (ended) beat_clock_.Finish();
    DrainBeatClock(through_us);
    ClearHeld();
    complete_us_ = std::max(complete_us_, beat_clock_.CompleteThroughUs(through_us));
  }
  finished_ = ended;
  if (finished_) complete_us_ = std::max(complete_us_, session_us);
}

void Person::Stop(int64_t now_us, const ClockSync& clock) {
  Step(now_us, clock);
  if (std::exchange(stopped_, true) || finished_ || !begun_) return;
  // Recordings give the same again at the next start.
  if (stamping_ == Stamping::kArrivalSteady) {
    beat_clock_.Finish();
    DrainBeatClock(clock.SessionAt(now_us));
    ClearHeld();
  }
}

void Person::DrainBeatClock(int64_t through_us) {
  std::vector<ClockedBeat> clocked;
  beat_clock_.Drain(through_us, &clocked);
  for (const ClockedBeat& one : clocked) {
    // Live: position 0, always new. Recordings: what is spooled already comes out again.
    if (one.position == 0 || one.position > spool_->last_position()) {
      Append(one.beat, one.position);
    }
  }
}

// A strap's precise mode has failed, or has come back.
void Person::TurnTo(Stamping stamping) {
  if (stamping == std::exchange(stamping_, stamping)) return;
  beat_clock_.LinkLost();
  DrainBeatClock(last_arrival_us_);
  ClearHeld();
  gap_ = spool_->next_seq() > 1;
}

void Person::TakeGiven(const Taken& taken, const ClockSync& clock) {
  const SourceBeat& beat = taken.beat;
  if (taken.stamping == Stamping::kGiven) {
    Append({beat.time_us, beat.rr_1024, beat.gap_before, taken.jitter_us, 0}, beat.position);
    return;
  }
  const int64_t open_us = clock.UncertaintyUs(beat.time_us) + taken.offset_bound_us;
  const int64_t bound_us = (open_us + kBoundStepUs - 1) / kBoundStepUs * kBoundStepUs;
  Append({clock.SessionAt(beat.time_us), beat.rr_1024, beat.gap_before, taken.jitter_us,
          static_cast<uint32_t>(std::min(bound_us, kMostBoundUs))},
         beat.position);
}

void Person::Take(const std::deque<Taken>& beats, const ClockSync& clock, bool log) {
  if (live() && steps_ != clock.steps()) {
    // Session time has jumped (a new owner, a computer that slept): nothing is bridged over it.
    // What would come out before what is there already is refused until time has caught up.
    steps_ = clock.steps();
    beat_clock_.LinkLost();
    gap_ = spool_->next_seq() > 1;
    last_arrival_us_ = INT64_MIN;
  }
  for (const Taken& taken : beats) {
    TurnTo(taken.stamping);
    const SourceBeat& beat = taken.beat;
    if (stamping_ == Stamping::kGiven || stamping_ == Stamping::kGivenSteady) {
      TakeGiven(taken, clock);
      continue;
    }
    int64_t arrival_us = beat.time_us;
    if (stamping_ == Stamping::kArrivalSteady) {
      if (log && held_log_ != nullptr) held_log_->Append(beat, spool_->next_seq());
      arrival_us = clock.SessionAt(beat.time_us);
      beat_clock_.SetClockUncertainty(
          static_cast<uint32_t>(std::min(clock.UncertaintyUs(beat.time_us), kMostBoundUs)));
      arrival_us = std::max(arrival_us, last_arrival_us_);
      last_arrival_us_ = arrival_us;
    }
    beat_clock_.Add(beat.rr_1024, arrival_us, beat.gap_before, beat.position);
  }
}

void Person::Append(const StampedBeat& beat, uint64_t position) {
  if (beat.time_session_us < 0 || beat.time_session_us < spool_->last_time_session_us() ||
      beat.time_session_us <= complete_us_) {
    gap_ = true;  // before the session, what an earlier run has stamped, or what was promised
    ++dropped_;
    return;
  }
  StampedBeat stamped = beat;
  stamped.gap_before |= std::exchange(gap_, false);
  spool_->Append(stamped, position);
}

int64_t Person::NextStepUs(int64_t now_us, const ClockSync& clock) const {
  if (finished_) return INT64_MAX;
  if (live()) return now_us + kLivePollUs;
  if (!begun_ || !clock.valid()) return INT64_MAX;
  const auto due_us = source_->NextDueUs();
  return due_us ? std::max(clock.SteadyAt(*due_us), now_us + 1'000) : now_us;
}

uint64_t Person::refused() const { return source_->refused() + beat_clock_.refused() + dropped_; }

std::vector<std::string> Person::TakeWarnings() {
  std::vector<std::string> warnings = std::exchange(warnings_, {});
  for (std::string& words : source_->TakeWarnings()) warnings.push_back(std::move(words));
  return warnings;
}

}  // namespace attune::edge
