// Whether the session can be reached and entered, without entering it: the node answers, the join
// code or token is good, and how well the session's clock can be known from here. Blocks, a few
// seconds at most for each address.
#ifndef ATTUNE_EDGE_AGENT_CHECK_SERVER_H_
#define ATTUNE_EDGE_AGENT_CHECK_SERVER_H_

#include <grpcpp/channel.h>

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>

#include "attune/v1/session.pb.h"
#include "edge/agent/check_lines.h"
#include "edge/client/channel.h"
#include "services/base/clock.h"

namespace attune::edge {

// One address. Not thread-safe. `clock` must outlive it.
class ServerCheck {
 public:
  static constexpr int64_t kDeadlineMs = 5'000;
  static constexpr int kProbes = 8;
  static constexpr int64_t kProbeSpacingUs = 64'000;
  // Beyond it beat times are too uncertain for some numbers, and their absence would surprise.
  static constexpr int64_t kMostUncertaintyUs = 100'000;

  ServerCheck(std::string address, ChannelOptions options, const Clock& clock);

  // Whether a node answers there.
  Finding Reach();
  // Only after Reach was ok. With what somebody would enter.
  Finding JoinCode(const std::string& code);
  Finding Token(const std::string& token);
  // With a code or token that was ok.
  Finding SessionClock(const std::string& code, const std::string& token,
                       const std::atomic<bool>& stop);

 private:
  struct Answer;
  Answer Ask(const std::string& code, const std::string& token);

  const std::string address_;
  const ChannelOptions options_;
  const Clock& clock_;
  std::shared_ptr<grpc::Channel> channel_;
};

// What is wrong when nothing that speaks our protocol answers at `address`; `detail` is gRPC's.
Finding UnreachableWords(const std::string& address, const ChannelOptions& options,
                         const std::string& detail);

}  // namespace attune::edge

#endif  // ATTUNE_EDGE_AGENT_CHECK_SERVER_H_
