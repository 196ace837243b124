// Erasing one person, and checkpoints (which an erasure has to stop).
#include <utility>

#include "services/node/session_host.h"

namespace attune::node {

std::function<void(absl::Status)> SessionHost::OnWorker(
    std::function<void(SessionHost&, absl::Status)> then) {
  return [self = shared_from_this(), then = std::move(then)](absl::Status status) {
    self->Post([then, status = std::move(status)](SessionHost& host) {
      if (!host.dropped_) then(host, status);
    });
  };
}

void SessionHost::Erase(uint32_t participant, const std::string& request_id,
                        std::function<void(absl::StatusOr<uint32_t>)> reply) {
  if (dropped_) {
    reply(absl::UnavailableError("this node has let go of the session; try again"));
    return;
  }
  if (core_.DeleteRawAfterReport() && core_.report_revision() > 0 &&
      core_.SubjectOf(participant).empty() && !erasures_.contains(participant)) {
    EraseOwnPart(participant, std::move(reply));
    return;
  }
  const auto record = core_.ProposeErase(participant, request_id, NowUs());
  if (record.ok()) {
    erasures_[participant].replies.push_back(std::move(reply));
    Commit(*record);
    return;
  }
  if (!absl::IsAlreadyExists(record.status()) && !core_.IsErased(participant)) {
    reply(record.status());
    return;
  }
  if (const auto work = erasures_.find(participant); work != erasures_.end()) {
    work->second.replies.push_back(std::move(reply));
    return;
  }
  Gate([this, reply = std::move(reply)](const absl::Status& status) {
    if (status.ok()) {
      reply(core_.report_revision());
    } else {
      reply(status);
    }
  });
}

// A closed team session after a restart: the records of its people are gone, so there is nobody to
// erase - but for their own part of the report, which nothing else tells of.
void SessionHost::EraseOwnPart(uint32_t participant,
                               std::function<void(absl::StatusOr<uint32_t>)> reply) {
  parts_.opener.Post([self = shared_from_this(), participant, reply = std::move(reply)] {
    const auto answer = [self, reply](absl::Status status) {
      self->Post([reply, status = std::move(status)](SessionHost& host) {
        if (status.ok()) {
          reply(host.core_.report_revision());
        } else {
          reply(status);
        }
      });
    };
    const absl::StatusOr<std::string> subject =
        self->blobs_.ReportPartSubject(self->id(), participant);
    if (!subject.ok()) {
      answer(absl::IsNotFound(subject.status()) ? absl::OkStatus() : subject.status());
      return;
    }
    self->parts_.journal.EraseSubject(
        self->id(), self->log_->fence(), *subject,
        [self, subject = *subject, answer](absl::Status status) {
          self->parts_.opener.Post([self, subject, answer, status = std::move(status)]() mutable {
            status.Update(self->parts_.keystore.Destroy(self->id(), subject));
            answer(std::move(status));
          });
        });
  });
}

void SessionHost::BeginErasure(uint32_t participant, const std::string& subject) {
  erasures_[participant].subject = subject;
  report_builder_ = nullptr;  // it knows the person
  if (const auto id = edge_of_.find(participant); id != edge_of_.end()) {
    SendClosed(edges_.at(id->second), true);
    Refuse(id->second, v1::REFUSAL_REASON_ERASED, "this person was erased; nothing more is taken");
  }
  std::vector<uint64_t> own;
  for (const auto& [id, watch] : watches_) {
    if (watch.viewer.participant == participant) own.push_back(id);
  }
  for (const uint64_t id : own)
    FinishWatch(id, absl::PermissionDeniedError("this person was erased"));
  StartErasures();
}

void SessionHost::StartErasures() {
  // A report on its way to the store is waited for, so that it cannot be written after the erasure.
  if (report_storing_ || dropped_) return;
  for (auto& [participant, work] : erasures_) {
    if (work.started || work.subject.empty()) continue;
    work.started = true;
    parts_.opener.Post([self = shared_from_this(), participant = participant,
                        subject = work.subject] { self->Clean(participant, subject); });
  }
}

// On the opener's thread.
void SessionHost::Clean(uint32_t participant, const std::string& subject) {
  std::optional<v1::Report> team_report;
  if (kind_ == v1::SESSION_KIND_TEAM) {
    if (absl::StatusOr<v1::Report> stored = blobs_.ReadReport(id()); stored.ok()) {
      team_report = *std::move(stored);
      auto& people = *team_report->mutable_people();
      for (int i = people.size() - 1; i >= 0; --i) {
        if (people[i].participant() == participant) people.DeleteSubrange(i, 1);
      }
    }
  }
  const journal::Fence& fence = log_->fence();
  auto finish = OnWorker([participant, team_report](SessionHost& host, const absl::Status& status) {
    host.OnCleaned(participant, status, team_report);
  });
  const auto destroy = [self = shared_from_this(), subject, finish](absl::Status status) {
    // Not on the journal's thread: destroying a key waits for the disk.
    self->parts_.opener.Post([self, subject, finish, status = std::move(status)]() mutable {
      status.Update(self->parts_.keystore.Destroy(self->id(), subject));
      status.Update(self->parts_.keystore.Destroy(self->id(), ReportSubject(subject)));
      finish(status);
    });
  };
  blobs_.DeleteWhatTellsOf(id(), fence, participant, subject, [](const absl::Status&) {});
  parts_.journal.EraseSubject(id(), fence, ReportSubject(subject), [](const absl::Status&) {});
  parts_.journal.EraseSubject(id(), fence, subject, destroy);
}

void SessionHost::OnCleaned(uint32_t participant, const absl::Status& status,
                            std::optional<v1::Report> team_report) {
  if (!status.ok()) {
    parts_.log.Write(Severity::kError, "erase_not_finished",
                     {{"why", std::string(status.message())}});
    erasures_[participant].started = false;  // housekeeping starts it again
    return;
  }
  erasures_[participant].cleaned = true;
  if (team_report.has_value()) team_report_ = std::move(team_report);
  for (const auto& [other, work] : erasures_) {
    if (!work.cleaned) return;
  }
  RequestCheckpoint();
  if (core_.ReportDueAtUs() > NowUs()) {
    FinishErasures();
    return;
  }
  // Closed: the answer comes with the new revision, in OnClosed.
  erasures_replying_ = std::exchange(erasures_, {});
  WantReport();
  if (!report_storing_ && report_builder_ == nullptr) FinishErasures();
}

void SessionHost::FinishErasures() {
  for (auto* works : {&erasures_replying_, &erasures_}) {
    for (auto work = works->begin(); work != works->end();) {
      if (!work->second.cleaned) {
        ++work;
        continue;
      }
      for (const auto& reply : work->second.replies) reply(core_.report_revision());
      work = works->erase(work);
    }
  }
}

void SessionHost::MaybeCheckpoint(std::function<void()> done) {
  const bool useless = core_.DeleteRawAfterReport() && core_.report_revision() > 0;
  const bool possible = !dropped_ && !useless && erasures_.empty() && pending_.empty() &&
                        log_->waiting_records() == 0 && core_.created();
  if (!checkpoint_wanted_ || !possible) {
    // What is not possible now is tried again with the next commit.
    if (done) done();
    return;
  }
  checkpoint_wanted_ = false;
  const session::SessionCore::Checkpoint checkpoint = core_.Save();
  checkpoint_number_ = checkpoint.number;
  checkpoint_steady_us_ = parts_.clock.SteadyMicros();
  parts_.metrics.checkpoints.Increment();
  blobs_.WriteCheckpoint(
      id(), log_->fence(), checkpoint,
      [self = shared_from_this(), done = std::move(done)](const absl::Status& status) {
        if (!status.ok()) {
          self->parts_.log.Write(Severity::kWarning, "checkpoint_failed",
                                 {{"why", std::string(status.message())}});
        }
        if (done) self->Post([done](SessionHost&) { done(); });
      });
}

}  // namespace attune::node
