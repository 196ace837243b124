// One thread that serves one D-Bus connection, timers, descriptors and posted work, so that
// nothing that talks to BlueZ needs a lock or blocks.
#ifndef ATTUNE_EDGE_SOURCE_BLUEZ_LOOP_H_
#define ATTUNE_EDGE_SOURCE_BLUEZ_LOOP_H_

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <thread>
#include <vector>

#include "services/base/clock.h"
#include "services/base/mutex.h"

namespace sdbus {
class IConnection;
}

namespace attune::edge {

class BusLoop {
 public:
  using Task = std::function<void()>;

  // Starts the thread. `clock` must outlive it.
  explicit BusLoop(const Clock& clock);
  // Stop first.
  ~BusLoop();

  // Any thread. After Stop posted work is dropped.
  void Post(Task task);
  // Any thread but the loop's: returns when `task` has run.
  void PostAndWait(Task task);
  // Any thread but the loop's: runs what is posted, then `last`, and ends the thread; no timer runs
  // after `last`.
  void Stop(Task last = {});

  // The rest: on the loop's thread only.
  int64_t now_us() const { return clock_.SteadyMicros(); }
  // Runs `task` at that time of the steady clock; the number is for Cancel and is never 0.
  uint64_t At(int64_t steady_us, Task task);
  uint64_t After(int64_t delay_us, Task task) { return At(now_us() + delay_us, std::move(task)); }
  void Cancel(uint64_t timer);
  // Calls when `fd` can be read or has ended. Unwatch before closing it.
  void Watch(int fd, Task readable);
  void Unwatch(int fd);
  // The connection to serve, nullptr for none. `broken` is called when it fails; the connection is
  // not served any more then.
  void Serve(sdbus::IConnection* connection, std::function<void(const std::string&)> broken);

 private:
  struct Timer {
    int64_t at_us = 0;
    Task task;
  };

  void Run();
  void RunPosted();
  void RunTimers();
  void ServeConnection();
  void WaitForEvents();

  const Clock& clock_;
  int wake_fd_ = -1;
  Mutex mu_;
  std::vector<Task> posted_ ATTUNE_GUARDED_BY(mu_);
  bool stopping_ ATTUNE_GUARDED_BY(mu_) = false;
  // Loop's thread only.
  std::map<uint64_t, Timer> timers_;
  uint64_t next_timer_ = 1;
  std::map<int, Task> watched_;
  sdbus::IConnection* connection_ = nullptr;
  std::function<void(const std::string&)> broken_;
  std::thread thread_;
};

}  // namespace attune::edge

#endif  // ATTUNE_EDGE_SOURCE_BLUEZ_LOOP_H_
