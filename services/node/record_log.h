// One session's way into the journal: records are sealed, appended in order, one batch under way at
// a time (so that a refused batch can be repeated as it is), and answered in order.
#ifndef ATTUNE_SERVICES_NODE_RECORD_LOG_H_
#define ATTUNE_SERVICES_NODE_RECORD_LOG_H_

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "attune/v1/journal.pb.h"
#include "services/journal/journal.h"
#include "services/journal/sealer.h"
#include "services/node/worker.h"

namespace attune::node {

// Belongs to its worker's thread. Holds what it is given by reference; all must outlive it.
class RecordLog : public std::enable_shared_from_this<RecordLog> {
 public:
  // On the worker: everything up to `number` is durable, or (status not OK) nothing more will be.
  using OnDurable = std::function<void(uint64_t number, absl::Status status)>;

  RecordLog(journal::Journal& journal, journal::Sealer& sealer, Worker& worker, const Clock& clock,
            std::atomic<int64_t>& pending_bytes_total, std::string session, journal::Fence fence,
            int64_t linger_us = 0);
  ~RecordLog();

  void set_on_durable(OnDurable on_durable) { on_durable_ = std::move(on_durable); }

  // Seals at once; the bytes leave with the next Flush, or, where a write is dear, together with
  // later ones: a record that nobody waits for `may_wait` up to `linger_us`.
  absl::Status Add(const v1::JournalRecord& record, const std::string& subject,
                   bool may_wait = false);
  void Flush();
  // Somebody waits for what is here: the next Flush takes everything.
  void Hurry() { urgent_ = true; }

  // The journal begins anew behind `number`: what waits up to there is not appended any more, and
  // nothing else until GoOn.
  void HoldBack(uint64_t number);
  void GoOn();

  size_t waiting_records() const { return waiting_.size() + in_flight_; }
  size_t waiting_bytes() const { return waiting_bytes_; }
  const journal::Fence& fence() const { return fence_; }
  const std::string& session() const { return session_; }
  // No answers from now on.
  void Abandon();

 private:
  void Skip();
  bool MayLinger();
  void OnAnswer(uint64_t number, size_t bytes, const absl::Status& status);
  void CountWaiting(int64_t bytes);

  journal::Journal& journal_;
  journal::Sealer& sealer_;
  Worker& worker_;
  const Clock& clock_;
  std::atomic<int64_t>& pending_bytes_total_;
  const std::string session_;
  const journal::Fence fence_;
  OnDurable on_durable_;
  std::vector<journal::Entry> waiting_;
  // The batch under way; kept, because a full queue refuses it and it must be repeated unchanged.
  std::vector<journal::Entry> batch_;
  size_t in_flight_ = 0;
  const int64_t linger_us_;
  bool urgent_ = false;           // of what waits, something may not
  int64_t waiting_since_us_ = 0;  // of the oldest
  bool lingering_ = false;        // a timer runs
  bool held_back_ = false;
  uint64_t skip_through_ = 0;  // in the journal by other means
  size_t waiting_bytes_ = 0;
};

}  // namespace attune::node

#endif  // ATTUNE_SERVICES_NODE_RECORD_LOG_H_
