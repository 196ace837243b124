// One thread that runs tasks in order: the home of the sessions pinned to it. Three ways in:
//
//   TryPost  from anywhere, for what strangers cause: refused when the mailbox is full.
//   Post     from anywhere, for what we owe ourselves (a commit's answer, a stream's end): never
//            refused; bounded by the number of operations outstanding.
//   Defer    from a task: runs once after the tasks that were waiting together with it, so that a
//            burst of input is flushed, and its ticks closed, once.
//
// Timers belong to the worker's own thread. Tasks must not block and must not throw.
//
// With a simulated clock there is no thread: the clock's strands take the turns.
#ifndef ATTUNE_SERVICES_NODE_WORKER_H_
#define ATTUNE_SERVICES_NODE_WORKER_H_

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <thread>
#include <utility>
#include <vector>

#include "services/base/clock.h"
#include "services/base/mutex.h"
#include "services/base/strands.h"

namespace attune::node {

class Worker {
 public:
  using Task = std::function<void()>;
  using TimerId = std::pair<int64_t, uint64_t>;
  static constexpr TimerId kNoTimer{0, 0};

  // `clock` must outlive the worker. TryPost refuses beyond `mailbox_limit` waiting tasks.
  Worker(const Clock& clock, size_t mailbox_limit);
  ~Worker();  // stops
  Worker(const Worker&) = delete;
  Worker& operator=(const Worker&) = delete;

  bool TryPost(Task task);
  void Post(Task task);
  // Runs what is waiting, then ends the thread. Later posts are dropped.
  void Stop();
  size_t waiting() const;

  // The worker's own thread only.
  void Defer(Task task) { deferred_.push_back(std::move(task)); }
  TimerId RunAt(int64_t steady_us, Task task);
  void Cancel(TimerId& timer);  // sets it to kNoTimer; harmless when it has run
  bool OnThread() const { return std::this_thread::get_id() == thread_.get_id(); }

 private:
  void Run();
  int64_t Turn();
  void Wake();
  void RunDeferred();
  // Returns when the next one is due; INT64_MAX: none.
  int64_t RunTimers();

  const Clock& clock_;
  const size_t limit_;
  mutable Mutex mu_;
  CondVar wake_;
  std::deque<Task> mailbox_ ATTUNE_GUARDED_BY(mu_);
  bool stopping_ ATTUNE_GUARDED_BY(mu_) = false;
  bool stopped_ ATTUNE_GUARDED_BY(mu_) = false;
  std::vector<Task> deferred_;
  std::map<TimerId, Task> timers_;
  uint64_t next_timer_ = 1;
  Strands* const strands_;  // null: a thread
  uint64_t strand_ = 0;
  std::thread thread_;
};

}  // namespace attune::node

#endif  // ATTUNE_SERVICES_NODE_WORKER_H_
