// The Redis journal's queues and what goes out of them. One session, one script call at a time;
// the calls of many are pipelined by the client.
//
// A session's turn (Pump): look at what the store has when that is in doubt (redis_heal.cc), else
// take the next operation, or all appends that have gathered, and call the script. The answer:
//   no answer, or an error of Redis   everything stays, and is tried again after a pause
//   the store is behind what was acknowledged    in doubt
//   otherwise                         with replicas: WAIT, together with others; then the callbacks
//
// All functions may be called from any thread; none waits. The client's callbacks hold the writer.
#ifndef ATTUNE_SERVICES_JOURNAL_REDIS_WRITER_H_
#define ATTUNE_SERVICES_JOURNAL_REDIS_WRITER_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <list>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "services/base/mutex.h"
#include "services/journal/redis_journal.h"
#include "services/journal/redis_scripts.h"
#include "services/journal/redis_scrubber.h"
#include "services/journal/redis_session.h"

namespace attune::journal {

// In one call at most; what is above waits for the next.
inline constexpr size_t kMaxCallEntries = 2048;
inline constexpr size_t kMaxCallBytes = size_t{1} << 20;

class RedisWriter : public std::enable_shared_from_this<RedisWriter> {
 public:
  RedisWriter(redis::Client& client, RedisJournalOptions options, RunAfter run_after);
  // Begins to look at the server every now and then.
  void Start();
  // Gives everything one more try, answers what fails, and waits until all is answered.
  void Stop();

  // `op.done` is called exactly once: at once when it is refused here.
  void Submit(const SessionId& session, RedisOp op);
  void Close(const SessionId& session, const Fence& fence);
  void SetOnLost(Journal::OnLost on_lost);
  Health GetHealth() const;

 private:
  using Session = std::shared_ptr<RedisSession>;
  using Call = std::function<void()>;
  using OnAnswer = std::function<void(const Session&, const Answer&)>;
  struct Confirm {
    Session session;
    uint64_t connection = 0;  // over which it was written
    bool asked = false;       // the WAIT under way was sent after it
  };

  // ---- Turns (redis_writer.cc)
  void Pump(const Session& session);
  Call Next(const Session& session) ATTUNE_REQUIRES(mu_);
  Call NextAppend(const Session& session) ATTUNE_REQUIRES(mu_);
  bool Lingers(const Session& session) ATTUNE_REQUIRES(mu_);
  // Runs a script for what is under way; failures are tried again.
  void Run(const Session& session, const redis::Script& script, std::vector<std::string> keys,
           std::vector<std::string> arguments, OnAnswer on_answer);
  void Retry(const Session& session, const absl::Status& why);
  void ResumePaused();
  // What is under way has been executed; `results` are set.
  void Executed(const Session& session);
  void Finish(const Session& session);
  void Release(const Session& session);
  void AnswerAll(RedisOps ops);
  void FailAll(RedisOps ops, const absl::Status& why);
  void Idle(const Session& session) ATTUNE_REQUIRES(mu_);
  Session Of(const SessionId& session) ATTUNE_REQUIRES(mu_);

  // ---- Operations (redis_ops.cc)
  void Do(const Session& session);
  void DoOpen(const Session& session);
  void OnOpened(const Session& session, const Answer& answer);
  void DoAppend(const Session& session);
  void OnAppended(const Session& session, const Answer& answer);
  // A script that answers {1}, {-2, ...} or a refusal.
  void RunSimple(const Session& session, const redis::Script& script, const char* part,
                 std::vector<std::string> arguments);
  void OnSimple(const Session& session, const Answer& answer);
  void DoErase(const Session& session);
  void EraseBegin(const Session& session);
  void EraseNext(const Session& session, const std::string& after);
  void EraseCopy(const Session& session, const std::string& after, const Answer& found);
  void EraseEnd(const Session& session);
  void DoDelete(const Session& session);
  void Delete(const Session& session);
  // Says in Redis that files are to be cleaned, then goes on.
  void NoteUnclean(const Session& session, void (RedisWriter::*next)(const Session&));
  // An operation's refusal; true when the session is in doubt instead and the operation must wait.
  bool OnRefused(const Session& session, int64_t code);
  void PutBack(const Session& session);
  // After a good answer, what it means for what is known of the session.
  void Note(RedisSession& session, const RedisOp& op) ATTUNE_REQUIRES(mu_);

  // ---- Keeping and healing (redis_heal.cc)
  void Keep(RedisSession& session, const std::vector<Entry>& entries) ATTUNE_REQUIRES(mu_);
  void DropKept(RedisSession& session) ATTUNE_REQUIRES(mu_);
  void DropFront(RedisSession& session) ATTUNE_REQUIRES(mu_);
  void Forget(RedisSession& session) ATTUNE_REQUIRES(mu_);
  void Look(const Session& session);
  void OnLook(const Session& session, const Answer& answer);
  void Heal(const Session& session, uint64_t last, bool lost);
  void Healed(const Session& session, bool changed, bool lost);
  void AddToIndex(const SessionId& session);

  // ---- The server (redis_watch.cc)
  void WatchServer();
  void CheckSettings();
  void AskReplicas();
  void OnReplicas(absl::StatusOr<redis::Reply> reply);
  void SetTrouble(const std::string& trouble);
  void After(int64_t after_us, void (RedisWriter::*what)());
  bool Waits() const { return options_.tier == Tier::kRedisWait; }
  std::string Utc() const { return std::to_string(options_.clock->UtcMicros()); }

  redis::Client& client_;
  const RedisJournalOptions options_;
  const RunAfter run_after_;
  const std::shared_ptr<RedisScrubber> scrubber_;

  mutable Mutex mu_;
  CondVar all_answered_;
  Journal::OnLost on_lost_ ATTUNE_GUARDED_BY(mu_);
  std::map<SessionId, Session> sessions_ ATTUNE_GUARDED_BY(mu_);
  std::set<Session> paused_ ATTUNE_GUARDED_BY(mu_);
  // Those that keep entries, the one written to longest ago first.
  std::list<RedisSession*> keepers_ ATTUNE_GUARDED_BY(mu_);
  size_t kept_bytes_ ATTUNE_GUARDED_BY(mu_) = 0;
  size_t lost_ ATTUNE_GUARDED_BY(mu_) = 0;
  std::vector<Confirm> to_confirm_ ATTUNE_GUARDED_BY(mu_);
  bool asking_replicas_ ATTUNE_GUARDED_BY(mu_) = false;
  size_t pending_ ATTUNE_GUARDED_BY(mu_) = 0;  // operations accepted and not answered
  uint64_t server_ ATTUNE_GUARDED_BY(mu_) = 0;
  uint64_t notes_ ATTUNE_GUARDED_BY(mu_) = 0;
  bool stopping_ ATTUNE_GUARDED_BY(mu_) = false;
  bool stopped_ ATTUNE_GUARDED_BY(mu_) = false;         // the timers may be gone
  std::string trouble_ ATTUNE_GUARDED_BY(mu_);          // writes do not get through
  std::string replica_trouble_ ATTUNE_GUARDED_BY(mu_);  // replicas are missing
  Health health_ ATTUNE_GUARDED_BY(mu_);
};

}  // namespace attune::journal

#endif  // ATTUNE_SERVICES_JOURNAL_REDIS_WRITER_H_
