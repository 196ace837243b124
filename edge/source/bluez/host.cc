#include "edge/source/bluez/host.h"

#include <algorithm>
#include <utility>

#include "edge/source/bluez/uuids.h"

namespace attune::edge {
namespace {

template <typename T>
T Get(const Properties& properties, const char* name, T otherwise) {
  const auto found = properties.find(name);
  if (found == properties.end()) return otherwise;
  const T* value = std::get_if<T>(&found->second);
  return value == nullptr ? otherwise : *value;
}

KnownDevice MakeKnown(const std::string& path, const Properties& properties) {
  KnownDevice device;
  device.path = path;
  device.address = Get<std::string>(properties, "Address", "");
  device.name = Get<std::string>(properties, "Name", "");
  device.connected = Get<bool>(properties, "Connected", false);
  device.paired = Get<bool>(properties, "Paired", false);
  if (properties.contains("RSSI")) {
    device.signal_dbm = static_cast<int>(Get<int64_t>(properties, "RSSI", 0));
  }
  const auto uuids = Get<std::vector<std::string>>(properties, "UUIDs", {});
  device.heart_rate = std::find(uuids.begin(), uuids.end(), kHeartRateService) != uuids.end();
  return device;
}

bool IsBelow(const std::string& path, const std::string& root) {
  return path.size() > root.size() && path.starts_with(root) && path[root.size()] == '/';
}

// An answer of discovery that says that it runs already.
bool AlreadyThere(const absl::Status& status) {
  return DbusErrorName(status) == "org.bluez.Error.InProgress";
}

}  // namespace

BluezHost::BluezHost(HostOptions options)
    : options_(std::move(options)),
      loop_(options_.clock != nullptr ? *options_.clock : system_clock_) {
  loop_.Post([this] {
    Bus::Events events;
    events.opened = [this] {
      bus_open_ = true;
      UpdateRadio();
    };
    events.closed = [this] {
      bus_open_ = false;
      OnBluez(false);
    };
    events.bluez = [this](bool there) { OnBluez(there); };
    events.added = [this](const std::string& path, const Interfaces& interfaces) {
      OnAdded(path, interfaces);
    };
    events.removed = [this](const std::string& path, const std::vector<std::string>& interfaces) {
      OnRemoved(path, interfaces);
    };
    events.changed = [this](const std::string& path, const std::string& interface,
                            const Properties& changed, const std::vector<std::string>& gone) {
      OnChanged(path, interface, changed, gone);
    };
    bus_ = std::make_unique<Bus>(loop_, options_.bus_address, options_.retry_us, std::move(events));
    // A bus that cannot be opened is told after a moment, not at once.
    loop_.After(options_.retry_us / 4, [this] { UpdateRadio(); });
  });
}

BluezHost::~BluezHost() {
  loop_.Stop([this] { bus_.reset(); });
}

uint64_t BluezHost::AddWatcher(Watcher watcher) {
  watchers_[next_watcher_] = std::make_shared<const Watcher>(std::move(watcher));
  return next_watcher_++;
}

void BluezHost::RemoveWatcher(uint64_t id) {
  watchers_.erase(id);
  EndTurn(id);
  Unclaim(id);
  WantDiscovery(id, false);
}

void BluezHost::ForEachWatcher(const std::function<void(const Watcher&)>& tell) {
  // Watchers may come and go meanwhile; numbers only grow.
  for (auto next = watchers_.begin(); next != watchers_.end();) {
    const uint64_t id = next->first;
    const auto watcher = next->second;
    tell(*watcher);
    next = watchers_.upper_bound(id);
  }
}

void BluezHost::TellHost() {
  ForEachWatcher([](const Watcher& watcher) {
    if (watcher.host) watcher.host();
  });
}

void BluezHost::TellDevice(const std::string& path) {
  ForEachWatcher([&](const Watcher& watcher) {
    if (watcher.device) watcher.device(path);
  });
}

void BluezHost::OnBluez(bool there) {
  ++generation_;
  bluez_there_ = there;
  loaded_ = load_failed_ = false;
  Forget();
  if (there) Load();
  UpdateRadio();
}

void BluezHost::Load() {
  bus_->GetObjects(options_.call_us, [this, generation = generation_](auto objects) {
    if (generation != generation_) return;
    load_failed_ = !objects.ok();
    if (load_failed_) {
      UpdateRadio();
      loop_.After(options_.retry_us, [this, generation] {
        if (generation == generation_) Load();
      });
      return;
    }
    objects_ = *std::move(objects);
    loaded_ = true;
    UpdateRadio();
    TellHost();
  });
}

void BluezHost::Forget() {
  std::vector<std::string> devices;
  for (const auto& [path, interfaces] : objects_) {
    if (interfaces.contains(kDeviceInterface)) devices.push_back(path);
  }
  objects_.clear();
  adapter_.clear();
  discovery_ = Discovery::kOff;
  for (const std::string& path : devices) TellDevice(path);
}

void BluezHost::OnAdded(const std::string& path, const Interfaces& interfaces) {
  if (!loaded_) return;
  for (const auto& [name, properties] : interfaces) objects_[path][name] = properties;
  if (interfaces.contains(kAdapterInterface)) UpdateRadio();
  if (interfaces.contains(kDeviceInterface)) TellDevice(path);
  if (interfaces.contains(kBatteryInterface)) {
    const int64_t now = loop_.now_us();
    ForEachWatcher([&](const Watcher& watcher) {
      if (!watcher.property) return;
      watcher.property(path, kBatteryInterface, interfaces.at(kBatteryInterface), now);
    });
  }
}

void BluezHost::OnRemoved(const std::string& path, const std::vector<std::string>& interfaces) {
  const auto found = objects_.find(path);
  if (found == objects_.end()) return;
  bool device = false, adapter = false;
  for (const std::string& name : interfaces) {
    device |= name == kDeviceInterface;
    adapter |= name == kAdapterInterface;
    found->second.erase(name);
  }
  if (found->second.empty()) objects_.erase(found);
  if (device) TellDevice(path);
  if (adapter) UpdateRadio();
}

void BluezHost::OnChanged(const std::string& path, const std::string& interface,
                          const Properties& changed, const std::vector<std::string>& gone) {
  const int64_t arrival_us = loop_.now_us();
  const auto found = objects_.find(path);
  if (found == objects_.end()) return;
  Properties& known = found->second[interface];
  // Values are events and are not kept.
  for (const auto& [name, value] : changed) {
    if (interface != kCharacteristicInterface) known[name] = value;
  }
  for (const std::string& name : gone) known.erase(name);
  if (interface == kAdapterInterface) {
    if (path == adapter_ && changed.contains("Discovering") && discovery_ == Discovery::kOn &&
        !Get<bool>(changed, "Discovering", true)) {
      discovery_ = Discovery::kOff;  // by somebody else
      DiscoveryLater();
    }
    UpdateRadio();
    return;
  }
  ForEachWatcher([&](const Watcher& watcher) {
    if (watcher.property) watcher.property(path, interface, changed, arrival_us);
  });
  if (interface == kDeviceInterface) TellDevice(path);
}

void BluezHost::UpdateRadio() {
  // The first adapter that is on, else the first.
  std::string adapter;
  Radio radio = Radio::kNoAdapter;
  for (const auto& [path, interfaces] : objects_) {
    const auto found = interfaces.find(kAdapterInterface);
    if (found == interfaces.end()) continue;
    const bool on = Get<bool>(found->second, "Powered", false);
    if (!adapter.empty() && !on) continue;
    adapter = path;
    radio = on ? Radio::kOn : Radio::kOff;
    if (on) break;
    if (Get<std::string>(found->second, "PowerState", "") == "off-blocked") {
      radio = Radio::kBlocked;
    }
  }
  if (!bus_open_) {
    radio = Radio::kNoBus;
  } else if (!bluez_there_) {
    radio = Radio::kNoBluez;
  } else if (!loaded_) {
    radio = load_failed_ ? Radio::kNoAnswer : Radio::kUnknown;
  }
  const bool news = radio != radio_ || adapter != adapter_;
  if (radio != Radio::kOn || adapter != adapter_) discovery_ = Discovery::kOff;
  radio_ = radio;
  adapter_ = adapter;
  if (!news) return;
  UpdateDiscovery();
  TellHost();
}

const Properties* BluezHost::Find(const std::string& path, const char* interface) const {
  const auto object = objects_.find(path);
  if (object == objects_.end()) return nullptr;
  const auto found = object->second.find(interface);
  return found == object->second.end() ? nullptr : &found->second;
}

std::vector<KnownDevice> BluezHost::Devices() const {
  std::vector<KnownDevice> devices;
  for (const auto& [path, interfaces] : objects_) {
    const auto found = interfaces.find(kDeviceInterface);
    if (found != interfaces.end() && IsBelow(path, adapter_)) {
      devices.push_back(MakeKnown(path, found->second));
    }
  }
  return devices;
}

std::optional<KnownDevice> BluezHost::Device(const std::string& path) const {
  const Properties* found = Find(path, kDeviceInterface);
  if (found == nullptr) return std::nullopt;
  return MakeKnown(path, *found);
}

void BluezHost::WantDiscovery(uint64_t watcher, bool want) {
  const bool news = want ? want_discovery_.insert(watcher).second : want_discovery_.erase(watcher);
  if (news) UpdateDiscovery();
}

void BluezHost::DiscoveryLater() {
  if (discovery_timer_ != 0) return;
  discovery_timer_ = loop_.After(options_.retry_us, [this] {
    discovery_timer_ = 0;
    UpdateDiscovery();
  });
}

void BluezHost::UpdateDiscovery() {
  if (radio_ != Radio::kOn) return GrantTurn();
  const bool want = !want_discovery_.empty() && turns_.empty();
  if (want && discovery_ == Discovery::kOff && discovery_timer_ == 0) StartDiscovery();
  if (!want && discovery_ == Discovery::kOn) {
    discovery_ = Discovery::kStopping;
    bus_->Call(adapter_, kAdapterInterface, "StopDiscovery", options_.call_us,
               [this, generation = generation_](const absl::Status&) {
                 if (generation != generation_ || discovery_ != Discovery::kStopping) return;
                 discovery_ = Discovery::kOff;
                 UpdateDiscovery();
               });
  }
  GrantTurn();
}

void BluezHost::StartDiscovery() {
  discovery_ = Discovery::kStarting;
  const auto started = [this, generation = generation_](const absl::Status& status) {
    if (generation != generation_ || discovery_ != Discovery::kStarting) return;
    if (!status.ok() && !AlreadyThere(status)) {
      discovery_ = Discovery::kOff;
      DiscoveryLater();
      return GrantTurn();
    }
    discovery_ = Discovery::kOn;
    UpdateDiscovery();
    TellHost();
  };
  // An adapter that knows no filter finds more than it should; names and services are looked at.
  bus_->SetDiscoveryFilter(adapter_, options_.call_us, [](const absl::Status&) {});
  bus_->Call(adapter_, kAdapterInterface, "StartDiscovery", options_.call_us, started);
}

void BluezHost::AskTurn(uint64_t watcher, std::function<void()> granted) {
  turns_.push_back({next_turn_++, watcher, std::move(granted)});
  UpdateDiscovery();
}

void BluezHost::EndTurn(uint64_t watcher) {
  const auto ends = [&](const Turn& turn) { return turn.watcher == watcher; };
  if (!turns_.empty() && ends(turns_.front())) turn_granted_ = false;
  if (std::erase_if(turns_, ends) > 0) UpdateDiscovery();
}

void BluezHost::GrantTurn() {
  if (turns_.empty() || turn_granted_ || discovery_ != Discovery::kOff) return;
  turn_granted_ = true;
  // Not from within the call that asked.
  loop_.Post([this, number = turns_.front().number] {
    if (turns_.empty() || turns_.front().number != number) return;
    const auto granted = turns_.front().granted;
    granted();
  });
}

bool BluezHost::Claim(const std::string& address, uint64_t watcher) {
  if (ClaimedByOther(address, watcher)) return false;
  Unclaim(watcher);
  claims_[address] = watcher;
  return true;
}

void BluezHost::Unclaim(uint64_t watcher) {
  std::erase_if(claims_, [&](const auto& claim) { return claim.second == watcher; });
}

bool BluezHost::ClaimedByOther(const std::string& address, uint64_t watcher) const {
  const auto found = claims_.find(address);
  return found != claims_.end() && found->second != watcher;
}

}  // namespace attune::edge
