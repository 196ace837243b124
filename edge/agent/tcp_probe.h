// Whether anything listens at host:port: tells a wrong name, a closed door and a silent one apart,
// which gRPC's errors do not.
#ifndef ATTUNE_EDGE_AGENT_TCP_PROBE_H_
#define ATTUNE_EDGE_AGENT_TCP_PROBE_H_

#include <string>

namespace attune::edge {

enum class TcpAnswer {
  kOpen,     // somebody accepts connections
  kRefused,  // the machine is there, nothing listens
  kSilent,   // no answer in time, or no way there
  kNoName,   // the name is not known
};

// Blocks up to `timeout_ms`, and as long as the resolver takes.
TcpAnswer ProbeTcp(const std::string& address, int timeout_ms);

}  // namespace attune::edge

#endif  // ATTUNE_EDGE_AGENT_TCP_PROBE_H_
