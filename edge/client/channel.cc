#include "edge/client/channel.h"

#include <grpcpp/create_channel.h>
#include <grpcpp/security/credentials.h>

#include <fstream>
#include <sstream>

#include "absl/strings/str_cat.h"
#include "services/base/status_macros.h"

namespace attune::edge {
namespace {

absl::StatusOr<std::string> ReadPem(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::ostringstream text;
  text << file.rdbuf();
  if (!file || text.str().empty()) {
    return absl::NotFoundError(absl::StrCat("cannot read ", path, ": give a readable PEM file"));
  }
  return text.str();
}

// host of host:port, [v6]:port; empty when there is none.
std::string_view HostOf(std::string_view address) {
  if (address.starts_with("[")) {
    const size_t end = address.find("]:");
    return end == std::string_view::npos ? "" : address.substr(1, end - 1);
  }
  const size_t colon = address.rfind(':');
  if (colon == std::string_view::npos || address.find(':') != colon) return "";
  return address.substr(0, colon);
}

bool HasPort(std::string_view address) {
  const std::string_view port = address.substr(address.rfind(':') + 1);
  if (port.empty() || port.size() > 5) return false;
  int value = 0;
  for (const char c : port) {
    if (c < '0' || c > '9') return false;
    value = value * 10 + (c - '0');
  }
  return value >= 1 && value <= 65535;
}

bool IsIpv4Loopback(std::string_view host) {
  if (!host.starts_with("127.")) return false;
  int dots = 0;
  for (const char c : host) {
    if (c == '.') {
      ++dots;
    } else if (c < '0' || c > '9') {
      return false;  // 127.example.org is a name
    }
  }
  return dots == 3;
}

}  // namespace

bool IsLoopback(std::string_view address) {
  if (address.starts_with("unix:")) return true;
  const std::string_view host = HostOf(address);
  return host == "localhost" || host == "::1" || IsIpv4Loopback(host);
}

absl::StatusOr<std::shared_ptr<grpc::Channel>> MakeChannel(const std::string& address,
                                                           const ChannelOptions& options) {
  if (!address.starts_with("unix:") && (HostOf(address).empty() || !HasPort(address))) {
    return absl::InvalidArgumentError(absl::StrCat(
        "'", address, "' is not an address: give HOST:PORT, for example 127.0.0.1:7400"));
  }
  grpc::ChannelArguments arguments;
  // gRPC's own backoff reaches minutes, too slow for a live session.
  arguments.SetInt(GRPC_ARG_INITIAL_RECONNECT_BACKOFF_MS, 250);
  arguments.SetInt(GRPC_ARG_MIN_RECONNECT_BACKOFF_MS, 250);
  arguments.SetInt(GRPC_ARG_MAX_RECONNECT_BACKOFF_MS, 5000);
  arguments.SetInt(GRPC_ARG_KEEPALIVE_TIME_MS, 20'000);
  arguments.SetInt(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, 10'000);
  arguments.SetInt(GRPC_ARG_ENABLE_HTTP_PROXY, 0);
  // Each channel its own connection: one that hangs must not be found again in a pool.
  arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
  arguments.SetMaxReceiveMessageSize(kMaxMessageBytes);
  std::shared_ptr<grpc::ChannelCredentials> credentials;
  if (options.tls) {
    grpc::SslCredentialsOptions ssl;
    if (!options.ca_file.empty()) {
      ATTUNE_ASSIGN_OR_RETURN(ssl.pem_root_certs, ReadPem(options.ca_file));
    }
    if (options.client_cert_file.empty() != options.client_key_file.empty()) {
      return absl::InvalidArgumentError("a client certificate needs its key and the reverse");
    }
    if (!options.client_cert_file.empty()) {
      ATTUNE_ASSIGN_OR_RETURN(ssl.pem_cert_chain, ReadPem(options.client_cert_file));
      ATTUNE_ASSIGN_OR_RETURN(ssl.pem_private_key, ReadPem(options.client_key_file));
    }
    credentials = grpc::SslCredentials(ssl);
    if (!options.server_name.empty()) arguments.SetSslTargetNameOverride(options.server_name);
  } else {
    if (!IsLoopback(address) && !options.plaintext_on_network) {
      return absl::FailedPreconditionError(absl::StrCat(
          address,
          " is not on this machine and heartbeats would travel unencrypted: use --tls, or "
          "say --plaintext-on-network if the network is trusted"));
    }
    credentials = grpc::InsecureChannelCredentials();
  }
  return grpc::CreateCustomChannel(address, credentials, arguments);
}

}  // namespace attune::edge
