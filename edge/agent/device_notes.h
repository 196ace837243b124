// What to say of a strap when something has happened to it: once, not every second, and nothing
// that was measured.
#ifndef ATTUNE_EDGE_AGENT_DEVICE_NOTES_H_
#define ATTUNE_EDGE_AGENT_DEVICE_NOTES_H_

#include <string>
#include <vector>

#include "edge/source/source.h"

namespace attune::edge {

// Not thread-safe.
class DeviceNotes {
 public:
  static constexpr int kLowBatteryPercent = 10;
  // What is new since the last call.
  std::vector<std::string> Update(const DeviceStatus& device);

 private:
  bool was_connected_ = false;
  bool lost_ = false;
  bool battery_said_ = false;
  std::string trouble_said_;  // since it was last connected
};

// "Polar H10 0A1B (A0:9E:1A:00:00:01)"; "the strap" when neither is known.
std::string NameOfDevice(const DeviceStatus& device);

}  // namespace attune::edge

#endif  // ATTUNE_EDGE_AGENT_DEVICE_NOTES_H_
