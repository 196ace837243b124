// What happened in a simulated cluster, and the rules that it must have kept: I1-I7 of the design,
// as far as they can be judged on the spot. What needs the whole story is in reference.h.
//
//   I1  no ack leaves before the journal has what it acknowledges; a new owner knows what was
//       acknowledged durable, unless Redis has lost writes meanwhile
//   I2  an epoch is above every floor and has one nonce; nothing leaves under an epoch after a
//       higher one was granted; nobody is shown a lower epoch than before
//   I3  a tick is shown after its record is in the journal, with one value only, and in order
//       a view is told no log entry twice; their numbers grow, unless Redis has lost writes
//   I5  no pair is shown after one of the two has withdrawn; no group value of too few
#ifndef ATTUNE_TESTS_SIMULATION_HISTORY_H_
#define ATTUNE_TESTS_SIMULATION_HISTORY_H_

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "attune/v1/edge.pb.h"
#include "attune/v1/journal.pb.h"
#include "attune/v1/live.pb.h"
#include "services/placement/directory.h"
#include "tests/simulation/scheduler.h"

namespace attune::simulation {

class History {
 public:
  explicit History(Scheduler& scheduler) : scheduler_(scheduler) {}

  // ---- Facts.
  void Granted(const placement::Lease& lease, uint64_t floor, const std::string& node);
  // The journal has said OK.
  void Committed(const std::string& session, uint64_t epoch, const v1::JournalRecord& record);
  // Handed to the journal; it may or may not get there.
  void Handed(const std::string& session, uint64_t epoch, const v1::JournalRecord& record);
  // An owner has put the session back from its memory: what it had not handed over yet is in no
  // record.
  void Restored(const std::string& session) { sessions_[session].restored = true; }
  // Redis has lost, or may have lost, writes that it had acknowledged.
  void RedisLostWrites();
  void Withdrawn(const std::string& session, uint32_t participant);

  // ---- What leaves a node, when it leaves.
  void AckLeaves(const std::string& session, uint32_t participant, const std::string& boot_id,
                 const v1::Ack& ack);
  void FrameLeaves(const std::string& session, uint64_t epoch, const v1::FrameEnvelope& envelope);
  void OtherLeaves(const std::string& session, uint64_t epoch, const char* what);

  // ---- What clients are shown. `who`: a name of the client.
  void WelcomeSeen(const std::string& who, const std::string& session, const std::string& boot_id,
                   const v1::Welcome& welcome);
  void DurableSeen(const std::string& session, uint32_t participant, const std::string& boot_id,
                   uint64_t seq);
  void FrameSeen(const std::string& who, const std::string& session,
                 const v1::FrameEnvelope& envelope);
  void SnapshotSeen(const std::string& who, const std::string& session,
                    const v1::Snapshot& snapshot);
  void EntrySeen(const std::string& who, const std::string& session, const v1::LogEntry& entry);

  void Violation(const std::string& what);
  // What happened, for somebody who reads along.
  void Tell(const std::string& what);
  void SetAloud(bool aloud) { aloud_ = aloud; }

  const std::vector<std::string>& violations() const { return violations_; }
  // The journal as it must be: of each number the newest record that was answered or read, and what
  // was written without an answer.
  std::map<uint64_t, v1::JournalRecord> records(const std::string& session) const;
  uint64_t highest_epoch(const std::string& session) const;
  uint64_t frames() const { return frames_; }
  uint64_t acks() const { return acks_; }
  uint64_t grants() const { return grants_; }
  uint64_t losses() const { return losses_; }

 private:
  using Spool = std::pair<uint32_t, std::string>;
  struct Session {
    uint64_t epoch = 0;                      // highest granted
    std::map<uint64_t, std::string> nonces;  // by epoch, of grants
    std::map<uint64_t, v1::JournalRecord> records;
    std::map<uint64_t, uint64_t> tick_record;  // tick -> digest of its record
    std::map<uint64_t, uint64_t> tick_shown;   // tick -> digest when it was shown first
    std::set<uint64_t> by_lateness;            // ticks, of either
    std::map<Spool, uint64_t> cursor;          // in the journal
    std::map<Spool, uint64_t> durable_seen;    // told to the edge
    std::map<Spool, uint64_t> durable_losses;  // losses_ when it was told
    std::map<uint32_t, int64_t> withdrawn;
    std::map<std::string, std::pair<uint64_t, uint64_t>> shown;        // who -> epoch, tick
    std::map<std::string, std::map<uint64_t, std::string>> entries;    // who -> cursor -> entry
    std::map<uint64_t, std::map<uint64_t, v1::JournalRecord>> handed;  // number -> epoch
    std::map<uint64_t, uint64_t> epochs;                               // number -> of its record
    uint64_t k_min = 0;
    bool lab = false;
    bool restored = false;
  };
  void NoteText(const std::string& text);
  void Epoch(const std::string& who, const std::string& session, uint64_t epoch);

  Scheduler& scheduler_;
  std::map<std::string, Session> sessions_;
  std::vector<std::string> violations_;
  uint64_t frames_ = 0, acks_ = 0, grants_ = 0, losses_ = 0;
  bool aloud_ = false;
};

}  // namespace attune::simulation

#endif  // ATTUNE_TESTS_SIMULATION_HISTORY_H_
