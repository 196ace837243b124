// A stand-in for bluetoothd: org.bluez with one adapter and any number of straps, on a private bus.
// Speaks the interfaces that clients use - ObjectManager, Adapter1, Device1, Battery1,
// GattService1, GattCharacteristic1 - as BlueZ 5.66 does: devices appear during a discovery and
// carry RSSI only then, a connected strap does not advertise, Connect answers when the services are
// known, services leave with the link.
//
//   PrivateBus bus;
//   FakeBluez bluez(bus.address());
//   bluez.AddStrap(HeartRateStrap("A0:9E:1A:00:00:01", "Polar H10 00000001"));
//   ... the client connects and subscribes ...
//   bluez.Notify("A0:9E:1A:00:00:01", kHeartRateMeasurement, {0x16, 60, 0x00, 0x04});
#ifndef ATTUNE_EDGE_SOURCE_BLUEZ_TESTING_FAKE_BLUEZ_H_
#define ATTUNE_EDGE_SOURCE_BLUEZ_TESTING_FAKE_BLUEZ_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace attune::edge {

using FakeBytes = std::vector<uint8_t>;

struct FakeCharacteristic {
  std::string uuid;
  std::vector<std::string> flags;  // "read", "write", "notify", "indicate" ...
  FakeBytes value;                 // what ReadValue gives
  // What WriteValue does, on the fake's thread; it may call Notify. Returns a D-Bus error name, or
  // "" for success.
  std::function<std::string(const FakeBytes&)> written;
};

struct FakeService {
  std::string uuid;
  std::vector<FakeCharacteristic> characteristics;
};

struct FakeTrouble {
  bool hidden = false;             // does not advertise: off, or held by somebody else
  std::string connect_error = "";  // "org.bluez.Error.Failed": Connect answers so
  std::string connect_error_text = "";
  bool connect_hangs = false;
  bool resolve_hangs = false;  // connected, but the services are never known
  int64_t resolve_delay_us = 0;
  std::string notify_error = "";     // StartNotify and AcquireNotify answer so
  bool acquire_unsupported = false;  // AcquireNotify does
  bool silent = false;               // Notify goes nowhere
};

struct FakeStrap {
  std::string address;
  std::string name;  // "": has none
  int rssi = -60;
  bool paired = false;
  bool known = false;                   // there before any discovery
  std::vector<std::string> advertised;  // UUIDs
  std::vector<FakeService> services;
  std::optional<int> battery_percent;  // as Battery1 tells it
  FakeTrouble trouble;
};

// Heart rate (2A37, 2A38 chest), battery service at 87 % and device information of a Polar H10.
FakeStrap HeartRateStrap(const std::string& address, const std::string& name);
// A notification with these intervals: contact supported and given.
FakeBytes HeartRateValue(int bpm, const std::vector<uint16_t>& rr_1024);

// Thread-safe. Changes have been told on the bus when a call returns. Calls from within
// FakeCharacteristic::written are taken up after it.
class FakeBluez {
 public:
  // Aborts when the bus or the name cannot be had.
  explicit FakeBluez(const std::string& bus_address);
  // bluetoothd exits.
  ~FakeBluez();

  void SetPowered(bool powered, bool blocked = false);
  void SetAdapter(bool there);
  void AddStrap(FakeStrap strap);
  // The device object goes ("bluetoothctl remove"); with `gone` the strap itself too.
  void RemoveStrap(const std::string& address, bool gone);
  void SetTrouble(const std::string& address, FakeTrouble trouble);
  void SetBattery(const std::string& address, int percent);
  // The link breaks off, as when the strap goes out of range.
  void DropLink(const std::string& address);
  // Goes to those who subscribed; false when nobody has.
  bool Notify(const std::string& address, const std::string& characteristic, FakeBytes value);
  // The packet socket of AcquireNotify is closed.
  void CloseAcquired(const std::string& address, const std::string& characteristic);

  bool discovering() const;
  bool connected(const std::string& address) const;
  bool notifying(const std::string& address, const std::string& characteristic) const;
  bool acquired(const std::string& address, const std::string& characteristic) const;
  int connects(const std::string& address) const;  // calls of Connect so far

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace attune::edge

#endif  // ATTUNE_EDGE_SOURCE_BLUEZ_TESTING_FAKE_BLUEZ_H_
