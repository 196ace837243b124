// What a person must remember over restarts to be the same participant again: the request_id of the
// join, and what came of it. A small file per join code and name, locked while the agent runs.
#ifndef ATTUNE_EDGE_AGENT_JOIN_SLOT_H_
#define ATTUNE_EDGE_AGENT_JOIN_SLOT_H_

#include <cstdint>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "services/base/random.h"

namespace attune::edge {

class JoinSlot {
 public:
  // `key` tells people of one folder apart. FAILED_PRECONDITION when another agent has it.
  static absl::StatusOr<std::unique_ptr<JoinSlot>> Open(const std::string& folder,
                                                        const std::string& key,
                                                        RandomSource& random);
  ~JoinSlot();
  JoinSlot(const JoinSlot&) = delete;
  JoinSlot& operator=(const JoinSlot&) = delete;

  // 32 hexadecimal digits; on disk before Open returned.
  const std::string& request_id() const { return request_id_; }
  // The session is over: joining with the same code is a new matter.
  void Remove();

 private:
  JoinSlot(std::string path, int fd) : path_(std::move(path)), fd_(fd) {}
  std::string path_;
  int fd_;
  std::string request_id_;
};

// Writes a small file so that a reader sees the old or the new content, never a part.
absl::Status WriteWhole(const std::string& path, const std::string& bytes);
// Empty when it cannot be read.
std::string ReadWhole(const std::string& path);

}  // namespace attune::edge

#endif  // ATTUNE_EDGE_AGENT_JOIN_SLOT_H_
