#include "edge/agent/device_notes.h"

#include <utility>

#include "absl/strings/str_cat.h"

namespace attune::edge {

std::string NameOfDevice(const DeviceStatus& device) {
  if (device.name.empty() && device.address.empty()) return "the strap";
  if (device.name.empty() || device.name == device.address) return device.address;
  return device.address.empty() ? device.name
                                : absl::StrCat(device.name, " (", device.address, ")");
}

std::vector<std::string> DeviceNotes::Update(const DeviceStatus& device) {
  std::vector<std::string> notes;
  if (device.link == DeviceStatus::Link::kNone) return notes;
  const bool connected = device.link == DeviceStatus::Link::kConnected;
  if (connected && (!was_connected_ || lost_)) {
    notes.push_back(absl::StrCat(lost_ ? "found again: " : "connected to ", NameOfDevice(device)));
    trouble_said_.clear();
  }
  // The device's own words say more, when there are any.
  if (!connected && was_connected_ && !lost_ && device.trouble.empty()) {
    notes.push_back(absl::StrCat("the connection to ", NameOfDevice(device),
                                 " is lost; looking for it until it is back"));
  }
  lost_ = !connected && was_connected_;
  was_connected_ |= connected;
  if (!device.trouble.empty() && device.trouble != trouble_said_) {
    notes.push_back(device.trouble);
    trouble_said_ = device.trouble;
  }
  if (device.battery_percent && *device.battery_percent <= kLowBatteryPercent &&
      !std::exchange(battery_said_, true)) {
    notes.push_back(absl::StrCat("the battery of ", NameOfDevice(device), " is at ",
                                 *device.battery_percent, " %: change it soon"));
  }
  return notes;
}

}  // namespace attune::edge
