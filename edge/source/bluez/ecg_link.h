// Precise mode on one connection: asks a Polar strap for its ECG and hands on the frames.
//
// Looks whether the strap has the service (polar/pmd.h) and can measure an ECG, asks for the
// settings, starts, and watches whether frames come. Whatever goes wrong ends in one call of
// `failed`, with words; the connection and everything else on it stay as they are, so that the
// strap's intervals can be used instead. A strap that says it runs already is stopped and started
// once more.
//
// Lives on the thread of the BluezHost.
#ifndef ATTUNE_EDGE_SOURCE_BLUEZ_ECG_LINK_H_
#define ATTUNE_EDGE_SOURCE_BLUEZ_ECG_LINK_H_

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "edge/source/bluez/gatt_device.h"
#include "edge/source/bluez/loop.h"
#include "edge/source/polar/pmd.h"

namespace attune::edge {

class EcgLink {
 public:
  static constexpr int64_t kAnswerUs = 5'000'000;   // of the strap to a command
  static constexpr int64_t kSilentUs = 10'000'000;  // no frame for so long: failed
  static constexpr int kMostUnreadable = 20;        // frames in a row: failed

  struct Events {
    std::function<void()> started;
    std::function<void(const EcgFrame& frame, int64_t arrival_us)> frame;
    // A frame that cannot be read.
    std::function<void(const std::string& words)> refused;
    std::function<void(const std::string& words)> failed;  // nothing is told after it
  };
  // Both must outlive it; `device` is ready.
  EcgLink(GattDevice& device, BusLoop& loop, Events events);
  // Callbacks of the device may still be under way: destroy the device first, or Stop and keep it.
  ~EcgLink();

  void Start();
  // Tells the strap to stop, so that it does not send until its battery is empty. Tells nothing
  // any more.
  void Stop();

 private:
  enum class Phase { kIdle, kProbing, kSettings, kStarting, kStopping, kRunning, kEnded };

  void Subscribe();
  void Ask(Phase phase, const std::vector<uint8_t>& command);
  void OnResponse(std::span<const uint8_t> value);
  void OnFrame(int64_t arrival_us, std::span<const uint8_t> value);
  void Watch();
  void Fail(const std::string& words);

  GattDevice& device_;
  BusLoop& loop_;
  Events events_;
  Phase phase_ = Phase::kIdle;
  std::vector<uint8_t> values_;  // of a response that comes in parts
  std::vector<uint8_t> start_;
  bool tried_again_ = false;
  bool asked_to_start_ = false;
  int unreadable_ = 0;
  int64_t last_frame_us_ = 0;
  uint64_t timer_ = 0;
};

}  // namespace attune::edge

#endif  // ATTUNE_EDGE_SOURCE_BLUEZ_ECG_LINK_H_
