// One session at home: its core, its way into the journal, the output gate, and the streams that
// are attached. Lives on one worker; everything is called there unless said otherwise.
//
// A record's way: the core proposes it, Commit applies and seals it and keeps what follows from it
// back; when the journal has it, Release lets the effects out, in order. Nothing that depends on a
// record leaves earlier.
#ifndef ATTUNE_SERVICES_NODE_SESSION_HOST_H_
#define ATTUNE_SERVICES_NODE_SESSION_HOST_H_

#include <atomic>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "attune/v1/edge.pb.h"
#include "attune/v1/journal.pb.h"
#include "attune/v1/live.pb.h"
#include "attune/v1/report.pb.h"
#include "services/base/mutex.h"
#include "services/base/token.h"
#include "services/node/blobs.h"
#include "services/node/parts.h"
#include "services/node/record_log.h"
#include "services/node/session_clock.h"
#include "services/node/streams.h"
#include "services/placement/directory.h"
#include "services/session/session_core.h"

namespace attune::node {

// An edge's person, verified as far as the token goes.
struct EdgeAttach {
  uint64_t id = 0;  // unique in the process
  std::shared_ptr<EdgeSink> sink;
  uint32_t handle = 0;
  Claims claims;
  v1::Hello hello;
};

struct WatchAttach {
  uint64_t id = 0;
  std::shared_ptr<WatchSink> sink;
  Claims claims;
  v1::WatchRequest request;
};

class SessionHost : public std::enable_shared_from_this<SessionHost> {
 public:
  using Reply = std::function<void(absl::Status)>;
  enum class Parting {
    kGone,       // fenced, handed over, or cannot go on
    kSuspended,  // its lease is over; what it knows stays in memory
  };
  // On its worker: the session is not served here any more.
  using OnGone = std::function<void(const std::string& session, uint64_t epoch, Parting parting)>;

  // `core` has been created or recovered up to a record of session time `last_us`, `lease` is ours
  // and the journal is open under it.
  SessionHost(Parts& parts, Worker& worker, session::SessionCore core, int64_t last_us,
              placement::Lease lease, OnGone on_gone);
  ~SessionHost();

  // ---- Any thread.
  const std::string& id() const { return lease_.session; }
  uint64_t epoch() const { return lease_.epoch; }
  const std::string& nonce() const { return lease_.nonce; }
  const placement::Lease& lease() const { return lease_; }
  // Whether the lease is valid, now. What leaves is checked against this as late as possible: by
  // the session, and again by the stream just before it writes, because a process may be stopped
  // and go on at any point.
  bool InForce() const { return parts_.clock.SteadyMicros() < valid_until_steady_us_.load(); }
  // The lease has been renewed. A lease that has run out stays so.
  void Prolong(int64_t valid_until_steady_us);
  // Everything that was ever acknowledged has a number up to this.
  uint64_t durable_number() const { return durable_number_.load(); }
  const SessionClock& clock() const { return clock_; }
  const std::string& join_code() const { return join_code_; }
  v1::EpochTicket ticket() const { return ticket_; }
  v1::SessionInfo Info() const;
  // On its worker, unless the mailbox is full (false).
  bool TryPost(std::function<void(SessionHost&)> task);
  void Post(std::function<void(SessionHost&)> task);

  // ---- Life.
  // First call on the worker. `opening`: the record that begins a new session; absent: the session
  // was recovered, and `erased` may have to be erased again (a crash may have come in between).
  struct Erasure {
    uint32_t participant = 0;
    std::string subject;
  };
  void Start(std::optional<v1::JournalRecord> opening, std::vector<Erasure> erased, Reply done);
  // Where and when its edges come again; `delay_most_ms` spreads them.
  struct Farewell {
    std::string address;  // empty: as before
    uint32_t delay_least_ms = 0;
    uint32_t delay_most_ms = 500;
  };
  // Lets everything go; `why` is told to those who wait.
  void Drop(const absl::Status& why) { LetGo(why, {}, Parting::kGone); }
  // Drop with a last checkpoint; `done` when the journal has answered.
  void Retire(std::function<void()> done);
  // The lease is over: as Drop, but the state stays in memory.
  void Suspend(const absl::Status& why);
  bool suspended() const { return suspended_; }
  // Whoever is next has to finish these.
  std::vector<Erasure> UnfinishedErasures() const;
  // The journal has lost entries that only this memory still has: it begins anew from here.
  void PutBack();
  // Before handing it over: takes nothing in, closes no tick, writes what it has and a checkpoint.
  // OK when the journal has all of it.
  void Quiesce(Reply done);
  // It was not handed over after all.
  void Unquiesce();
  // It was: its streams are told where it is.
  void Depart(const Farewell& farewell);

  // ---- Calls. `fill` makes the answer right after the record was applied (repeated: the call had
  // been made before); `reply` is called when it may leave.
  void Mutate(absl::StatusOr<v1::JournalRecord> proposed, const std::function<void()>& fill,
              Reply reply);
  // As Mutate, for an answer that changes nothing but may tell of what is not durable yet.
  void Read(const std::function<void()>& fill, Reply reply);
  void Erase(uint32_t participant, const std::string& request_id,
             std::function<void(absl::StatusOr<uint32_t> revision)> reply);
  void GetReport(const session::Viewer& viewer,
                 std::function<void(absl::StatusOr<v1::GetReportResponse>)> reply);
  const session::SessionCore& core() const { return core_; }
  int64_t NowUs() const;

  // ---- Edges.
  void Attach(EdgeAttach attach);
  // `ticket` is let go when the message has been dealt with: the stream reads on then.
  void OnEdge(uint64_t id, v1::EdgeUp message, std::shared_ptr<void> ticket);
  void RefreshToken(uint64_t id, const Claims& claims);
  void Detach(uint64_t id);

  // ---- Watchers.
  void AttachWatch(WatchAttach attach);
  void DetachWatch(uint64_t id);

 private:
  struct Edge {
    EdgeAttach attach;
    uint32_t participant = 0;
    uint64_t promised_seq = 0;  // the edge may send up to here
    bool ack_due = false;
    bool starved = false;  // was told a credit of 0
  };
  struct Watch {
    WatchAttach attach;
    session::Viewer viewer;
    uint32_t number = 0;  // in the session
    bool live = false;    // its snapshot has left
  };
  // A record that is applied and not durable yet, with what it will let out.
  struct Pending {
    uint64_t number = 0;
    session::Effects effects{};
    std::vector<Reply> replies{};
    int64_t since_steady_us = 0;
    bool changes_view = false;  // frames wait for it: who may see what is about to change
  };
  struct Parked {
    uint64_t id;
    v1::EdgeUp message;
    std::shared_ptr<void> ticket;
  };
  struct ErasureWork {
    std::string subject;  // empty: its record is not durable yet
    bool started = false;
    bool cleaned = false;
    std::vector<std::function<void(absl::StatusOr<uint32_t>)>> replies;
  };
  using SpoolKey = std::pair<uint32_t, std::string>;  // participant, boot id

  // session_host_life.cc
  bool StillOwner();
  void OnPutBack(uint64_t number, const absl::Status& status);
  void LetGo(const absl::Status& why, const Farewell& farewell, Parting parting);
  void TellToComeAgain(const Edge& edge, const Farewell& farewell);

  // session_host.cc
  bool Commit(const v1::JournalRecord& record);
  void Gate(Reply reply);
  void OnDurable(uint64_t number, const absl::Status& status);
  void Release(Pending& pending);
  void Settle();
  void MarkDirty();
  void PumpTime();
  void ArmTimer();
  void Housekeep();
  void CheckTokens();
  void PublishInfo();
  bool Overloaded() const;
  absl::Status CannotAnswer() const;
  uint32_t Credit() const;

  // session_host_edges.cc
  void Handle(Edge& edge, const v1::EdgeUp& message);
  void OnObservations(Edge& edge, const v1::Observations& observations);
  void AfterInput(Edge& edge, const absl::StatusOr<std::optional<v1::JournalRecord>>& proposed);
  void Refuse(uint64_t id, v1::RefusalReason reason, const std::string& message,
              uint32_t retry_after_ms = 0);
  void RefuseStatus(uint64_t id, const absl::Status& status);
  void SendAcks();
  void Forget(uint64_t id);
  void SendClosed(const Edge& edge, bool delete_raw);
  void Unpark();
  uint64_t DurableSeq(uint32_t participant, const std::string& boot_id);
  std::optional<v1::Refusal> AdmissionRefusal(const EdgeAttach& attach) const;

  // session_host_watch.cc
  v1::FrameEnvelope EnvelopeFor(const session::Viewer& viewer) const;
  void ForgetOldViewers();
  void OfferFrames();
  void ReprojectFrames();
  void OfferEntries(const std::vector<v1::LogEntry>& entries);
  // What an edge that follows has missed; may overlap with what is about to be offered.
  void SendPast(uint64_t edge_id);
  void FinishWatch(uint64_t id, const absl::Status& status);
  void CloseWatchers(v1::SessionState state, const std::string& reason, const absl::Status& status);

  // session_host_report.cc
  void WantReport();
  void StepReport();
  void StoreReport(v1::Report report);
  void OnReportStored(const v1::Report& report, const absl::Status& status);
  void CountClosed(const v1::Report& released);
  void OnClosed();
  void DestroyRaw();
  void MarkClosed();

  // session_host_erase.cc
  void BeginErasure(uint32_t participant, const std::string& subject);
  void StartErasures();
  void EraseOwnPart(uint32_t participant,
                    std::function<void(absl::StatusOr<uint32_t> revision)> reply);
  void Clean(uint32_t participant, const std::string& subject);
  void OnCleaned(uint32_t participant, const absl::Status& status,
                 std::optional<v1::Report> team_report);
  void FinishErasures();
  std::function<void(absl::Status)> OnWorker(std::function<void(SessionHost&, absl::Status)> then);
  void RequestCheckpoint() { checkpoint_wanted_ = true; }
  void MaybeCheckpoint(std::function<void()> done = nullptr);

  Parts& parts_;
  Worker& worker_;
  session::SessionCore core_;
  const placement::Lease lease_;
  const OnGone on_gone_;
  const std::string join_code_;
  const SessionClock clock_;
  const v1::EpochTicket ticket_;
  const v1::SessionKind kind_;

  std::shared_ptr<RecordLog> log_;
  Blobs blobs_;
  std::deque<Pending> pending_;
  size_t pending_views_ = 0;  // of them with changes_view
  std::atomic<int64_t> valid_until_steady_us_;
  std::atomic<uint64_t> durable_number_{0};
  bool dropped_ = false;
  std::atomic<bool> suspended_{false};
  bool putting_back_ = false;
  bool quiet_ = false;     // about to be handed over
  bool retiring_ = false;  // let go on purpose
  bool dirty_ = false;
  Worker::TimerId timer_ = Worker::kNoTimer;
  Worker::TimerId housekeeping_ = Worker::kNoTimer;

  std::map<uint64_t, Edge> edges_;
  std::map<uint32_t, uint64_t> edge_of_;  // participant -> id
  std::map<SpoolKey, uint64_t> durable_;  // last durable sequence number
  std::deque<Parked> parked_;
  std::set<uint64_t> acks_due_;

  std::map<uint64_t, Watch> watches_;
  std::shared_ptr<const v1::Frame> last_frame_;
  bool last_frame_late_ = false;
  int64_t last_frame_since_us_ = 0;
  bool frame_held_ = false;  // waits for a record that changes who may see what
  bool recovered_ = false;   // until the first frame
  bool frame_recovered_ = false;

  std::unique_ptr<session::SessionCore::ReportBuilder> report_builder_;
  bool report_storing_ = false;
  // The last report of a team session without whoever was erased since: its raw data is gone.
  std::optional<v1::Report> team_report_;
  std::map<uint32_t, ErasureWork> erasures_;
  std::map<uint32_t, ErasureWork> erasures_replying_;  // clean, waiting for the new report
  uint64_t checkpoint_number_ = 0;
  int64_t checkpoint_steady_us_ = 0;
  bool checkpoint_wanted_ = false;
  uint64_t late_beats_told_ = 0;

  mutable Mutex info_mu_;
  v1::SessionInfo info_ ATTUNE_GUARDED_BY(info_mu_);
};

// The journal's label of a session that need not be opened at start.
inline constexpr char kClosedLabel[] = "closed";

}  // namespace attune::node

#endif  // ATTUNE_SERVICES_NODE_SESSION_HOST_H_
