#include "services/node/peers.h"

#include <grpcpp/create_channel.h>
#include <grpcpp/support/channel_arguments.h>

#include <algorithm>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"

namespace attune::node {
namespace {

bool IsInsideThisMachine(const std::string& address) {
  const std::string host = address.substr(0, address.rfind(':'));
  return absl::StartsWith(host, "127.") || host == "localhost" || host == "[::1]";
}

std::shared_ptr<grpc::ChannelCredentials> Credentials(const Options& options) {
  if (options.tls_ca_pem.empty()) return grpc::InsecureChannelCredentials();
  // The node's own certificate speaks for it on both ends.
  return grpc::SslCredentials({options.tls_ca_pem, options.tls_key_pem, options.tls_cert_pem});
}

}  // namespace

Peers::Peers(const Options& options, const Clock& clock)
    : options_(options), clock_(clock), credentials_(Credentials(options)) {}

absl::StatusOr<std::shared_ptr<grpc::Channel>> Peers::To(const std::string& address) {
  if (options_.tls_ca_pem.empty() && !options_.plaintext_peers && !IsInsideThisMachine(address)) {
    return absl::FailedPreconditionError(
        absl::StrCat("calls to ", address, " would travel in plaintext: give --tls-ca"));
  }
  std::shared_ptr<grpc::Channel> dropped;  // let go outside the lock
  MutexLock lock(mu_);
  Peer& peer = peers_[address];
  peer.used_steady_us = clock_.SteadyMicros();
  if (peer.channel != nullptr) return peer.channel;
  grpc::ChannelArguments arguments;
  // A connection of the node's own, with a fixed window: what a slow reader has not taken stays
  // with the owner.
  arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
  arguments.SetInt(GRPC_ARG_HTTP2_BDP_PROBE, 0);
  arguments.SetInt(GRPC_ARG_HTTP2_STREAM_LOOKAHEAD_BYTES, kPeerWindowBytes);
  // A peer that is frozen or cut off is noticed while calls wait for it.
  arguments.SetInt(GRPC_ARG_KEEPALIVE_TIME_MS, 10'000);
  arguments.SetInt(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, 5'000);
  arguments.SetInt(GRPC_ARG_HTTP2_MAX_PINGS_WITHOUT_DATA, 0);
  // A peer that comes back is found at once.
  arguments.SetInt(GRPC_ARG_INITIAL_RECONNECT_BACKOFF_MS, 100);
  arguments.SetInt(GRPC_ARG_MIN_RECONNECT_BACKOFF_MS, 1'000);
  arguments.SetInt(GRPC_ARG_MAX_RECONNECT_BACKOFF_MS, 1'000);
  arguments.SetMaxReceiveMessageSize(-1);  // what an owner sends is passed on whatever its size
  peer.channel = grpc::CreateCustomChannel(address, credentials_, arguments);
  const std::shared_ptr<grpc::Channel> channel = peer.channel;
  if (peers_.size() > kMaxPeers) {
    const auto oldest =
        std::min_element(peers_.begin(), peers_.end(), [](const auto& a, const auto& b) {
          return a.second.used_steady_us < b.second.used_steady_us;
        });
    dropped = std::move(oldest->second.channel);
    peers_.erase(oldest);
  }
  return channel;
}

void Peers::Sweep() {
  std::vector<std::shared_ptr<grpc::Channel>> idle;  // let go outside the lock
  MutexLock lock(mu_);
  const int64_t now = clock_.SteadyMicros();
  for (auto peer = peers_.begin(); peer != peers_.end();) {
    // Calls hold their channel: with the map's own share alone there are none.
    if (peer->second.channel.use_count() > 1) peer->second.used_steady_us = now;
    if (now - peer->second.used_steady_us <= kPeerIdleUs) {
      ++peer;
      continue;
    }
    idle.push_back(std::move(peer->second.channel));
    peer = peers_.erase(peer);
  }
}

size_t Peers::size() const {
  MutexLock lock(mu_);
  return peers_.size();
}

}  // namespace attune::node
