// How to reach a node: address and transport security, and a gRPC channel from them.
#ifndef ATTUNE_EDGE_CLIENT_CHANNEL_H_
#define ATTUNE_EDGE_CLIENT_CHANNEL_H_

#include <grpcpp/channel.h>

#include <memory>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"

namespace attune::edge {

// Largest message either way; the contract says 64 KiB up, frames down may be larger.
inline constexpr int kMaxMessageBytes = 4 * 1024 * 1024;

struct ChannelOptions {
  // TLS. Used when `tls` is set; plaintext otherwise, and plaintext leaves this machine only when
  // `plaintext_on_network` says so.
  bool tls = false;
  std::string ca_file;           // PEM; empty: the system's roots
  std::string client_cert_file;  // PEM, with client_key_file: mutual TLS
  std::string client_key_file;
  std::string server_name;  // expected in the certificate when it is not the address's host
  bool plaintext_on_network = false;
};

// Whether `address` (host:port) names this machine: localhost, 127.0.0.0/8, [::1] or unix:.
bool IsLoopback(std::string_view address);

// A channel that reconnects within 0.25 .. 5 s. INVALID_ARGUMENT for an address that is not
// host:port, FAILED_PRECONDITION for plaintext on a network, NOT_FOUND for files that cannot be
// read; each says what to do.
absl::StatusOr<std::shared_ptr<grpc::Channel>> MakeChannel(const std::string& address,
                                                           const ChannelOptions& options);

}  // namespace attune::edge

#endif  // ATTUNE_EDGE_CLIENT_CHANNEL_H_
