// One Bluetooth LE device through BlueZ: connect, wait until its services are known, read, write
// and listen to characteristics by their UUIDs. Several services can be used on one connection.
//
// Everything happens on the thread of the BluezHost: call from its callbacks, or through
// BluezHost::Post. Nothing blocks; each call answers through its callback, once; when the link
// ends first, `ended` speaks for it, and after destruction nothing does. A callback may destroy the
// GattDevice.
//
//   GattDevice device(host, path, {}, {.ready = [&] { ... }, .ended = [&](absl::Status why)
//   {...}}); device.Connect();
//   // in `ready`:
//   if (device.Can(kControl, "write") && device.Can(kControl, "indicate")) {
//     device.Subscribe(kControl, NotifyWay::kStart, on_response, [&](absl::Status subscribed) {
//       device.Write(kControl, {1, 0}, [](absl::Status written) { ... });
//     });
//   }
//
// Indications and notifications are the same here: BlueZ confirms indications by itself.
#ifndef ATTUNE_EDGE_SOURCE_BLUEZ_GATT_DEVICE_H_
#define ATTUNE_EDGE_SOURCE_BLUEZ_GATT_DEVICE_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace attune::edge {

class BluezHost;

// How notifications are asked for. kAcquire takes them from BlueZ through a socket of their own:
// cheaper, but the characteristic is then this program's alone, and BlueZ may swallow those that
// come before the socket is there.
enum class NotifyWay { kStart, kAcquire };

struct GattTimes {
  int64_t connect_us = 20'000'000;  // until the link is there
  int64_t resolve_us = 20'000'000;  // from there until the services are known
  int64_t call_us = 10'000'000;     // any other answer of BlueZ
};

class GattDevice {
 public:
  struct Events {
    // Connected, and all services are known.
    std::function<void()> ready;
    // The attempt failed, or the link is gone: the device left, was switched off or removed,
    // Bluetooth was switched off, bluetoothd went. Once per Connect. The status carries the D-Bus
    // error, see DbusErrorName in bus.h.
    std::function<void(const absl::Status& why)> ended;
  };
  // `arrival_us`: steady clock, read when the D-Bus message or the packet was taken.
  using OnValue = std::function<void(int64_t arrival_us, std::span<const uint8_t> value)>;
  using OnRead = std::function<void(absl::StatusOr<std::vector<uint8_t>>)>;
  using OnDone = std::function<void(const absl::Status&)>;

  // `path`: D-Bus path of the device. `host` must outlive it.
  GattDevice(BluezHost& host, std::string path, GattTimes times, Events events);
  // Disconnects what it connected; a device that another program had connected before stays so.
  ~GattDevice();

  // Waits for its turn (a controller connects one device at a time). Again only after `ended`.
  void Connect();
  // Ends as the destructor does, without a call of `ended`. Later reads and writes answer with an
  // error.
  void Disconnect();
  bool ready() const;
  const std::string& path() const;

  // UUIDs are whole and in lower case; see uuids.h. Only when ready.
  bool Has(std::string_view characteristic) const;
  // `flag`: "read", "write", "write-without-response", "notify", "indicate" ...
  bool Can(std::string_view characteristic, std::string_view flag) const;
  void Read(std::string_view characteristic, OnRead done);
  void Write(std::string_view characteristic, const std::vector<uint8_t>& value, OnDone done);
  // Values may come before `done` says that it worked. Ends with the link, or by Unsubscribe.
  void Subscribe(std::string_view characteristic, NotifyWay way, OnValue value, OnDone done);
  void Unsubscribe(std::string_view characteristic);

 private:
  struct State;
  std::shared_ptr<State> state_;
};

}  // namespace attune::edge

#endif  // ATTUNE_EDGE_SOURCE_BLUEZ_GATT_DEVICE_H_
