// The data keys of a simulated cluster: in one place that never fails, the same for all nodes.
#ifndef ATTUNE_TESTS_SIMULATION_SIM_KEYSTORE_H_
#define ATTUNE_TESTS_SIMULATION_SIM_KEYSTORE_H_

#include <algorithm>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <utility>

#include "services/base/random.h"
#include "services/journal/keystore.h"

namespace attune::simulation {

class SimKeyStore final : public journal::KeyStore {
 public:
  using Key = std::shared_ptr<const journal::DataKey>;
  explicit SimKeyStore(RandomSource& random) : random_(random) {}

  absl::StatusOr<Key> GetOrCreate(const std::string& session, const std::string& subject) override {
    if (destroyed_.contains({session, subject})) return absl::NotFoundError("erased");
    Key& key = keys_[{session, subject}];
    if (key == nullptr) {
      auto made = std::make_shared<journal::DataKey>();
      const std::string bytes = random_.Bytes(journal::kKeyBytes);
      std::copy(bytes.begin(), bytes.end(), made->bytes.begin());
      key = made;
    }
    return key;
  }
  absl::StatusOr<Key> Get(const std::string& session, const std::string& subject) override {
    if (destroyed_.contains({session, subject})) return absl::NotFoundError("erased");
    const auto found = keys_.find({session, subject});
    if (found == keys_.end()) return absl::DataLossError("there is no key");
    return found->second;
  }
  absl::Status Destroy(const std::string& session, const std::string& subject) override {
    keys_.erase({session, subject});
    destroyed_.insert({session, subject});
    return absl::OkStatus();
  }
  absl::Status DestroySession(const std::string& session) override {
    std::erase_if(keys_, [&](const auto& one) {
      if (one.first.first != session) return false;
      destroyed_.insert(one.first);
      return true;
    });
    return absl::OkStatus();
  }
  absl::StatusOr<uint64_t> LastEpoch(const std::string& session) override {
    return epochs_[session];
  }
  absl::Status RaiseEpoch(const std::string& session, uint64_t epoch) override {
    uint64_t& last = epochs_[session];
    if (epoch <= last) return absl::FailedPreconditionError("the epoch has been used");
    last = epoch;
    return absl::OkStatus();
  }
  void Forget(const std::string&) override {}

 private:
  RandomSource& random_;
  std::map<std::pair<std::string, std::string>, Key> keys_;
  std::set<std::pair<std::string, std::string>> destroyed_;
  std::map<std::string, uint64_t> epochs_;
};

}  // namespace attune::simulation

#endif  // ATTUNE_TESTS_SIMULATION_SIM_KEYSTORE_H_
