// The real directory and journal with somebody who takes notes, and with the faults that the
// checker must find (planted.h).
#ifndef ATTUNE_TESTS_SIMULATION_RECORDING_H_
#define ATTUNE_TESTS_SIMULATION_RECORDING_H_

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "services/journal/journal.h"
#include "services/journal/sealer.h"
#include "services/placement/redis_directory.h"
#include "tests/simulation/history.h"
#include "tests/simulation/planted.h"

namespace attune::simulation {

class RecordingDirectory final : public placement::Directory {
 public:
  RecordingDirectory(placement::Directory& real, History& history, const Planted& planted,
                     std::string node)
      : real_(real), history_(history), planted_(planted), node_(std::move(node)) {}

  absl::StatusOr<placement::Lease> Acquire(const std::string& session, uint64_t floor) override;
  absl::StatusOr<placement::Lease> Renew(const placement::Lease& lease) override {
    return real_.Renew(lease);
  }
  std::vector<absl::StatusOr<placement::Lease>> RenewAll(
      const std::vector<placement::Lease>& leases) override {
    return real_.RenewAll(leases);
  }
  absl::Status Release(const placement::Lease& lease) override { return real_.Release(lease); }
  absl::Status Close(const placement::Lease& lease) override { return real_.Close(lease); }
  absl::Status HandOff(const placement::Lease& lease, const std::string& incarnation,
                       const std::string& address) override {
    return real_.HandOff(lease, incarnation, address);
  }
  absl::StatusOr<std::vector<std::string>> Orphans(size_t limit) override {
    return real_.Orphans(limit);
  }
  absl::Status Remind(const std::vector<std::string>& sessions) override {
    return real_.Remind(sessions);
  }
  absl::StatusOr<placement::Lease> Owner(const std::string& session) override {
    return real_.Owner(session);
  }

 private:
  placement::Directory& real_;
  History& history_;
  const Planted& planted_;
  const std::string node_;
};

class RecordingJournal final : public journal::Journal {
 public:
  // `sealer` may open what it seals; set before the first append.
  RecordingJournal(std::unique_ptr<journal::Journal> real, History& history, const Planted& planted)
      : real_(std::move(real)), history_(history), planted_(planted) {}
  void set_sealer(journal::Sealer* sealer) { sealer_ = sealer; }

  void Append(const journal::SessionId& session, const journal::Fence& fence,
              std::vector<journal::Entry> entries, Done done, journal::Urgency urgency) override;

  journal::Tier tier() const override { return real_->tier(); }
  absl::Status Open(const journal::SessionId& session, const journal::Fence& fence) override {
    return real_->Open(session, fence);
  }
  absl::Status Read(const journal::SessionId& session, uint64_t from, const Sink& sink) override;
  absl::StatusOr<journal::Position> Last(const journal::SessionId& session) override {
    return real_->Last(session);
  }
  void WriteBlob(const journal::SessionId& session, const journal::Fence& fence,
                 const std::string& name, uint64_t revision, const journal::Subject& subject,
                 std::string bytes, Done done) override {
    real_->WriteBlob(session, fence, name, revision, subject, std::move(bytes), std::move(done));
  }
  absl::StatusOr<journal::Blob> ReadBlob(const journal::SessionId& session,
                                         const std::string& name) override {
    return real_->ReadBlob(session, name);
  }
  void DeleteBlob(const journal::SessionId& session, const journal::Fence& fence,
                  const std::string& name, Done done) override {
    real_->DeleteBlob(session, fence, name, std::move(done));
  }
  void SetLabel(const journal::SessionId& session, const journal::Fence& fence,
                const std::string& label, Done done) override {
    real_->SetLabel(session, fence, label, std::move(done));
  }
  void Trim(const journal::SessionId& session, const journal::Fence& fence, uint64_t up_to,
            Done done) override {
    real_->Trim(session, fence, up_to, std::move(done));
  }
  void EraseSubject(const journal::SessionId& session, const journal::Fence& fence,
                    const journal::Subject& subject, Done done) override {
    real_->EraseSubject(session, fence, subject, std::move(done));
  }
  void DeleteSession(const journal::SessionId& session, const journal::Fence& fence,
                     Done done) override {
    real_->DeleteSession(session, fence, std::move(done));
  }
  void SetOnLost(OnLost on_lost) override { real_->SetOnLost(std::move(on_lost)); }
  void Restore(const journal::SessionId& session, const journal::Fence& fence, uint64_t last,
               Done done) override {
    real_->Restore(session, fence, last,
                   [this, session, done = std::move(done)](const absl::Status& status) {
                     if (status.ok()) history_.Restored(session);
                     done(status);
                   });
  }
  void Close(const journal::SessionId& session, const journal::Fence& fence) override {
    real_->Close(session, fence);
  }
  absl::StatusOr<journal::Listing> List(std::string_view cursor, size_t limit) override {
    return real_->List(cursor, limit);
  }
  journal::Health GetHealth() const override { return real_->GetHealth(); }
  absl::Status BackupTo(const std::string& path) override { return real_->BackupTo(path); }

 private:
  std::optional<v1::JournalRecord> Plain(const journal::SessionId& session, uint64_t epoch,
                                         const journal::Entry& entry) const;

  const std::unique_ptr<journal::Journal> real_;
  History& history_;
  const Planted& planted_;
  journal::Sealer* sealer_ = nullptr;
};

}  // namespace attune::simulation

#endif  // ATTUNE_TESTS_SIMULATION_RECORDING_H_
