// Which heart-rate straps are in sight, through BlueZ.
#ifndef ATTUNE_EDGE_SOURCE_BLUEZ_SCAN_H_
#define ATTUNE_EDGE_SOURCE_BLUEZ_SCAN_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "services/base/clock.h"

namespace attune::edge {

struct FoundStrap {
  std::string name;               // as it calls itself; its address when it has no name
  std::string address;            // AA:BB:CC:DD:EE:FF
  std::optional<int> signal_dbm;  // of the newest advertisement; absent: did not advertise
  bool connected = false;         // this computer is connected to it
  bool paired = false;
};

// Looks for `for_us`, then gives what advertised or is connected, strongest signal first; devices
// that are merely known are left out. An empty list is no error. FAILED_PRECONDITION when Bluetooth
// cannot be used: the message says what to do. Blocks; any thread. `bus_address`: D-Bus address in
// place of the system bus ("" = system bus, which DBUS_SYSTEM_BUS_ADDRESS names).
absl::StatusOr<std::vector<FoundStrap>> ScanStraps(int64_t for_us, const Clock& clock,
                                                   const std::string& bus_address = "");

}  // namespace attune::edge

#endif  // ATTUNE_EDGE_SOURCE_BLUEZ_SCAN_H_
