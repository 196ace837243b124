// The end of a session: its report is built in slices, stored, and what must not be kept is let go.
#include <utility>

#include "services/node/session_host.h"

namespace attune::node {
namespace {

constexpr int kReportTicks = 30;  // in one turn of the worker

}  // namespace

void SessionHost::WantReport() {
  if (dropped_ || report_builder_ != nullptr || report_storing_ || !erasures_.empty() ||
      !core_.ReportDue(NowUs())) {
    // Erasures are waited for until they are clean: see FinishErasures.
    return;
  }
  if (core_.DeleteRawAfterReport() && core_.report_revision() > 0) {
    if (team_report_.has_value()) StoreReport(*std::exchange(team_report_, std::nullopt));
    return;
  }
  report_builder_ = core_.BuildReport();
  Post([](SessionHost& host) { host.StepReport(); });
}

void SessionHost::StepReport() {
  if (dropped_ || report_builder_ == nullptr) return;
  if (!report_builder_->Step(kReportTicks)) {
    Post([](SessionHost& host) { host.StepReport(); });
    return;
  }
  v1::Report report = report_builder_->Take();
  report_builder_ = nullptr;
  StoreReport(std::move(report));
}

void SessionHost::StoreReport(v1::Report report) {
  report_storing_ = true;
  report.set_revision(core_.report_revision() + 1);
  std::map<uint32_t, std::string> subjects;
  for (const v1::PersonReport& person : report.people()) {
    subjects[person.participant()] = core_.SubjectOf(person.participant());
  }
  // Elsewhere: making the keys of the parts waits for the disk.
  parts_.opener.Post([self = shared_from_this(), report = std::move(report),
                      subjects = std::move(subjects)]() mutable {
    const auto subject_of = [&subjects](uint32_t participant) { return subjects[participant]; };
    self->blobs_.WriteReport(
        self->id(), self->log_->fence(), report, subject_of,
        self->OnWorker([report](SessionHost& host, const absl::Status& status) {
          host.OnReportStored(report, status);
        }));
  });
}

void SessionHost::OnReportStored(const v1::Report& report, const absl::Status& status) {
  report_storing_ = false;
  if (!status.ok()) {
    Drop(status);
    return;
  }
  bool outdated = false;
  for (const auto& [participant, work] : erasures_) outdated |= !work.started;
  if (outdated) {
    // Somebody was erased meanwhile: what was stored goes with them, and a new one is made.
    StartErasures();
    return;
  }
  const auto record = core_.ProposeReportStored(report, NowUs());
  if (!record.ok()) {
    Drop(record.status());
    return;
  }
  // What anybody may be told, and nothing else.
  const v1::Report released = core_.ProjectReport(report, {v1::ROLE_OBSERVER, 0});
  if (Commit(*record) && report.revision() == 1) CountClosed(released);
}

void SessionHost::CountClosed(const v1::Report& released) {
  parts_.metrics.sessions_closed.Increment();
  if (kind_ != v1::SESSION_KIND_TEAM) return;
  if (const auto group = ReleasedGroupValue(released)) parts_.metrics.AddClosedGroup(*group);
}

void SessionHost::OnClosed() {
  const bool delete_raw = core_.DeleteRawAfterReport();
  std::vector<uint64_t> ids;
  for (const auto& [id, edge] : edges_) {
    SendClosed(edge, delete_raw);
    edge.attach.sink->Release(edge.attach.handle);
    ids.push_back(id);
  }
  for (const uint64_t id : ids) Forget(id);
  CloseWatchers(v1::SESSION_STATE_CLOSED, "", absl::OkStatus());
  FinishErasures();
  if (delete_raw) {
    DestroyRaw();
  } else {
    RequestCheckpoint();
    MarkClosed();
  }
}

void SessionHost::DestroyRaw() {
  std::vector<std::string> subjects;
  for (uint32_t participant = 1; participant <= session::Limits{}.people; ++participant) {
    const std::string subject = core_.SubjectOf(participant);
    if (!subject.empty()) subjects.push_back(subject);
  }
  parts_.opener.Post([self = shared_from_this(), subjects] {
    Parts& parts = self->parts_;
    const journal::Fence& fence = self->log_->fence();
    const auto nothing = [](const absl::Status&) {};
    self->blobs_.DeleteCheckpoint(self->id(), fence, subjects, nothing);
    for (const std::string& subject : subjects) {
      parts.journal.EraseSubject(self->id(), fence, subject, nothing);
      if (const absl::Status status = parts.keystore.Destroy(self->id(), subject); !status.ok()) {
        parts.log.Write(Severity::kError, "raw_key_not_destroyed",
                        {{"why", std::string(status.message())}});
      }
    }
    // An empty append is answered when everything before it is.
    parts.journal.Append(self->id(), fence, {},
                         self->OnWorker([](SessionHost& host, const absl::Status& status) {
                           if (status.ok()) host.MarkClosed();
                         }));
  });
}

void SessionHost::MarkClosed() {
  parts_.journal.SetLabel(id(), log_->fence(), kClosedLabel, [](const absl::Status&) {});
}

void SessionHost::GetReport(const session::Viewer& viewer,
                            std::function<void(absl::StatusOr<v1::GetReportResponse>)> reply) {
  if (dropped_) {
    reply(absl::UnavailableError("this node has let go of the session; try again"));
    return;
  }
  if (core_.state() != v1::SESSION_STATE_CLOSED) {
    reply(absl::FailedPreconditionError(
        "the session is not closed yet: its report comes after the end and a short grace"));
    return;
  }
  parts_.opener.Post([self = shared_from_this(), viewer, reply = std::move(reply)]() mutable {
    auto stored = std::make_shared<absl::StatusOr<v1::Report>>(self->blobs_.ReadReport(self->id()));
    self->Post([viewer, stored, reply = std::move(reply)](SessionHost& host) {
      if (!stored->ok()) {
        reply(absl::IsNotFound(stored->status())
                  ? absl::UnavailableError("a new revision of the report is being made; try again")
                  : stored->status());
        return;
      }
      const v1::Report& report = **stored;
      const session::SessionCore& core = host.core_;
      v1::GetReportResponse response;
      *response.mutable_envelope() = core.ReportEnvelopeFor(viewer);
      *response.mutable_report() = core.ProjectReport(report, viewer);
      // A closed team session after a restart: the records of its people are gone from the journal,
      // so the core knows nobody. Whose own part is still there sees it, and what everybody sees.
      const bool unknown = viewer.participant != 0 && core.DeleteRawAfterReport() &&
                           core.SubjectOf(viewer.participant).empty();
      for (const v1::PersonReport& person : report.people()) {
        if (!unknown || person.participant() != viewer.participant) continue;
        *response.mutable_report() =
            core.ProjectReport(report, {v1::ROLE_OBSERVER, viewer.participant});
        *response.mutable_report()->add_people() = person;
      }
      reply(std::move(response));
    });
  });
}

}  // namespace attune::node
