#include "services/node/record_log.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "services/base/status_macros.h"

namespace attune::node {
namespace {

constexpr size_t kBatchEntries = 1024;
constexpr size_t kBatchBytes = 4u << 20;
constexpr int64_t kRetryUs = 100'000;  // after the journal's queue was full

}  // namespace

RecordLog::RecordLog(journal::Journal& journal, journal::Sealer& sealer, Worker& worker,
                     const Clock& clock, std::atomic<int64_t>& pending_bytes_total,
                     std::string session, journal::Fence fence, int64_t linger_us)
    : journal_(journal),
      sealer_(sealer),
      worker_(worker),
      clock_(clock),
      pending_bytes_total_(pending_bytes_total),
      session_(std::move(session)),
      fence_(std::move(fence)),
      linger_us_(linger_us) {}

RecordLog::~RecordLog() { CountWaiting(-static_cast<int64_t>(waiting_bytes_)); }

void RecordLog::CountWaiting(int64_t bytes) {
  waiting_bytes_ = static_cast<size_t>(static_cast<int64_t>(waiting_bytes_) + bytes);
  pending_bytes_total_.fetch_add(bytes, std::memory_order_relaxed);
}

absl::Status RecordLog::Add(const v1::JournalRecord& record, const std::string& subject,
                            bool may_wait) {
  ATTUNE_ASSIGN_OR_RETURN(
      std::string sealed,
      sealer_.Seal(session_, subject, fence_.epoch, record.number(), record.SerializeAsString()));
  CountWaiting(static_cast<int64_t>(sealed.size()));
  if (waiting_.empty()) waiting_since_us_ = clock_.SteadyMicros();
  if (!may_wait) urgent_ = true;
  waiting_.push_back({.number = record.number(), .subject = subject, .payload = std::move(sealed)});
  return absl::OkStatus();
}

void RecordLog::Flush() {
  if (in_flight_ > 0 || held_back_ || on_durable_ == nullptr) return;
  // A batch that was under way meanwhile has been answered, one that was refused never went there.
  if (skip_through_ > 0) Skip();
  if (batch_.empty()) {
    size_t count = 0, bytes = 0;
    while (count < waiting_.size() && count < kBatchEntries && bytes < kBatchBytes) {
      bytes += waiting_[count++].payload.size();
    }
    if (count == 0 || MayLinger()) return;
    const auto end = waiting_.begin() + static_cast<std::ptrdiff_t>(count);
    batch_.assign(std::make_move_iterator(waiting_.begin()), std::make_move_iterator(end));
    waiting_.erase(waiting_.begin(), end);
    if (waiting_.empty()) urgent_ = false;
  }
  in_flight_ = batch_.size();
  size_t bytes = 0;
  for (const journal::Entry& entry : batch_) bytes += entry.payload.size();
  const uint64_t number = batch_.back().number;
  std::weak_ptr<RecordLog> self = weak_from_this();
  Worker& worker = worker_;
  // A copy goes out; the batch stays until it is answered.
  journal_.Append(session_, fence_, batch_, [self, &worker, number, bytes](absl::Status status) {
    worker.Post([self, number, bytes, status = std::move(status)] {
      if (const auto log = self.lock()) log->OnAnswer(number, bytes, status);
    });
  });
}

void RecordLog::OnAnswer(uint64_t number, size_t bytes, const absl::Status& status) {
  in_flight_ = 0;
  if (absl::IsResourceExhausted(status)) {
    worker_.RunAt(clock_.SteadyMicros() + kRetryUs, [self = weak_from_this()] {
      if (const auto log = self.lock()) log->Flush();
    });
    return;
  }
  if (status.ok()) {
    batch_.clear();
    CountWaiting(-static_cast<int64_t>(bytes));
  }
  const OnDurable on_durable = on_durable_;
  if (on_durable) on_durable(number, status);
  if (status.ok()) Flush();
}

void RecordLog::HoldBack(uint64_t number) {
  held_back_ = true;
  skip_through_ = number;
}

bool RecordLog::MayLinger() {
  const int64_t until = waiting_since_us_ + linger_us_;
  if (urgent_ || clock_.SteadyMicros() >= until) return false;
  if (!lingering_) {
    lingering_ = true;
    worker_.RunAt(until, [self = weak_from_this()] {
      if (const auto log = self.lock()) {
        log->lingering_ = false;
        log->Flush();
      }
    });
  }
  return true;
}

void RecordLog::Skip() {
  const auto skipped = [this](const journal::Entry& entry) {
    if (entry.number > skip_through_) return false;
    CountWaiting(-static_cast<int64_t>(entry.payload.size()));
    return true;
  };
  std::erase_if(batch_, skipped);
  std::erase_if(waiting_, skipped);
}

void RecordLog::GoOn() {
  held_back_ = false;
  Flush();
}

void RecordLog::Abandon() { on_durable_ = nullptr; }

}  // namespace attune::node
