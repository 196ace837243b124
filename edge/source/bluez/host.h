// BlueZ as all straps of one process see it: one connection to the bus, one picture of adapters
// and devices kept fresh by signals, one discovery, one connection attempt at a time (controllers
// refuse or break a second one, and some break an attempt during discovery: discovery rests
// meanwhile).
//
// Make and destroy it on any thread but its own; Post works from anywhere; everything else is on
// its own thread, that is in what is posted and in callbacks.
#ifndef ATTUNE_EDGE_SOURCE_BLUEZ_HOST_H_
#define ATTUNE_EDGE_SOURCE_BLUEZ_HOST_H_

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "edge/source/bluez/bus.h"
#include "edge/source/bluez/loop.h"
#include "services/base/clock.h"

namespace attune::edge {

inline constexpr char kAdapterInterface[] = "org.bluez.Adapter1";
inline constexpr char kDeviceInterface[] = "org.bluez.Device1";
inline constexpr char kBatteryInterface[] = "org.bluez.Battery1";
inline constexpr char kServiceInterface[] = "org.bluez.GattService1";
inline constexpr char kCharacteristicInterface[] = "org.bluez.GattCharacteristic1";

struct HostOptions {
  // "": the system bus. With an address sdbus-c++ 1.2 loses 2 kB at each attempt to open that
  // fails: for what is short-lived.
  std::string bus_address;
  const Clock* clock = nullptr;  // must outlive the host; nullptr: the system's
  int64_t retry_us = 2'000'000;  // the bus, or a discovery that did not start, is tried again
  int64_t call_us = 10'000'000;  // longest wait for an answer
};

// A device that could be a strap.
struct KnownDevice {
  std::string path;
  std::string address;
  std::string name;         // "" when it has none
  bool heart_rate = false;  // says that it has the Heart Rate Service
  bool connected = false;
  bool paired = false;
  std::optional<int> signal_dbm;  // present while it advertises during a discovery
};

class BluezHost {
 public:
  // Whether Bluetooth can be used.
  enum class Radio { kUnknown, kNoBus, kNoBluez, kNoAnswer, kNoAdapter, kOff, kBlocked, kOn };

  struct Watcher {
    // Radio, or the picture as a whole, or what discovery does.
    std::function<void()> host;
    // A device came, changed or went.
    std::function<void(const std::string& path)> device;
    // A property of anything at or below a path of a device. `arrival_us`: steady clock.
    std::function<void(const std::string& path, const std::string& interface,
                       const Properties& changed, int64_t arrival_us)>
        property;
  };

  explicit BluezHost(HostOptions options);
  ~BluezHost();

  void Post(BusLoop::Task task) { loop_.Post(std::move(task)); }
  void PostAndWait(BusLoop::Task task) { loop_.PostAndWait(std::move(task)); }

  // From here on: own thread only.
  BusLoop& loop() { return loop_; }
  Bus& bus() { return *bus_; }
  const HostOptions& options() const { return options_; }

  uint64_t AddWatcher(Watcher watcher);
  void RemoveWatcher(uint64_t id);

  Radio radio() const { return radio_; }
  const Objects& objects() const { return objects_; }
  // nullptr when there is none.
  const Properties* Find(const std::string& path, const char* interface) const;
  // Of the adapter in use, in the order of their paths.
  std::vector<KnownDevice> Devices() const;
  std::optional<KnownDevice> Device(const std::string& path) const;

  // Discovery runs while anybody wants it, except during a connection attempt.
  void WantDiscovery(uint64_t watcher, bool want);
  bool discovering() const { return discovery_ == Discovery::kOn; }

  // `granted` is called when no other attempt is under way and discovery rests. Until EndTurn.
  void AskTurn(uint64_t watcher, std::function<void()> granted);
  void EndTurn(uint64_t watcher);

  // One strap, one owner in this process. False: somebody else has it.
  bool Claim(const std::string& address, uint64_t watcher);
  void Unclaim(uint64_t watcher);
  bool ClaimedByOther(const std::string& address, uint64_t watcher) const;

 private:
  enum class Discovery { kOff, kStarting, kOn, kStopping };

  void OnBluez(bool there);
  void Load();
  void OnAdded(const std::string& path, const Interfaces& interfaces);
  void OnRemoved(const std::string& path, const std::vector<std::string>& interfaces);
  void OnChanged(const std::string& path, const std::string& interface, const Properties& changed,
                 const std::vector<std::string>& gone);
  void Forget();
  void UpdateRadio();
  void UpdateDiscovery();
  void StartDiscovery();
  void DiscoveryLater();
  void GrantTurn();
  void TellHost();
  void TellDevice(const std::string& path);
  void ForEachWatcher(const std::function<void(const Watcher&)>& tell);

  const SystemClock system_clock_;
  const HostOptions options_;
  BusLoop loop_;
  // Own thread only.
  std::unique_ptr<Bus> bus_;
  bool bus_open_ = false;
  bool bluez_there_ = false;
  bool loaded_ = false;
  bool load_failed_ = false;
  uint64_t generation_ = 0;  // of bluetoothd: answers to an earlier one do not count
  Objects objects_;
  std::string adapter_;
  Radio radio_ = Radio::kUnknown;
  std::map<uint64_t, std::shared_ptr<const Watcher>> watchers_;
  uint64_t next_watcher_ = 1;
  std::set<uint64_t> want_discovery_;
  Discovery discovery_ = Discovery::kOff;
  uint64_t discovery_timer_ = 0;
  struct Turn {
    uint64_t number = 0;
    uint64_t watcher = 0;
    std::function<void()> granted;
  };
  std::deque<Turn> turns_;  // the first has it, or waits for discovery to rest
  uint64_t next_turn_ = 1;
  bool turn_granted_ = false;
  std::map<std::string, uint64_t> claims_;
};

}  // namespace attune::edge

#endif  // ATTUNE_EDGE_SOURCE_BLUEZ_HOST_H_
