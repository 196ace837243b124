// What tests of straps share: a private bus, a fake org.bluez, a source with short times.
#ifndef ATTUNE_EDGE_SOURCE_BLUEZ_STRAP_FIXTURE_FOR_TEST_H_
#define ATTUNE_EDGE_SOURCE_BLUEZ_STRAP_FIXTURE_FOR_TEST_H_

#include <gtest/gtest.h>

#include <chrono>
#include <cstdlib>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "edge/source/bluez/bluez_source.h"
#include "edge/source/bluez/host.h"
#include "edge/source/bluez/testing/fake_bluez.h"
#include "edge/source/bluez/testing/private_bus.h"
#include "edge/source/bluez/uuids.h"

namespace attune::edge {

inline constexpr char kAna[] = "A0:9E:1A:00:00:01";
inline constexpr char kBen[] = "A0:9E:1A:00:00:02";

// Waits for a state, with a limit that only a failure reaches.
template <typename Condition>
bool Eventually(Condition condition) {
  for (int i = 0; i < 4000; ++i) {
    if (condition()) return true;
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  return false;
}

class StrapTest : public testing::Test {
 protected:
  // As an agent finds its bus. No other thread runs yet.
  StrapTest() { setenv("DBUS_SYSTEM_BUS_ADDRESS", bus_.address().c_str(), 1); }

  static BluezOptions Quick(const std::string& spec) {
    BluezOptions options = *ParseBluezOptions(spec);
    options.times = {400'000, 400'000, 2'000'000};
    options.settle_us = 150'000;
    options.unseen_us = 200'000;
    // Longer than a slow machine needs for anything else.
    options.silent_us = 5'000'000;
    options.restart_us = 10'000'000;
    options.backoff_first_us = 5'000;
    options.backoff_most_us = 20'000;
    return options;
  }
  void MakeFake() { fake_ = std::make_unique<FakeBluez>(bus_.address()); }
  std::shared_ptr<BluezHost> SharedHost() {
    if (host_ == nullptr) {
      HostOptions options;
      options.retry_us = 40'000;
      host_ = std::make_shared<BluezHost>(options);
    }
    return host_;
  }
  std::unique_ptr<Source> Make(const BluezOptions& options) {
    return MakeBluezSource(SharedHost(), options, std::make_unique<SeededRandom>(1));
  }

  // What came, added to `beats_`.
  void Poll(Source& source) { source.Poll(clock_.SteadyMicros(), &beats_); }
  bool EventuallyBeats(Source& source, size_t count) {
    return Eventually([&] {
      Poll(source);
      return beats_.size() >= count;
    });
  }
  bool EventuallyConnected(Source& source) {
    return Eventually([&] { return source.device().link == DeviceStatus::Link::kConnected; });
  }
  bool EventuallyTrouble(Source& source, const std::string& part) {
    const bool told =
        Eventually([&] { return source.device().trouble.find(part) != std::string::npos; });
    if (!told) ADD_FAILURE() << "'" << part << "' is not in '" << source.device().trouble << "'";
    return told;
  }
  std::vector<uint32_t> Intervals() const {
    std::vector<uint32_t> rr;
    for (const SourceBeat& beat : beats_) rr.push_back(beat.rr_1024);
    return rr;
  }
  std::vector<bool> Gaps() const {
    std::vector<bool> gaps;
    for (const SourceBeat& beat : beats_) gaps.push_back(beat.gap_before);
    return gaps;
  }
  // As soon as somebody listens.
  void Notify(const std::string& address, const FakeBytes& value) {
    ASSERT_TRUE(Eventually([&] { return fake_->Notify(address, kHeartRateMeasurement, value); }));
  }

  SystemClock clock_;
  PrivateBus bus_;
  std::unique_ptr<FakeBluez> fake_;
  std::shared_ptr<BluezHost> host_;
  std::vector<SourceBeat> beats_;
};

}  // namespace attune::edge

#endif  // ATTUNE_EDGE_SOURCE_BLUEZ_STRAP_FIXTURE_FOR_TEST_H_
