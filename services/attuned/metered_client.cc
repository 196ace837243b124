#include "services/attuned/metered_client.h"

#include <string>
#include <utility>
#include <vector>

namespace attune {
namespace {

class MeteredClient final : public redis::Client {
 public:
  MeteredClient(std::unique_ptr<redis::Client> client, const Clock& clock, node::Metrics& metrics)
      : clock_(clock), metrics_(metrics), client_(std::move(client)) {}

  void Call(std::vector<std::string> arguments, Done done, int64_t within_us) override {
    client_->Call(std::move(arguments), Metered(std::move(done)), within_us);
  }
  void Run(const redis::Script& script, std::vector<std::string> keys,
           std::vector<std::string> arguments, Done done, int64_t within_us) override {
    client_->Run(script, std::move(keys), std::move(arguments), Metered(std::move(done)),
                 within_us);
  }
  redis::ServerState state() const override { return client_->state(); }

 private:
  Done Metered(Done done) {
    return [this, done = std::move(done),
            begun_us = clock_.SteadyMicros()](absl::StatusOr<redis::Reply> reply) {
      if (reply.ok()) {
        metrics_.redis_commands_ok.Increment();
        metrics_.redis_round_trip.Observe(static_cast<double>(clock_.SteadyMicros() - begun_us) *
                                          1e-6);
      } else {
        metrics_.redis_commands_failed.Increment();
      }
      done(std::move(reply));
    };
  }

  const Clock& clock_;
  node::Metrics& metrics_;
  const std::unique_ptr<redis::Client> client_;
};

}  // namespace

std::unique_ptr<redis::Client> MeterClient(std::unique_ptr<redis::Client> client,
                                           const Clock& clock, node::Metrics& metrics) {
  return std::make_unique<MeteredClient>(std::move(client), clock, metrics);
}

}  // namespace attune
