// Gets tokens: joins each person in turn, again and again while the node cannot be reached; one who
// has to wait does not keep the others waiting. A thread of its own, so that live sources are read
// meanwhile.
#ifndef ATTUNE_EDGE_AGENT_JOINER_H_
#define ATTUNE_EDGE_AGENT_JOINER_H_

#include <grpcpp/client_context.h>

#include <cstdint>
#include <deque>
#include <functional>
#include <list>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "absl/status/status.h"
#include "attune/v1/session.pb.h"
#include "edge/client/backoff.h"
#include "edge/client/channel.h"
#include "services/base/clock.h"
#include "services/base/mutex.h"
#include "services/base/random.h"

namespace attune::edge {

struct JoinTask {
  uint32_t handle = 0;
  // With a token: asks for its session. Otherwise joins.
  std::string token;
  v1::JoinSessionRequest request;
};

struct JoinResult {
  uint32_t handle = 0;
  absl::Status status;  // of a final failure, in words
  bool trying = false;  // not final: said once per outage
  v1::SessionInfo session;
  uint32_t participant = 0;
  std::string token;
  int64_t token_expires_utc_us = 0;  // 0: not known
};

class Joiner {
 public:
  static constexpr int64_t kDeadlineMs = 5'000;
  // `wake` is called from the joiner's thread after each result. `clock` and `random` must outlive
  // it.
  Joiner(std::vector<std::string> addresses, ChannelOptions channel, const Clock& clock,
         RandomSource& random, std::function<void()> wake);
  ~Joiner();

  void Submit(JoinTask task);
  bool Next(JoinResult* result);

 private:
  struct Pending {
    JoinTask task;
    Backoff backoff;
    int64_t due_us = 0;
    bool said = false;  // that it has to be tried again
  };
  void Run();
  // Waits for what is due next; false: stop.
  bool Take(std::list<Pending>* one);
  // False: try again, not before `hint_us` from now.
  bool Try(const JoinTask& task, JoinResult* result, int64_t* hint_us);
  void Publish(JoinResult result);

  const std::vector<std::string> addresses_;
  const ChannelOptions channel_;
  const Clock& clock_;
  RandomSource& random_;
  std::function<void()> wake_;
  size_t address_ = 0;

  Mutex mu_;
  CondVar changed_;
  std::list<Pending> tasks_ ATTUNE_GUARDED_BY(mu_);        // bounded by the number of people
  std::deque<JoinResult> results_ ATTUNE_GUARDED_BY(mu_);  // likewise, and one per outage
  bool stopping_ ATTUNE_GUARDED_BY(mu_) = false;
  grpc::ClientContext* call_ ATTUNE_GUARDED_BY(mu_) = nullptr;  // under way
  std::thread thread_;
};

}  // namespace attune::edge

#endif  // ATTUNE_EDGE_AGENT_JOINER_H_
