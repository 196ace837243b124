#include "tests/simulation/recording.h"

namespace attune::simulation {
namespace {

constexpr int64_t kLongUs = int64_t{3600} * 1'000'000;

}  // namespace

absl::StatusOr<placement::Lease> RecordingDirectory::Acquire(const std::string& session,
                                                             uint64_t floor) {
  absl::StatusOr<placement::Lease> lease = real_.Acquire(session, floor);
  if (lease.ok() && lease->is_mine) {
    history_.Granted(*lease, floor, node_);
    if (planted_.never_fence) lease->valid_until_steady_us += kLongUs;
  }
  return lease;
}

std::optional<v1::JournalRecord> RecordingJournal::Plain(const journal::SessionId& session,
                                                         uint64_t epoch,
                                                         const journal::Entry& entry) const {
  if (entry.erased) return std::nullopt;
  const auto plain = sealer_->Unseal(session, entry.subject, epoch, entry.number, entry.payload);
  v1::JournalRecord record;
  if (!plain.ok() || !record.ParseFromString(*plain)) return std::nullopt;
  return record;
}

absl::Status RecordingJournal::Read(const journal::SessionId& session, uint64_t from,
                                    const Sink& sink) {
  return real_->Read(session, from, [&](journal::Entry entry) {
    if (const auto record = Plain(session, entry.epoch, entry)) {
      history_.Committed(session, entry.epoch, *record);
    }
    return sink(std::move(entry));
  });
}

void RecordingJournal::Append(const journal::SessionId& session, const journal::Fence& fence,
                              std::vector<journal::Entry> entries, Done done,
                              journal::Urgency urgency) {
  auto records = std::make_shared<std::vector<v1::JournalRecord>>();
  for (const journal::Entry& entry : entries) {
    const auto record = Plain(session, fence.epoch, entry);
    if (!record) continue;
    history_.Handed(session, fence.epoch, *record);
    records->push_back(*record);
  }
  const auto noted = [this, session, fence, records](const absl::Status& status) {
    if (!status.ok()) return;
    for (const v1::JournalRecord& record : *records) {
      history_.Committed(session, fence.epoch, record);
    }
  };
  if (planted_.ack_before_append) {
    done(absl::OkStatus());
    real_->Append(session, fence, std::move(entries), noted, urgency);
    return;
  }
  real_->Append(
      session, fence, std::move(entries),
      [noted, done = std::move(done)](const absl::Status& status) {
        noted(status);
        done(status);
      },
      urgency);
}

}  // namespace attune::simulation
