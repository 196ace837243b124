// Keeps the leases of a node's sessions: says when to renew them, which of them have run out, and
// when to try to have a lost one again. No threads, no I/O, no clock of its own: whoever drives it
// (registry_tenure.cc, the simulation) passes the steady time and does what it says.
//
//   held --its time is over, or the directory says it is not ours--> suspended --Hold--> held
//     \---------------------------- LetGo ----------------------------/---> gone
//
// A lease that has run out on our own steady clock is never used again, whatever the directory says
// later: somebody else may have had the session meanwhile (Gray and Cheriton 1989, "Leases").
#ifndef ATTUNE_SERVICES_NODE_TENURE_H_
#define ATTUNE_SERVICES_NODE_TENURE_H_

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "services/base/mutex.h"
#include "services/base/random.h"
#include "services/placement/directory.h"

namespace attune::node {

struct TenureOptions {
  int64_t renew_every_us = 2'000'000;  // a third of a lease
  int64_t renew_again_us = 300'000;    // after the directory did not answer
  int64_t resume_first_us = 200'000;   // a suspended session is tried again so soon,
  int64_t resume_most_us = 1'000'000;  // and at least so often; with jitter
};

// Thread-safe. Leases that never run out (a process that is alone) are not kept.
class Tenure {
 public:
  // `random` must outlive it and be thread-safe.
  Tenure(TenureOptions options, RandomSource& random) : options_(options), random_(random) {}

  // Ours from now on; takes the place of an older lease of the session.
  void Hold(const placement::Lease& lease);
  // Not ours any more, and not wanted back: released, handed over, or another's. An older epoch
  // than the one that is kept does nothing.
  void LetGo(const std::string& session, uint64_t epoch);
  // Whoever serves it noticed first that its time is over, or gave up for another reason.
  void Suspend(const std::string& session, uint64_t epoch, int64_t now_us);

  struct Due {
    std::vector<placement::Lease> renew;    // all together; answer with OnRenewed
    std::vector<placement::Lease> suspend;  // at once: no ack and no frame under these any more
    std::vector<std::string> resume;        // acquire again; answer with Hold, LetGo or NotResumed
  };
  Due Check(int64_t now_us);
  // When Check has something to do at the latest.
  int64_t NextUs() const;

  // What the directory said to one of `renew`. True: the lease goes on, until
  // `answer->valid_until_steady_us`. False: it stays as it is (no answer) or is in `suspended`.
  bool OnRenewed(const placement::Lease& asked, const absl::StatusOr<placement::Lease>& answer,
                 int64_t now_us, std::vector<placement::Lease>& suspended);
  // The directory did not answer, or nobody may acquire at the moment. Until one session has been
  // resumed, only one at a time is tried.
  void NotResumed(const std::string& session, int64_t now_us);

  // Of a lease that Hold was given: as it is now, renewals included.
  int64_t ValidUntil(const placement::Lease& lease) const;
  size_t held() const;
  size_t suspended() const;
  // INT64_MAX when nothing is held: the earliest end of a lease.
  int64_t EarliestEndUs() const;

 private:
  struct Kept {
    placement::Lease lease;
    bool suspended = false;
    bool resuming = false;  // told to resume, not answered yet
    int64_t resume_at_us = 0;
    int64_t resume_wait_us = 0;
  };

  void SuspendNow(Kept& kept, int64_t now_us) ATTUNE_REQUIRES(mu_);

  const TenureOptions options_;
  RandomSource& random_;
  mutable Mutex mu_;
  std::map<std::string, Kept> sessions_ ATTUNE_GUARDED_BY(mu_);
  int64_t renew_at_us_ ATTUNE_GUARDED_BY(mu_) = 0;
  bool one_at_a_time_ ATTUNE_GUARDED_BY(mu_) = false;
};

}  // namespace attune::node

#endif  // ATTUNE_SERVICES_NODE_TENURE_H_
