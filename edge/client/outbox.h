// What the uplink sends from: one person's beats in the order of their numbers, kept until the
// session is closed. edge/agent's spool is one; tests have a simpler one.
#ifndef ATTUNE_EDGE_CLIENT_OUTBOX_H_
#define ATTUNE_EDGE_CLIENT_OUTBOX_H_

#include <cstdint>
#include <optional>
#include <string>

namespace attune::edge {

// A beat with everything that was fixed when it got its number.
struct StampedBeat {
  int64_t time_session_us = 0;  // end of its interval
  uint32_t rr_1024 = 0;         // 1..65535
  bool gap_before = false;      // does not follow the beat before it without loss
  uint32_t jitter_us = 0;       // see attune.v1.Timing
  uint32_t offset_bound_us = 0;
  friend bool operator==(const StampedBeat&, const StampedBeat&) = default;
};

// Not thread-safe.
class Outbox {
 public:
  virtual ~Outbox() = default;
  // 16 bytes; the numbers below belong to it.
  virtual const std::string& boot_id() const = 0;
  // Number of the next new beat; from 1.
  virtual uint64_t next_seq() const = 0;
  // Smallest number that Get may still give; next_seq() when there is none.
  virtual uint64_t oldest_retained_seq() const = 0;
  // nullopt: evicted or damaged, it will never come.
  virtual std::optional<StampedBeat> Get(uint64_t seq) const = 0;
  // The node has everything up to `seq` in its journal: it may be evicted when room is needed.
  virtual void NoteDurable(uint64_t seq) = 0;
  // The node knows numbers up to `seq` of this outbox that it has not handed out yet (its end was
  // lost with the power): new beats must not get them again.
  virtual void NoteKnown(uint64_t seq) = 0;
};

}  // namespace attune::edge

#endif  // ATTUNE_EDGE_CLIENT_OUTBOX_H_
