// What every journal must do, whatever it stores its bytes in. A journal's test links
// :conformance and instantiates the suite:
//
//   INSTANTIATE_TEST_SUITE_P(Sqlite, JournalConformance, testing::Values(ConformanceParam{
//       "process", [] { return std::make_unique<MyStore>(); }}));
#ifndef ATTUNE_SERVICES_JOURNAL_CONFORMANCE_H_
#define ATTUNE_SERVICES_JOURNAL_CONFORMANCE_H_

#include <gtest/gtest.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "services/base/mutex.h"
#include "services/journal/journal.h"

namespace attune::journal {

// A store under test; empty at the beginning.
class ConformanceStore {
 public:
  virtual ~ConformanceStore() = default;
  virtual Journal& journal() = 0;
  // The process that holds the journal dies without warning, and another opens it. If the tier
  // promises more (power loss), that happens, too.
  virtual void KillAndReopen() = 0;
};

struct ConformanceParam {
  std::string name;
  std::function<std::unique_ptr<ConformanceStore>()> make;
};

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

class JournalConformance : public testing::TestWithParam<ConformanceParam> {
 protected:
  void SetUp() override { store_ = GetParam().make(); }
  Journal& journal() { return store_->journal(); }
  std::unique_ptr<ConformanceStore> store_;
};

}  // namespace attune::journal

#endif  // ATTUNE_SERVICES_JOURNAL_CONFORMANCE_H_
