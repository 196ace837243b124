// What an operator decides about one node. Plain values; services/attuned fills them from flags.
#ifndef ATTUNE_SERVICES_NODE_OPTIONS_H_
#define ATTUNE_SERVICES_NODE_OPTIONS_H_

#include <cstddef>
#include <cstdint>
#include <string>

#include "services/base/keys.h"

namespace attune::node {

// Bounds of one node. What happens beyond each is said beside its use.
inline constexpr size_t kMaxMessageBytes = 64 * 1024;      // one gRPC message in
inline constexpr size_t kMaxGrpcMemoryBytes = 512u << 20;  // gRPC's ResourceQuota
inline constexpr size_t kMailboxTasks = 65'536;            // waiting for one worker
inline constexpr uint32_t kCreditObservations = 2048;  // an edge may be so far ahead of its acks
inline constexpr size_t kMaxPendingRecords = 8192;     // of one session, not durable yet
inline constexpr size_t kMaxPendingBytes = 8u << 20;   // likewise
inline constexpr size_t kMaxPendingBytesTotal = 48u << 20;  // of all sessions
inline constexpr size_t kMaxHandlesPerStream = 1000;
inline constexpr size_t kMaxStreams = 20'000;            // edges and watchers of one node
inline constexpr int64_t kHelloTimeoutUs = 10'000'000;   // a stream must have said Hello by then
inline constexpr int64_t kBlockedWriterUs = 20'000'000;  // a reader that does not read is let go
inline constexpr int64_t kDrainUs = 5'000'000;           // a graceful stop takes no longer
inline constexpr int64_t kHandOverUs = 20'000'000;       // but for handing sessions over before

struct Options {
  std::string node_id = "node";
  std::string grpc_address = "127.0.0.1:0";  // port 0: any free one
  std::string advertise;                     // what clients are told; empty: the bound address
  std::string tls_cert_pem;                  // both or none; none: plaintext
  std::string tls_key_pem;
  // Who signs the nodes' certificates. Given: nodes call each other by TLS, each showing the
  // certificate above, and both sides are verified.
  std::string tls_ca_pem;
  bool plaintext_peers = false;  // without tls_ca_pem, also beyond this machine
  int workers = 2;
  double clock_rate = 1;
  bool allow_lab = false;
  int64_t lateness_us = 5'000'000;  // session time
  int64_t grace_us = 15'000'000;    // session time
  int64_t participant_token_life_us = int64_t{12} * 3600 * 1'000'000;
  KeyRing keys;
  std::string build = "0.1.0";
  // ---- One of many: leases end, sessions may be elsewhere.
  bool cluster = false;
  std::string incarnation;    // as the node list has it; empty: made by the node
  int64_t capacity = 20'000;  // participants that it is meant for
};

}  // namespace attune::node

#endif  // ATTUNE_SERVICES_NODE_OPTIONS_H_
