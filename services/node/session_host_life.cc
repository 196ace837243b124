// How a session begins to be served here no more: dropped, suspended, retired, handed over.
#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "services/node/session_host.h"

namespace attune::node {

void SessionHost::Prolong(int64_t valid_until_steady_us) {
  int64_t now_valid = valid_until_steady_us_.load();
  while (parts_.clock.SteadyMicros() < now_valid && now_valid < valid_until_steady_us) {
    if (valid_until_steady_us_.compare_exchange_weak(now_valid, valid_until_steady_us)) return;
  }
}

bool SessionHost::StillOwner() {
  if (dropped_) return false;
  if (InForce()) return true;
  Suspend(absl::UnavailableError("its lease is over: Redis cannot be reached, or was too slow"));
  return false;
}

void SessionHost::Suspend(const absl::Status& why) {
  if (dropped_) return;
  suspended_ = true;
  valid_until_steady_us_ = 0;
  LetGo(why, {.address = "", .delay_least_ms = 300, .delay_most_ms = 1000}, Parting::kSuspended);
}

void SessionHost::Quiesce(Reply done) {
  if (!StillOwner()) {
    done(absl::UnavailableError("the session is not served here any more"));
    return;
  }
  quiet_ = true;
  log_->Hurry();
  log_->Flush();
  Gate([self = shared_from_this(), done = std::move(done)](const absl::Status& status) {
    if (!status.ok()) {
      done(status);
      return;
    }
    self->RequestCheckpoint();
    self->MaybeCheckpoint([done] { done(absl::OkStatus()); });
  });
}

void SessionHost::Unquiesce() {
  if (!quiet_ || dropped_) return;
  quiet_ = false;
  // What came meanwhile was not taken, and the edges do not know it: they begin anew.
  for (const auto& [id, edge] : edges_) TellToComeAgain(edge, {});
  while (!edges_.empty()) Forget(edges_.begin()->first);
  Housekeep();
}

void SessionHost::Depart(const Farewell& farewell) {
  LetGo(absl::UnavailableError("the session was handed to another node"), farewell, Parting::kGone);
}

std::vector<SessionHost::Erasure> SessionHost::UnfinishedErasures() const {
  std::vector<Erasure> unfinished;
  for (const auto& [participant, work] : erasures_) {
    if (!work.subject.empty() && !work.cleaned) unfinished.push_back({participant, work.subject});
  }
  return unfinished;
}

void SessionHost::PutBack() {
  if (!StillOwner() || putting_back_) return;
  if (core_.state() == v1::SESSION_STATE_CLOSED) {
    // Its raw data may have been destroyed on purpose: nothing of it is written again.
    parts_.log.Write(Severity::kError, "closed_session_lost",
                     {{"do", "restore Redis from a copy if its report is needed"}});
    return;
  }
  putting_back_ = true;
  // Everything up to here is in the checkpoint; what waits for the journal need not go there.
  const session::SessionCore::Checkpoint checkpoint = core_.Save();
  const uint64_t number = checkpoint.number;
  log_->HoldBack(number);
  const auto done = [self = shared_from_this(), number](const absl::Status& status) {
    self->Post([number, status](SessionHost& host) { host.OnPutBack(number, status); });
  };
  blobs_.WriteCheckpoint(id(), log_->fence(), checkpoint,
                         [self = shared_from_this(), number, done](const absl::Status& status) {
                           if (!status.ok()) {
                             done(status);
                             return;
                           }
                           self->parts_.journal.Restore(self->id(), self->log_->fence(), number,
                                                        done);
                         });
}

void SessionHost::OnPutBack(uint64_t number, const absl::Status& status) {
  putting_back_ = false;
  if (dropped_) return;
  if (!status.ok()) {
    parts_.log.Write(Severity::kError, "session_not_put_back",
                     {{"why", std::string(status.message())}});
    Suspend(status);  // and from there again, under a new lease
    return;
  }
  log_->GoOn();
  OnDurable(number, absl::OkStatus());
}

void SessionHost::TellToComeAgain(const Edge& edge, const Farewell& farewell) {
  v1::EdgeDown message;
  message.set_handle(edge.attach.handle);
  message.mutable_reconnect()->set_address(farewell.address);
  message.mutable_reconnect()->set_delay_ms(
      farewell.delay_least_ms + static_cast<uint32_t>(parts_.random.Below(std::max(
                                    1u, farewell.delay_most_ms - farewell.delay_least_ms))));
  edge.attach.sink->Send(std::move(message));
  edge.attach.sink->Release(edge.attach.handle);
}

void SessionHost::LetGo(const absl::Status& why, const Farewell& farewell, Parting parting) {
  if (dropped_) return;
  dropped_ = true;
  const auto self = shared_from_this();
  log_->Abandon();
  worker_.Cancel(timer_);
  worker_.Cancel(housekeeping_);
  parts_.metrics.sessions_open.Decrement();
  if (!retiring_ && !quiet_ && parting == Parting::kGone) {
    parts_.metrics.sessions_dropped.Increment();
  }
  if (parting == Parting::kGone) {
    parts_.sealer.CloseSession(id());
    parts_.journal.Close(id(), log_->fence());
  }
  const absl::Status status = absl::UnavailableError(
      absl::StrCat("the session is not served here any more: ", std::string(why.message())));
  for (const auto& [edge_id, edge] : edges_) {
    TellToComeAgain(edge, farewell);
    parts_.metrics.uplinks.Decrement();
  }
  edges_.clear();
  edge_of_.clear();
  CloseWatchers(v1::SESSION_STATE_SUSPENDED, std::string(why.message()), status);
  parked_.clear();
  std::deque<Pending> pending = std::exchange(pending_, {});
  for (const Pending& one : pending) {
    for (const Reply& reply : one.replies) reply(status);
  }
  for (auto* works : {&erasures_, &erasures_replying_}) {
    for (auto& [participant, work] : std::exchange(*works, {})) {
      for (const auto& reply : work.replies) reply(status);
    }
  }
  on_gone_(id(), epoch(), parting);
}

void SessionHost::Retire(std::function<void()> done) {
  if (dropped_) {
    done();
    return;
  }
  retiring_ = true;
  RequestCheckpoint();
  auto finish = [self = shared_from_this(), done = std::move(done)] {
    self->Drop(absl::UnavailableError("the node is stopping"));
    done();
  };
  log_->Hurry();
  log_->Flush();
  Gate([self = shared_from_this(), finish](const absl::Status& status) {
    if (status.ok()) {
      self->MaybeCheckpoint(finish);
    } else {
      finish();
    }
  });
}

}  // namespace attune::node
