// All live streams of a node, to look after them from time to time: one that says nothing, or whose
// peer does not read, is ended, whatever the network pretends.
#ifndef ATTUNE_SERVICES_NODE_STREAM_SET_H_
#define ATTUNE_SERVICES_NODE_STREAM_SET_H_

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <vector>

#include "services/base/mutex.h"

namespace attune::node {

class Stream {
 public:
  virtual ~Stream() = default;
  // Called about twice a second.
  virtual void Check(int64_t now_steady_us) = 0;
  // The node stops: end after what is waiting has been written.
  virtual void Close() = 0;
};

// Thread-safe.
class StreamSet {
 public:
  explicit StreamSet(size_t limit) : limit_(limit) {}
  // False when there are too many.
  bool Add(const std::shared_ptr<Stream>& stream);
  void Remove(const Stream* stream);
  void CheckAll(int64_t now_steady_us);
  void CloseAll();
  size_t size() const;
  // Names an attachment of a stream to a session; never the same twice.
  uint64_t NextId() { return next_id_.fetch_add(1, std::memory_order_relaxed); }

 private:
  std::vector<std::shared_ptr<Stream>> All() const;

  const size_t limit_;
  std::atomic<uint64_t> next_id_{1};
  mutable Mutex mu_;
  std::map<const Stream*, std::weak_ptr<Stream>> streams_ ATTUNE_GUARDED_BY(mu_);
};

}  // namespace attune::node

#endif  // ATTUNE_SERVICES_NODE_STREAM_SET_H_
