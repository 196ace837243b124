// Helpers for tests of anything that uses a journal.
#ifndef ATTUNE_SERVICES_JOURNAL_JOURNAL_TESTING_H_
#define ATTUNE_SERVICES_JOURNAL_JOURNAL_TESTING_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "services/base/mutex.h"
#include "services/journal/journal.h"

namespace attune::journal {

// Collects answers, in the order in which they come.
class Answers {
 public:
  Journal::Done Next() {
    MutexLock lock(mu_);
    const size_t index = asked_++;
    return [this, index](absl::Status status) {
      MutexLock answering(mu_);
      order_.push_back(index);
      statuses_.push_back(std::move(status));
      all_.NotifyAll();
    };
  }
  // Waits for every answer asked for; the first that is not OK, or OK.
  absl::Status Wait() {
    MutexLock lock(mu_);
    while (statuses_.size() < asked_) all_.Wait(mu_);
    for (const absl::Status& status : statuses_) {
      if (!status.ok()) return status;
    }
    return absl::OkStatus();
  }
  std::vector<size_t> order() {
    MutexLock lock(mu_);
    return order_;
  }
  std::vector<absl::Status> statuses() {
    MutexLock lock(mu_);
    return statuses_;
  }
  size_t answered() {
    MutexLock lock(mu_);
    return statuses_.size();
  }

 private:
  Mutex mu_;
  CondVar all_;
  size_t asked_ ATTUNE_GUARDED_BY(mu_) = 0;
  std::vector<size_t> order_ ATTUNE_GUARDED_BY(mu_);
  std::vector<absl::Status> statuses_ ATTUNE_GUARDED_BY(mu_);
};

// Calls that wait for their answer.
absl::Status AppendNow(Journal& journal, const SessionId& session, const Fence& fence,
                       std::vector<Entry> entries);
absl::Status WriteBlobNow(Journal& journal, const SessionId& session, const Fence& fence,
                          const std::string& name, uint64_t revision, const Subject& subject,
                          const std::string& bytes);
absl::Status EraseNow(Journal& journal, const SessionId& session, const Fence& fence,
                      const Subject& subject);
// All entries from `from`, or the error.
absl::StatusOr<std::vector<Entry>> ReadAll(Journal& journal, const SessionId& session,
                                           uint64_t from = 0);
// A subject of the right length.
Subject SubjectNamed(const std::string& name);

}  // namespace attune::journal

#endif  // ATTUNE_SERVICES_JOURNAL_JOURNAL_TESTING_H_
