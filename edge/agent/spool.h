// The spool: every beat that has a number, on disk before it may be sent, kept until the session is
// closed. A session of two hours is less than a megabyte.
//
// - Append has called write(2) when it returns, so that a killed agent has lost nothing; fdatasync
//   follows at most once a second (Sync), so that a loss of power costs at most that.
// - Opening reads everything back. A torn end is cut off; a damaged record within becomes a gap.
// - One agent at a time: the file is locked; the kernel releases the lock of a killed one.
// - Disk full: it says so (trouble()), gives back the blocks of the oldest beats that the node has
//   in its journal, and goes on in memory; what is not on disk yet is written when there is room.
// - At most kMostBeats are held; beyond, the oldest goes first.
//
// Format: spool_format.h. Not thread-safe.
#ifndef ATTUNE_EDGE_AGENT_SPOOL_H_
#define ATTUNE_EDGE_AGENT_SPOOL_H_

#include <sys/types.h>

#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "edge/agent/spool_format.h"
#include "edge/client/outbox.h"
#include "services/base/random.h"

namespace attune::edge {

class Spool final : public Outbox {
 public:
  static constexpr size_t kMostBeats = 400'000;  // 24 h at 277 per minute
  static constexpr int64_t kSyncEveryUs = 1'000'000;

  struct Options {
    // Live sources cannot give a beat again: when the node knows numbers that this spool has lost,
    // new beats get larger ones. Deterministic sources give the same beats the same numbers again.
    bool skip_known = true;
    size_t most_beats = kMostBeats;
    // pwrite(2), replaced in tests of a full disk.
    std::function<ssize_t(int fd, const void* bytes, size_t count, off_t at)> write;
    // fdatasync(2), replaced in tests that open thousands of spools.
    std::function<int(int fd)> sync;
  };

  // Opens or makes the file (and its directory, for the user alone). FAILED_PRECONDITION when
  // another agent holds it or it belongs to another session or person; other codes for what the
  // operating system says. A header that cannot be read: the file is set aside as PATH.damaged.
  static absl::StatusOr<std::unique_ptr<Spool>> Open(const std::string& path,
                                                     const std::string& session_id,
                                                     uint32_t participant, RandomSource& random,
                                                     Options options);
  ~Spool() override;

  // ---- Outbox
  const std::string& boot_id() const override { return header_.boot_id; }
  uint64_t next_seq() const override { return base_seq_ + entries_.size(); }
  uint64_t oldest_retained_seq() const override;
  std::optional<StampedBeat> Get(uint64_t seq) const override;
  void NoteDurable(uint64_t seq) override;
  void NoteKnown(uint64_t seq) override;

  // Gives the beat the next number and writes it.
  void Append(const StampedBeat& beat, uint64_t position);
  // fdatasync when the last one is long enough ago; retries what could not be written.
  void Sync(int64_t now_us);
  // Same, now.
  void Flush();

  // Where the source began. Once known it does not change.
  std::optional<int64_t> start_session_us() const { return header_.start_session_us; }
  void SetStart(int64_t start_session_us, uint64_t source_hash);
  uint64_t source_hash() const { return header_.source_hash; }

  uint64_t last_position() const { return last_position_; }       // 0: none
  int64_t last_time_session_us() const { return last_time_us_; }  // INT64_MIN: none
  // Numbers that were given up although no journal had them, and damaged ones.
  uint64_t lost() const { return lost_; }
  // Empty: all is well. Otherwise what is wrong with the disk and what follows.
  const std::string& trouble() const { return trouble_; }
  // What opening found: bytes cut from a torn end, damaged records.
  uint64_t torn_bytes() const { return torn_bytes_; }
  uint64_t damaged_records() const { return damaged_; }
  const std::string& path() const { return path_; }
  // Removes the file; the spool stays usable in memory only.
  void Remove();

 private:
  struct Entry {
    StampedBeat beat;
    uint64_t position = 0;
    bool present = false;
  };

  Spool(std::string path, int fd, Options options);
  absl::Status Load(const std::string& session_id, uint32_t participant, RandomSource& random);
  void LoadRecords(std::string_view bytes);
  bool WriteAt(std::string_view bytes, uint64_t at);
  bool WriteHeader();
  void WritePending();
  void MakeRoom();
  void Evict();

  std::string path_;
  int fd_ = -1;
  Options options_;
  SpoolHeader header_;
  uint64_t base_seq_ = 1;  // of entries_.front()
  std::deque<Entry> entries_;
  uint64_t written_seq_ = 0;  // everything up to here was written
  uint64_t durable_seq_ = 0;
  uint64_t file_end_ = 0;
  uint64_t given_back_ = kSpoolBlockBytes;  // bytes below (after the header) were given back
  std::deque<std::pair<uint64_t, uint64_t>> blocks_;  // (end of a block, last number in it)
  uint64_t last_position_ = 0;
  int64_t last_time_us_ = INT64_MIN;
  uint64_t lost_ = 0;
  uint64_t torn_bytes_ = 0;
  uint64_t damaged_ = 0;
  bool dirty_ = false;
  bool header_due_ = false;
  int64_t synced_us_ = INT64_MIN;
  std::string trouble_;
};

}  // namespace attune::edge

#endif  // ATTUNE_EDGE_AGENT_SPOOL_H_
