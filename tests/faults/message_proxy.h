// Speaks gRPC on both sides and passes whole messages, so that faults can happen between any two of
// them. Every method of every service goes through; only streams of attune.v1.EdgeService have
// faults of messages. Status, the bearer's token and half-closes pass as they are.
#ifndef ATTUNE_TESTS_FAULTS_MESSAGE_PROXY_H_
#define ATTUNE_TESTS_FAULTS_MESSAGE_PROXY_H_

#include <cstdint>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "tests/faults/message_faults.h"

namespace attune::faults {

// Thread-safe.
class MessageProxy {
 public:
  // Messages of one stream and direction that wait to be written; beyond it reading pauses.
  static constexpr size_t kMostWaiting = 64;

  // Listens on a port of 127.0.0.1 that the system chooses; plaintext on both sides. `faults` must
  // outlive it.
  static absl::StatusOr<std::unique_ptr<MessageProxy>> Start(const std::string& target,
                                                             MessageFaults& faults);
  ~MessageProxy();

  const std::string& address() const;
  // Every call under way ends with UNAVAILABLE.
  void CutAll();

 private:
  class Service;
  explicit MessageProxy(std::unique_ptr<Service> service);
  std::unique_ptr<Service> service_;
};

}  // namespace attune::faults

#endif  // ATTUNE_TESTS_FAULTS_MESSAGE_PROXY_H_
