// What a live source has given and the beat clock still holds back, on disk: the first 20 s of a
// link, and the notification under way. Without it a killed agent would lose them, for a strap
// tells each interval once.
//
// A small file beside the spool. It begins with the spool's next number: what is in it was held
// when that number was still to be given. Once that number has been given to a beat, all of it has
// been stamped, and it counts for nothing. Arrivals are on the steady clock of one start of the
// computer (the kernel's boot_id): after a restart of the computer they mean nothing and are left
// out.
//
// write(2) only, no fdatasync: it outlives the process, as the spool's newest second does. A disk
// that refuses is the spool's to report. Not thread-safe.
#ifndef ATTUNE_EDGE_AGENT_HELD_LOG_H_
#define ATTUNE_EDGE_AGENT_HELD_LOG_H_

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "edge/source/source.h"

namespace attune::edge {

class HeldLog {
 public:
  static constexpr size_t kMost = 4096;  // intervals; further ones are not kept

  // `kernel_boot_id`: see KernelBootId; empty: nothing is kept or found. Takes over what an earlier
  // run has left.
  HeldLog(std::string path, std::string kernel_boot_id);
  ~HeldLog();
  HeldLog(const HeldLog&) = delete;
  HeldLog& operator=(const HeldLog&) = delete;

  // What the run before was holding, given the spool's next number. Once, first; in order. It stays
  // on disk until Clear.
  std::vector<SourceBeat> TakeLeft(uint64_t spool_next_seq);

  void Append(const SourceBeat& beat, uint64_t spool_next_seq);
  // Nothing is held any more, and that number is the next. Cheap when nothing was.
  void Clear(uint64_t spool_next_seq);
  // Nothing of it stays on disk.
  void Remove();

 private:
  bool WriteHeader(uint64_t spool_next_seq);

  std::string path_;
  std::string boot_id_;  // kBootIdBytes
  int fd_ = -1;
  uint64_t end_ = 0;   // of the file; 0: no header yet
  uint64_t base_ = 0;  // the number in the header
};

// Of this start of the computer; empty when the system does not say.
std::string KernelBootId();

}  // namespace attune::edge

#endif  // ATTUNE_EDGE_AGENT_HELD_LOG_H_
