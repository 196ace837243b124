// Lines to somebody who may not be reading: a stopped terminal (Ctrl-S) or a pager must not hold up
// the heartbeats. What cannot be written waits, bounded; beyond it lines that will soon be replaced
// are dropped, whole.
#ifndef ATTUNE_EDGE_AGENT_LINE_OUT_H_
#define ATTUNE_EDGE_AGENT_LINE_OUT_H_

#include <cstdint>
#include <string>

namespace attune::edge {

// Not thread-safe.
class LineOut {
 public:
  static constexpr size_t kMostPassingBytes = 64 * 1024;  // waiting; more passing lines are dropped
  static constexpr size_t kMostBytes = 1024 * 1024;       // waiting; everything is dropped
  static constexpr int kFlushMs = 1000;

  // `fd` is not closed and keeps its mode: terminals and pipes are opened anew for not blocking.
  explicit LineOut(int fd);
  ~LineOut();
  LineOut(const LineOut&) = delete;
  LineOut& operator=(const LineOut&) = delete;

  // Takes `bytes`, all or nothing. `passing`: something newer will say it again.
  void Put(const std::string& bytes, bool passing);
  // Writes what can be written now.
  void Pump();
  // Writes everything that somebody takes within kFlushMs.
  void Flush();
  size_t waiting() const { return waiting_.size(); }
  uint64_t dropped() const { return dropped_; }

 private:
  // False: it would block, or nobody is there.
  bool WriteSome();
  int fd_;
  bool own_ = false;  // fd_ was opened here and does not block
  std::string waiting_;
  uint64_t dropped_ = 0;
};

}  // namespace attune::edge

#endif  // ATTUNE_EDGE_AGENT_LINE_OUT_H_
