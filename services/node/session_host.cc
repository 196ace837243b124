#include "services/node/session_host.h"

#include <algorithm>
#include <limits>
#include <utility>

#include "absl/strings/str_cat.h"
#include "services/node/epoch_ticket.h"

namespace attune::node {
namespace {

// In Redis each write is a command, and a session of many people would need many of them.
constexpr int64_t kLingerUs = 1'000'000;
constexpr int64_t kHousekeepingUs = 250'000;
constexpr uint64_t kCheckpointRecords = 5000;
constexpr int64_t kCheckpointUs = 60'000'000;
constexpr int64_t kTurnUs = 20'000;      // catching up gives way to other sessions after so long
constexpr int64_t kStuckUs = 3'000'000;  // a commit that takes longer has no disk to go to

// Frames made before such a record may not leave under the rules after it, nor the other way round.
bool ChangesView(const v1::JournalRecord& record) {
  switch (record.what_case()) {
    case v1::JournalRecord::kObservations:
    case v1::JournalRecord::kGap:
    case v1::JournalRecord::kTickClosed:
    case v1::JournalRecord::kSourceFinished:
    case v1::JournalRecord::kMeasure:
    case v1::JournalRecord::kOwnerTaken:
      return false;
    default:
      return true;
  }
}

}  // namespace

SessionHost::SessionHost(Parts& parts, Worker& worker, session::SessionCore core, int64_t last_us,
                         placement::Lease lease, OnGone on_gone)
    : parts_(parts),
      worker_(worker),
      core_(std::move(core)),
      lease_(std::move(lease)),
      on_gone_(std::move(on_gone)),
      join_code_(core_.join_code()),
      clock_(parts.clock, core_.Info(0).created_utc_us(), core_.Info(0).clock_rate(), last_us),
      ticket_(SignTicket(lease_.session, lease_.epoch, lease_.nonce, parts.options.keys.ticket)),
      kind_(core_.Info(0).kind()),
      log_(std::make_shared<RecordLog>(
          parts.journal, parts.sealer, worker, parts.clock, parts.pending_bytes, lease_.session,
          journal::Fence{lease_.epoch, lease_.nonce}, parts.options.cluster ? kLingerUs : 0)),
      blobs_(parts.journal, parts.sealer),
      valid_until_steady_us_(lease_.valid_until_steady_us),
      checkpoint_number_(core_.next_number() - 1),
      checkpoint_steady_us_(parts.clock.SteadyMicros()),
      late_beats_told_(core_.late_beats()) {
  PublishInfo();
}

SessionHost::~SessionHost() = default;

v1::SessionInfo SessionHost::Info() const {
  MutexLock lock(info_mu_);
  v1::SessionInfo info = info_;
  info.set_now_session_us(std::max(info.now_session_us(), clock_.NowUs()));
  return info;
}

void SessionHost::PublishInfo() {
  v1::SessionInfo info = core_.Info(NowUs());
  MutexLock lock(info_mu_);
  info_ = std::move(info);
}

int64_t SessionHost::NowUs() const { return clock_.NowUs(); }

bool SessionHost::TryPost(std::function<void(SessionHost&)> task) {
  const bool posted =
      worker_.TryPost([self = shared_from_this(), task = std::move(task)] { task(*self); });
  if (!posted) parts_.metrics.mailbox_refusals.Increment();
  return posted;
}

void SessionHost::Post(std::function<void(SessionHost&)> task) {
  worker_.Post([self = shared_from_this(), task = std::move(task)] { task(*self); });
}

void SessionHost::Start(std::optional<v1::JournalRecord> opening, std::vector<Erasure> erased,
                        Reply done) {
  log_->set_on_durable([self = weak_from_this()](uint64_t number, const absl::Status& status) {
    if (const auto host = self.lock()) host->OnDurable(number, status);
  });
  parts_.metrics.sessions_open.Increment();
  if (!opening.has_value()) durable_number_ = core_.next_number() - 1;
  if (opening.has_value()) {
    // Applied already, by whoever made the core.
    if (const absl::Status status = log_->Add(*opening, ""); !status.ok()) {
      done(status);
      Drop(status);
      return;
    }
    pending_.push_back({.number = opening->number(),
                        .since_steady_us = parts_.clock.SteadyMicros(),
                        .changes_view = true});
    ++pending_views_;
  }
  recovered_ = !opening.has_value();
  v1::OwnerTaken owner;
  owner.set_epoch(lease_.epoch);
  owner.set_nonce(lease_.nonce);
  owner.set_node(parts_.options.node_id);
  const auto record = core_.ProposeOwnerTaken(owner, NowUs());
  if (record.ok()) {
    Commit(*record);
  } else if (core_.state() != v1::SESSION_STATE_CLOSED) {
    done(record.status());
    Drop(record.status());
    return;
  }
  if (recovered_) ForgetOldViewers();
  for (const Erasure& erasure : erased) BeginErasure(erasure.participant, erasure.subject);
  Gate(std::move(done));
  // A crash may have come between the report and what follows from it.
  if (core_.state() == v1::SESSION_STATE_CLOSED) OnClosed();
  Housekeep();
  MarkDirty();
}

bool SessionHost::Commit(const v1::JournalRecord& record) {
  if (dropped_) return false;
  const std::string subject = core_.SubjectOf(record);
  absl::StatusOr<session::Effects> effects = core_.Apply(record);
  absl::Status status = effects.status();
  // Acknowledged soon enough when the tick they belong to closes.
  const bool may_wait = record.has_observations() || record.has_gap();
  if (status.ok()) status = log_->Add(record, subject, may_wait);
  if (!status.ok()) {
    Drop(status);
    return false;
  }
  const int64_t now = parts_.clock.SteadyMicros();
  if (record.has_observations()) {
    parts_.metrics.beats.Increment(
        record.observations().observations().beats().time_session_us_size());
  }
  pending_.push_back({.number = record.number(),
                      .effects = std::move(*effects),
                      .since_steady_us = now,
                      .changes_view = ChangesView(record)});
  if (pending_.back().changes_view) ++pending_views_;
  MarkDirty();
  return true;
}

void SessionHost::Gate(Reply reply) {
  if (dropped_) {
    reply(absl::UnavailableError("this node has let go of the session; try again"));
  } else if (pending_.empty()) {
    reply(absl::OkStatus());
  } else {
    pending_.back().replies.push_back(std::move(reply));
    log_->Hurry();
    MarkDirty();
  }
}

absl::Status SessionHost::CannotAnswer() const {
  if (dropped_ || quiet_ || !InForce()) {
    return absl::UnavailableError("this node has let go of the session; try again");
  }
  // Whoever asks a person's question should not have to wait for a disk that is full.
  const int64_t now = parts_.clock.SteadyMicros();
  const bool stuck = !pending_.empty() && now - pending_.front().since_steady_us > kStuckUs;
  if (stuck || Overloaded()) {
    return absl::UnavailableError("the journal cannot write (is its disk full?); try again later");
  }
  return absl::OkStatus();
}

void SessionHost::Read(const std::function<void()>& fill, Reply reply) {
  if (const absl::Status status = CannotAnswer(); !status.ok()) {
    reply(status);
    return;
  }
  fill();
  Gate(std::move(reply));
}

void SessionHost::Mutate(absl::StatusOr<v1::JournalRecord> proposed,
                         const std::function<void()>& fill, Reply reply) {
  if (const absl::Status status = CannotAnswer(); !status.ok()) {
    reply(status);
    return;
  }
  if (proposed.ok()) {
    if (Commit(*proposed)) {
      while (const auto dyad = core_.ProposeDyad(NowUs())) {
        if (!Commit(*dyad)) break;
      }
    }
  } else if (!absl::IsAlreadyExists(proposed.status())) {
    reply(proposed.status());
    return;
  }
  if (!dropped_) fill();
  Gate(std::move(reply));
}

void SessionHost::OnDurable(uint64_t number, const absl::Status& status) {
  if (!StillOwner()) return;
  if (!status.ok()) {
    Drop(status);
    return;
  }
  durable_number_ = std::max(durable_number_.load(), number);
  while (!pending_.empty() && pending_.front().number <= number) {
    Pending pending = std::move(pending_.front());
    pending_.pop_front();
    if (pending.changes_view) --pending_views_;
    Release(pending);
    if (dropped_) return;
  }
  if (frame_held_ && pending_views_ == 0) OfferFrames();
  MarkDirty();
}

void SessionHost::Release(Pending& pending) {
  const int64_t now = parts_.clock.SteadyMicros();
  parts_.metrics.records.Increment();
  session::Effects& effects = pending.effects;
  if (effects.ack.has_value()) {
    const session::EdgeAck& ack = *effects.ack;
    uint64_t& durable = durable_[{ack.participant, ack.boot_id}];
    durable = std::max(durable, ack.seq);
    if (const auto id = edge_of_.find(ack.participant); id != edge_of_.end()) {
      acks_due_.insert(id->second);
    }
    parts_.metrics.ingest_lag.Observe(static_cast<double>(now - pending.since_steady_us) * 1e-6);
  }
  if (!effects.log.empty()) OfferEntries(effects.log);
  if (effects.frame != nullptr) {
    last_frame_ = effects.frame;
    last_frame_late_ = effects.closed_by_lateness;
    last_frame_since_us_ = pending.since_steady_us;
    frame_recovered_ = std::exchange(recovered_, false);
    parts_.metrics.ticks.Increment();
    if (effects.closed_by_lateness) parts_.metrics.ticks_by_lateness.Increment();
    if (pending_views_ == 0) {
      OfferFrames();
    } else {
      frame_held_ = true;
    }
  }
  if (effects.consent_changed) ReprojectFrames();
  for (const Reply& reply : pending.replies) reply(absl::OkStatus());
  if (effects.erased != 0) BeginErasure(effects.erased, effects.erased_subject);
  if (!effects.revoked_token_id.empty()) CheckTokens();
  if (effects.closed) OnClosed();
}

void SessionHost::MarkDirty() {
  if (dirty_ || dropped_) return;
  dirty_ = true;
  worker_.Defer([self = shared_from_this()] { self->Settle(); });
}

void SessionHost::Settle() {
  dirty_ = false;
  if (!StillOwner()) return;
  Unpark();
  PumpTime();
  if (dropped_) return;
  log_->Flush();
  SendAcks();
  const uint64_t applied = core_.next_number() - 1;
  if (applied - checkpoint_number_ >= kCheckpointRecords) RequestCheckpoint();
  MaybeCheckpoint();
  PublishInfo();
  ArmTimer();
}

void SessionHost::PumpTime() {
  // After hours without an owner thousands of ticks are due. The worker's other sessions get their
  // turn in between: what is left has a deadline in the past, so that ArmTimer brings us back.
  const int64_t turn_ends = parts_.clock.SteadyMicros() + kTurnUs;
  while (!dropped_ && !quiet_ && !Overloaded()) {
    const int64_t before = parts_.clock.SteadyMicros();
    if (before > turn_ends) return;
    const auto record = core_.ProposeTimed(NowUs());
    if (!record.has_value()) return;
    if (record->has_tick_closed()) {
      parts_.metrics.tick_compute.Observe(
          static_cast<double>(parts_.clock.SteadyMicros() - before) * 1e-6);
    }
    Commit(*record);
  }
}

void SessionHost::ArmTimer() {
  worker_.Cancel(timer_);
  const int64_t deadline = core_.NextDeadlineUs();
  if (deadline == std::numeric_limits<int64_t>::max() || Overloaded() || quiet_) return;
  const int64_t at = std::max(clock_.SteadyAt(deadline), parts_.clock.SteadyMicros());
  timer_ = worker_.RunAt(at, [self = weak_from_this()] {
    if (const auto host = self.lock()) {
      host->timer_ = Worker::kNoTimer;
      host->MarkDirty();
    }
  });
}

void SessionHost::Housekeep() {
  if (!StillOwner()) return;
  housekeeping_ =
      worker_.RunAt(parts_.clock.SteadyMicros() + kHousekeepingUs, [self = weak_from_this()] {
        if (const auto host = self.lock()) host->Housekeep();
      });
  if (quiet_) return;
  CheckTokens();
  StartErasures();
  WantReport();
  const uint64_t late = core_.late_beats();
  parts_.metrics.late_beats.Increment(static_cast<double>(late - late_beats_told_));
  late_beats_told_ = late;
  if (parts_.clock.SteadyMicros() - checkpoint_steady_us_ >= kCheckpointUs &&
      core_.next_number() - 1 > checkpoint_number_) {
    RequestCheckpoint();
  }
  MarkDirty();
}

void SessionHost::CheckTokens() {
  const int64_t now = parts_.clock.UtcMicros();
  std::vector<std::pair<uint64_t, bool>> edges, watches;
  for (const auto& [id, edge] : edges_) {
    const Claims& claims = edge.attach.claims;
    const bool expired = now >= claims.expires_utc_us;
    if (expired || core_.IsRevoked(claims.token_id)) edges.emplace_back(id, expired);
  }
  for (const auto& [id, watch] : watches_) {
    const Claims& claims = watch.attach.claims;
    const bool expired = now >= claims.expires_utc_us;
    if (expired || core_.IsRevoked(claims.token_id)) watches.emplace_back(id, expired);
  }
  std::vector<uint64_t> left;
  for (const auto& [participant, id] : edge_of_) {
    if (!core_.IsActive(participant)) left.push_back(id);
  }
  for (const uint64_t id : left) {
    Refuse(id, v1::REFUSAL_REASON_LEFT, "this person left the session: join again");
  }
  for (const auto& [id, expired] : edges) {
    Refuse(id, expired ? v1::REFUSAL_REASON_TOKEN_EXPIRED : v1::REFUSAL_REASON_TOKEN_INVALID,
           expired ? "the token has expired: join again for a new one"
                   : "the token was revoked: join again");
  }
  for (const auto& [id, expired] : watches) {
    FinishWatch(
        id, absl::UnauthenticatedError(expired ? "token expired: get a new one" : "token revoked"));
  }
}

bool SessionHost::Overloaded() const {
  return log_->waiting_records() >= kMaxPendingRecords ||
         log_->waiting_bytes() >= kMaxPendingBytes ||
         parts_.pending_bytes.load(std::memory_order_relaxed) >=
             static_cast<int64_t>(kMaxPendingBytesTotal);
}

uint32_t SessionHost::Credit() const { return Overloaded() ? 0 : kCreditObservations; }

}  // namespace attune::node
