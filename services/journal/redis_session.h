// What the Redis journal knows of one session in this process.
#ifndef ATTUNE_SERVICES_JOURNAL_REDIS_SESSION_H_
#define ATTUNE_SERVICES_JOURNAL_REDIS_SESSION_H_

#include <cstddef>
#include <cstdint>
#include <deque>
#include <list>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "services/journal/journal.h"
#include "services/journal/ops.h"

namespace attune::journal {

struct RedisOp {
  Fence fence;
  What what;
  Journal::Done done;
  size_t entries = 0;  // its share of the queue
  size_t bytes = 0;
  Urgency urgency = Urgency::kNow;
  int64_t since_us = 0;
  bool tried = false;      // may have been executed: its answer was lost
  std::string note;        // of an erasure: what it has put into kUncleanKey
  bool overtaken = false;  // held while the Restore that stands for it went ahead
  absl::Status result;
};
using RedisOps = std::list<RedisOp>;

// Guarded by the writer's lock, but for `under_way` while `busy`: that belongs to the call.
struct RedisSession {
  explicit RedisSession(SessionId session) : id(std::move(session)) {}

  const SessionId id;
  RedisOps queue;      // to come
  RedisOps under_way;  // in the present call
  bool busy = false;   // a call is under way, is to be repeated, or its answers are being given
  int64_t began_us = 0;
  bool timed = false;  // will be looked at when the linger is over

  // ---- Of the ownership that was opened here
  bool opened = false;
  Fence fence;
  Fence before;        // the one that was in force before it
  uint64_t acked = 0;  // the highest number that the store has acknowledged
  std::string label;
  // The newest acknowledged entries, without holes, the last one is `acked`. In the limits.
  std::deque<Entry> kept;
  size_t kept_bytes = 0;
  // Its place among the keepers, when it has one.
  std::optional<std::list<RedisSession*>::iterator> keeper;
  std::map<std::string, uint64_t> blobs;  // newest revision acknowledged here
  std::set<Subject> erased;               // here, so that no older state of the store stays
  bool suspect = false;                   // the store may have lost something: look before writing
  bool lost = false;                      // it has: appends are held until Restore
};

inline size_t KeptBytesOf(const Entry& entry) { return sizeof(Entry) + entry.payload.size(); }

}  // namespace attune::journal

#endif  // ATTUNE_SERVICES_JOURNAL_REDIS_SESSION_H_
