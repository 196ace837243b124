// All sessions of a node: by id and by join code. Opens them when somebody asks, and again after
// they had to be dropped. In a cluster: takes those that are free, keeps their leases, says where
// the others are.
#ifndef ATTUNE_SERVICES_NODE_REGISTRY_H_
#define ATTUNE_SERVICES_NODE_REGISTRY_H_

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "services/base/mutex.h"
#include "services/node/parts.h"
#include "services/node/recovery.h"
#include "services/node/session_host.h"
#include "services/node/tenure.h"

namespace attune::node {

inline constexpr size_t kMaxOpenSessions = 10'000;  // beyond: RESOURCE_EXHAUSTED
inline constexpr size_t kClosedSessionsKept = 64;   // in memory; others are read again when asked

// Thread-safe. Callbacks run on the caller's thread, the opener's or the session's worker.
class Registry {
 public:
  using Host = std::shared_ptr<SessionHost>;
  using OnHost = std::function<void(absl::StatusOr<Host>)>;

  // All must outlive it.
  Registry(Parts& parts, std::vector<Worker*> workers);
  ~Registry();
  // Ends its own threads: no lease is renewed any more.
  void StopKeeping();

  // Opens every session that is not closed; those that cannot be are logged and tried again later.
  // Blocks. OK even then, unless the journal cannot be listed.
  absl::Status RecoverAll();

  // The session that this request makes or has made. `elsewhere`: a node that is to make a new one
  // (ElsewhereStatus); empty: it is made here.
  void Create(const v1::CreateSessionRequest& request, const std::string& creator,
              const std::string& elsewhere, OnHost on_host);
  // NOT_FOUND: there is no such session. FAILED_PRECONDITION with where it is (elsewhere.h):
  // another node owns it. A session that nobody owns is taken.
  void Find(const std::string& session, OnHost on_host);
  // NOT_FOUND: no open session has this (normalised) code. Otherwise as Find.
  void FindByCode(const std::string& code, OnHost on_host);
  // In order of ids; of closed ones that are not in memory, id and state only. On the opener.
  struct Page {
    std::vector<v1::SessionInfo> sessions;
    std::string next;  // empty: no more
  };
  void List(const std::string& after, size_t limit,
            std::function<void(absl::StatusOr<Page>)> reply);
  // Somebody has seen a newer owner than ours: take the session anew, above `epoch_floor`.
  void Reopen(const std::string& session, uint64_t epoch_floor);

  // A client brings a ticket for a session whose journal is not there: true if it is genuine. Then
  // the cluster has lost the session, and says so.
  bool NoteLost(const std::string& session, const v1::EpochTicket& ticket);

  // ---- One of many (registry_cluster.cc).
  // By two-choice placement: the address of the node that should make this session; empty: here.
  std::string WhereToCreate(const v1::CreateSessionRequest& request);
  // Sessions that another node hands to this one; `done` with how many are here now.
  void Adopt(const std::vector<std::string>& sessions, std::function<void(uint32_t)> done);
  // From now on none is taken or made here.
  void BeginDraining();
  bool draining() const;
  std::vector<Host> Hosts() const;
  // The directory has given it to another node: it is not renewed any more.
  void HandedOver(const placement::Lease& lease) { tenure_.LetGo(lease.session, lease.epoch); }

  // Every second or so: tries again what could not be opened, lets closed sessions go.
  void Sweep();
  // Checkpoints and lets everything go; waits at most so long.
  void RetireAll(int64_t timeout_us);
  size_t open_sessions() const;
  size_t suspended_sessions() const { return tenure_.suspended(); }
  size_t leases_held() const { return tenure_.held(); }

 private:
  struct Failure {
    absl::Status status;
    int64_t until_steady_us = 0;
  };

  Worker& WorkerOf(const std::string& session) const;
  void Open(const std::string& session, uint64_t epoch_floor);
  Host Install(absl::StatusOr<Opened>& opened, const std::string& session);
  void Answer(const std::string& session, const absl::StatusOr<Host>& host);
  void OnGone(const std::string& session, uint64_t epoch, SessionHost::Parting parting);
  std::string FreshCode();
  Host HostAtHome(const std::string& session) const;
  void StartRecovered(const Host& host, const std::vector<SessionHost::Erasure>& erased);

  // registry_cluster.cc
  absl::StatusOr<std::string> ClaimFreshCode(const std::string& session);
  void KeepCode(const Host& host);
  absl::StatusOr<Host> OwnerOnly(const std::string& session);
  void SweepOrphans();
  void RemindOrphans();
  v1::SessionInfo InfoOfOther(const journal::SessionState& state);

  // registry_tenure.cc
  absl::StatusOr<placement::Lease> Take(const std::string& session, uint64_t epoch_floor);
  void GiveBack(const placement::Lease& lease, bool closed);
  void KeepLeases();
  void Renew(std::vector<placement::Lease> leases);
  void SuspendHost(const placement::Lease& lease, const std::string& why);
  void Resume(const std::string& session);
  void ResumeFrom(const Host& old, const placement::Lease& lease,
                  const session::SessionCore::Checkpoint& checkpoint,
                  const std::vector<SessionHost::Erasure>& erased);
  void FinishResume(const std::string& session, const placement::Lease& lease,
                    absl::StatusOr<Opened> opened);
  void OnLost(const std::string& session);

  Parts& parts_;
  const std::vector<Worker*> workers_;
  mutable Mutex mu_;
  std::map<std::string, Host> hosts_ ATTUNE_GUARDED_BY(mu_);
  std::map<std::string, std::string> by_code_ ATTUNE_GUARDED_BY(mu_);
  std::map<std::string, std::vector<OnHost>> opening_ ATTUNE_GUARDED_BY(mu_);
  std::map<std::string, Failure> failures_ ATTUNE_GUARDED_BY(mu_);
  std::map<std::string, int64_t> lost_ ATTUNE_GUARDED_BY(mu_);  // and when it was last said
  bool retiring_ ATTUNE_GUARDED_BY(mu_) = false;
  bool draining_ ATTUNE_GUARDED_BY(mu_) = false;

  Tenure tenure_;
  // One looks after leases, the others wait for the store's answers. Absent: alone.
  std::unique_ptr<Worker> keeper_;
  std::unique_ptr<Worker> renewer_;
  std::unique_ptr<Worker> sweeper_;
  std::atomic<bool> renewing_{false};
  std::atomic<bool> sweeping_{false};
  int64_t orphans_at_us_ = 0;  // the keeper's
  int64_t remind_at_us_ = 0;
  int64_t codes_at_us_ = 0;
  // What the journal may still call when the registry is gone.
  struct Link {
    Mutex mu;
    Registry* registry ATTUNE_GUARDED_BY(mu) = nullptr;
  };
  const std::shared_ptr<Link> link_;
};

}  // namespace attune::node

#endif  // ATTUNE_SERVICES_NODE_REGISTRY_H_
