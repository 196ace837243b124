// What this program asks of BlueZ over D-Bus, and what BlueZ tells: the only file with D-Bus calls.
// Knows nothing of hearts.
//
// Everything is on the thread of the loop; every call answers through its callback, exactly once
// unless the Bus is destroyed first.
#ifndef ATTUNE_EDGE_SOURCE_BLUEZ_BUS_H_
#define ATTUNE_EDGE_SOURCE_BLUEZ_BUS_H_

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <variant>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "edge/source/bluez/loop.h"

namespace attune::edge {

// Properties that matter here; others are left out. Numbers of all widths are int64_t.
using PropertyValue =
    std::variant<bool, int64_t, std::string, std::vector<std::string>, std::vector<uint8_t>>;
using Properties = std::map<std::string, PropertyValue>;
using Interfaces = std::map<std::string, Properties>;
using Objects = std::map<std::string, Interfaces>;  // by path

// An error of BlueZ or of the bus: its message is "NAME: TEXT".
absl::Status DbusError(const std::string& name, const std::string& text);
// "org.bluez.Error.InProgress" ...; "" when the status is of another origin.
std::string DbusErrorName(const absl::Status& status);

// The descriptor is the receiver's to close.
struct AcquiredNotify {
  int fd = -1;
  int mtu = 0;
};

class Bus {
 public:
  struct Events {
    std::function<void()> opened;
    std::function<void()> closed;  // tries again by itself
    std::function<void(bool there)> bluez;
    std::function<void(const std::string& path, const Interfaces&)> added;
    std::function<void(const std::string& path, const std::vector<std::string>& interfaces)>
        removed;
    std::function<void(const std::string& path, const std::string& interface,
                       const Properties& changed, const std::vector<std::string>& gone)>
        changed;
  };
  using OnDone = std::function<void(const absl::Status&)>;

  // `address`: "" is the system bus. `loop` must outlive it. Opens at once, and again whenever the
  // bus is lost.
  Bus(BusLoop& loop, std::string address, int64_t retry_us, Events events);
  ~Bus();

  void GetObjects(int64_t timeout_us, std::function<void(absl::StatusOr<Objects>)> done);
  // A method without arguments and results.
  void Call(const std::string& path, const std::string& interface, const std::string& method,
            int64_t timeout_us, OnDone done);
  void SetDiscoveryFilter(const std::string& adapter, int64_t timeout_us, OnDone done);
  void ReadValue(const std::string& path, int64_t timeout_us,
                 std::function<void(absl::StatusOr<std::vector<uint8_t>>)> done);
  void WriteValue(const std::string& path, const std::vector<uint8_t>& value, int64_t timeout_us,
                  OnDone done);
  void AcquireNotify(const std::string& path, int64_t timeout_us,
                     std::function<void(absl::StatusOr<AcquiredNotify>)> done);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace attune::edge

#endif  // ATTUNE_EDGE_SOURCE_BLUEZ_BUS_H_
