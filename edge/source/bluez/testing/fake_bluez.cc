#include "edge/source/bluez/testing/fake_bluez.h"

#include <fcntl.h>
#include <sdbus-c++/sdbus-c++.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <map>
#include <set>
#include <utility>

#include "edge/source/bluez/loop.h"

namespace attune::edge {
namespace {

constexpr char kAdapterPath[] = "/org/bluez/hci0";
constexpr char kAdapter[] = "org.bluez.Adapter1";
constexpr char kDevice[] = "org.bluez.Device1";
constexpr char kBattery[] = "org.bluez.Battery1";
constexpr char kService[] = "org.bluez.GattService1";
constexpr char kCharacteristic[] = "org.bluez.GattCharacteristic1";
constexpr int64_t kAdvertiseEveryUs = 20'000;

using Dictionary = std::map<std::string, sdbus::Variant>;

std::string DevicePath(const std::string& address) {
  std::string path = std::string(kAdapterPath) + "/dev_" + address;
  for (char& c : path) {
    if (c == ':') c = '_';
  }
  return path;
}

std::string Numbered(const std::string& path, const char* kind, int number) {
  char text[24];
  std::snprintf(text, sizeof(text), "/%s%04x", kind, static_cast<unsigned>(number));
  return path + text;
}

// BlueZ's own words: PropertiesChanged with what changed and what went.
void EmitChanged(sdbus::IObject& object, const std::string& interface, const Dictionary& changed,
                 const std::vector<std::string>& gone = {}) {
  auto signal = object.createSignal("org.freedesktop.DBus.Properties", "PropertiesChanged");
  signal << interface << changed << gone;
  object.emitSignal(signal);
}

std::string SenderOf(const sdbus::IObject& object) {
  return object.getCurrentlyProcessedMessage()->getSender();
}

}  // namespace

// Everything on the loop's thread.
struct FakeBluez::Impl {
  struct Characteristic {
    FakeCharacteristic* made = nullptr;
    std::unique_ptr<sdbus::IObject> object;
    std::set<std::string> listeners;  // clients that called StartNotify
    int fd = -1;                      // our end of the acquired socket
    bool notifying() const { return fd >= 0 || !listeners.empty(); }
  };
  struct Strap {
    FakeStrap made;
    std::unique_ptr<sdbus::IObject> object;  // nullptr: not known to BlueZ
    bool seen = false;                       // carries RSSI
    bool connected = false;
    bool resolved = false;
    int connects = 0;
    uint64_t resolve_timer = 0;
    std::optional<sdbus::Result<>> connecting;
    std::vector<std::unique_ptr<sdbus::IObject>> services;
    std::map<std::string, Characteristic> characteristics;  // by UUID
    // Paired: (characteristic, client) of the connection before.
    std::set<std::pair<std::string, std::string>> kept_listeners;
  };

  SystemClock clock;
  BusLoop loop{clock};
  std::unique_ptr<sdbus::IConnection> connection;
  std::unique_ptr<sdbus::IObject> adapter;
  bool powered = true;
  bool blocked = false;
  std::set<std::string> discoverers;
  uint64_t advertise_timer = 0;
  std::map<std::string, Strap> straps;  // by address

  void Open(const std::string& address) {
    try {
      connection = sdbus::createSessionBusConnectionWithAddress(address);
      connection->addObjectManager("/", sdbus::floating_slot);
      connection->addMatch(
          "type='signal',sender='org.freedesktop.DBus',member='NameOwnerChanged'",
          [this](sdbus::Message& message) {
            std::string name, before, after;
            message >> name >> before >> after;
            if (after.empty()) loop.Post([this, name = name] { ClientLeft(name); });
          },
          sdbus::floating_slot);
      MakeAdapter();
      connection->requestName("org.bluez");
    } catch (const sdbus::Error& error) {
      std::fprintf(stderr, "fake org.bluez: %s\n", error.what());
      std::abort();
    }
    loop.Serve(connection.get(), [](const std::string&) {});
  }

  void Close() {
    loop.Serve(nullptr, {});
    loop.Cancel(advertise_timer);
    for (auto& [address, strap] : straps) {
      for (auto& [uuid, characteristic] : strap.characteristics) CloseSocket(characteristic);
    }
    straps.clear();
    adapter.reset();
    connection.reset();
  }

  // ---- adapter

  void MakeAdapter() {
    adapter = sdbus::createObject(*connection, kAdapterPath);
    const auto property = [&](const char* name, auto getter) {
      adapter->registerProperty(name).onInterface(kAdapter).withGetter(getter);
    };
    property("Address", [] { return std::string("00:1A:7D:00:00:01"); });
    property("Name", [] { return std::string("fake"); });
    property("Alias", [] { return std::string("fake"); });
    property("PowerState", [this] {
      return std::string(powered ? "on" : blocked ? "off-blocked" : "off");
    });
    property("Discovering", [this] { return !discoverers.empty(); });
    adapter->registerProperty("Powered")
        .onInterface(kAdapter)
        .withGetter([this] { return powered; })
        .withSetter([this](const bool& on) { loop.Post([this, on] { SetPowered(on, false); }); });
    adapter->registerMethod("SetDiscoveryFilter")
        .onInterface(kAdapter)
        .implementedAs([](const Dictionary&) {});
    adapter->registerMethod("StartDiscovery").onInterface(kAdapter).implementedAs([this] {
      if (!powered) throw sdbus::Error("org.bluez.Error.NotReady", "Resource Not Ready");
      if (!discoverers.insert(SenderOf(*adapter)).second) {
        throw sdbus::Error("org.bluez.Error.InProgress", "Operation already in progress");
      }
      loop.Post([this] { DiscoveryChanged(); });
    });
    adapter->registerMethod("StopDiscovery").onInterface(kAdapter).implementedAs([this] {
      if (discoverers.erase(SenderOf(*adapter)) == 0) {
        throw sdbus::Error("org.bluez.Error.Failed", "No discovery started");
      }
      loop.Post([this] { DiscoveryChanged(); });
    });
    adapter->registerMethod("RemoveDevice")
        .onInterface(kAdapter)
        .implementedAs([this](const sdbus::ObjectPath& path) {
          loop.Post([this, path] {
            for (auto& [address, strap] : straps) {
              if (DevicePath(address) == path) Unmake(strap);
            }
          });
        });
    adapter->finishRegistration();
    adapter->emitInterfacesAddedSignal();
  }

  void SetPowered(bool on, bool by_switch) {
    powered = on;
    blocked = !on && by_switch;
    if (!on) {
      discoverers.clear();
      DiscoveryChanged();
      for (auto& [address, strap] : straps) DropLink(strap);
    }
    if (adapter == nullptr) return;
    EmitChanged(*adapter, kAdapter,
                {{"Powered", sdbus::Variant(on)},
                 {"PowerState", sdbus::Variant(std::string(on        ? "on"
                                                           : blocked ? "off-blocked"
                                                                     : "off"))}});
  }

  void SetAdapter(bool there) {
    if (there == (adapter != nullptr)) return;
    if (there) return MakeAdapter();
    discoverers.clear();
    loop.Cancel(advertise_timer);
    for (auto& [address, strap] : straps) {
      DropLink(strap);
      Unmake(strap);
    }
    adapter->emitInterfacesRemovedSignal();
    adapter.reset();
  }

  void DiscoveryChanged() {
    loop.Cancel(advertise_timer);
    if (adapter == nullptr) return;
    EmitChanged(*adapter, kAdapter, {{"Discovering", sdbus::Variant(!discoverers.empty())}});
    if (!discoverers.empty()) return Advertise();
    for (auto& [address, strap] : straps) Unsee(strap);
  }

  void Advertise() {
    for (auto& [address, strap] : straps) {
      if (strap.made.trouble.hidden || strap.connected) continue;
      if (strap.object != nullptr && strap.seen) {
        EmitChanged(*strap.object, kDevice,
                    {{"RSSI", sdbus::Variant(static_cast<int16_t>(strap.made.rssi))}});
        continue;
      }
      const bool is_new = strap.object == nullptr;
      strap.seen = true;
      Make(strap);
      if (is_new) {
        strap.object->emitInterfacesAddedSignal();
      } else {
        EmitChanged(*strap.object, kDevice,
                    {{"RSSI", sdbus::Variant(static_cast<int16_t>(strap.made.rssi))}});
      }
    }
    advertise_timer = loop.After(kAdvertiseEveryUs, [this] { Advertise(); });
  }

  void Unsee(Strap& strap) {
    if (!std::exchange(strap.seen, false) || strap.object == nullptr) return;
    EmitChanged(*strap.object, kDevice, {}, {"RSSI"});
    Make(strap);
  }

  void ClientLeft(const std::string& client) {
    if (discoverers.erase(client) > 0) DiscoveryChanged();
    for (auto& [address, strap] : straps) {
      for (auto& [uuid, characteristic] : strap.characteristics) {
        characteristic.listeners.erase(client);
      }
    }
  }

  // ---- devices

  // A property that is not there cannot be had from an object: it is made anew without it.
  void Make(Strap& strap) {
    strap.object.reset();
    strap.object = sdbus::createObject(*connection, DevicePath(strap.made.address));
    sdbus::IObject& object = *strap.object;
    const auto property = [&](const char* name, auto getter) {
      object.registerProperty(name).onInterface(kDevice).withGetter(getter);
    };
    Strap* const of = &strap;
    property("Address", [of] { return of->made.address; });
    property("AddressType", [] { return std::string("public"); });
    if (!strap.made.name.empty()) property("Name", [of] { return of->made.name; });
    property("Alias", [of] { return of->made.name.empty() ? of->made.address : of->made.name; });
    property("Adapter", [] { return sdbus::ObjectPath(kAdapterPath); });
    property("Paired", [of] { return of->made.paired; });
    property("Trusted", [] { return false; });
    property("Blocked", [] { return false; });
    property("LegacyPairing", [] { return false; });
    property("UUIDs", [of] { return of->made.advertised; });
    property("Connected", [of] { return of->connected; });
    property("ServicesResolved", [of] { return of->resolved; });
    if (strap.seen) property("RSSI", [of] { return static_cast<int16_t>(of->made.rssi); });
    if (strap.made.battery_percent) {
      object.registerProperty("Percentage").onInterface(kBattery).withGetter([of] {
        return static_cast<uint8_t>(*of->made.battery_percent);
      });
    }
    object.registerMethod("Connect").onInterface(kDevice).implementedAs(
        [this, of](sdbus::Result<>&& result) {
          auto kept = std::make_shared<sdbus::Result<>>(std::move(result));
          Later(of->made.address, [this, kept](Strap& at) { OnConnect(at, std::move(*kept)); });
        });
    object.registerMethod("Disconnect").onInterface(kDevice).implementedAs([this, of] {
      Later(of->made.address, [this](Strap& at) { DropLink(at); });
    });
    object.finishRegistration();
  }

  // Not from within a call on the object; not at all when the strap is gone by then.
  void Later(const std::string& address, const std::function<void(Strap&)>& task) {
    loop.Post([this, address, task] {
      const auto found = straps.find(address);
      if (found != straps.end()) task(found->second);
    });
  }

  void Unmake(Strap& strap) {
    if (strap.object == nullptr) return;
    DropLink(strap);
    strap.object->emitInterfacesRemovedSignal();
    strap.object.reset();
    strap.seen = false;
  }

  void OnConnect(Strap& strap, sdbus::Result<>&& result) {
    ++strap.connects;
    const FakeTrouble& trouble = strap.made.trouble;
    if (!powered) {
      return result.returnError(sdbus::Error("org.bluez.Error.NotReady", "Resource Not Ready"));
    }
    if (strap.connecting) {
      return result.returnError(sdbus::Error("org.bluez.Error.InProgress", "In Progress"));
    }
    if (!trouble.connect_error.empty()) {
      return result.returnError(sdbus::Error(trouble.connect_error, trouble.connect_error_text));
    }
    if (strap.connected && strap.resolved) return result.returnResults();
    strap.connecting = std::move(result);
    if (trouble.connect_hangs || trouble.hidden) return;
    strap.connected = true;
    EmitChanged(*strap.object, kDevice, {{"Connected", sdbus::Variant(true)}});
    Unsee(strap);
    if (trouble.resolve_hangs) return;
    strap.resolve_timer =
        loop.After(trouble.resolve_delay_us, [this, of = &strap] { Resolve(*of); });
  }

  void Resolve(Strap& strap) {
    const std::string path = DevicePath(strap.made.address);
    int handle = 0x10;
    for (FakeService& service : strap.made.services) {
      const std::string service_path = Numbered(path, "service", handle++);
      MakeService(strap, service, service_path);
      for (FakeCharacteristic& made : service.characteristics) {
        MakeCharacteristic(strap, made, service_path, Numbered(service_path, "char", handle));
        handle += 2;
      }
    }
    strap.resolved = true;
    EmitChanged(*strap.object, kDevice, {{"ServicesResolved", sdbus::Variant(true)}});
    if (strap.connecting) strap.connecting->returnResults();
    strap.connecting.reset();
  }

  void DropLink(Strap& strap) {
    loop.Cancel(strap.resolve_timer);
    if (strap.connecting) {
      strap.connecting->returnError(
          sdbus::Error("org.bluez.Error.Failed", "le-connection-abort-by-local"));
      strap.connecting.reset();
    }
    if (!std::exchange(strap.connected, false)) return;
    for (auto& [uuid, characteristic] : strap.characteristics) {
      CloseSocket(characteristic);
      if (strap.made.paired) {
        for (const auto& client : characteristic.listeners) {
          strap.kept_listeners.emplace(uuid, client);
        }
      }
      characteristic.object->emitInterfacesRemovedSignal();
    }
    strap.characteristics.clear();
    for (auto& service : strap.services) service->emitInterfacesRemovedSignal();
    strap.services.clear();
    if (strap.object == nullptr) return;
    if (std::exchange(strap.resolved, false)) {
      EmitChanged(*strap.object, kDevice, {{"ServicesResolved", sdbus::Variant(false)}});
    }
    EmitChanged(*strap.object, kDevice, {{"Connected", sdbus::Variant(false)}});
  }

  // ---- services

  void MakeService(Strap& strap, const FakeService& service, const std::string& path) {
    auto object = sdbus::createObject(*connection, path);
    object->registerProperty("UUID").onInterface(kService).withGetter(
        [uuid = service.uuid] { return uuid; });
    object->registerProperty("Primary").onInterface(kService).withGetter([] { return true; });
    object->registerProperty("Device").onInterface(kService).withGetter(
        [device = DevicePath(strap.made.address)] { return sdbus::ObjectPath(device); });
    object->finishRegistration();
    object->emitInterfacesAddedSignal();
    strap.services.push_back(std::move(object));
  }

  void MakeCharacteristic(Strap& strap, FakeCharacteristic& made, const std::string& service,
                          const std::string& path) {
    Characteristic& one = strap.characteristics[made.uuid];
    one.made = &made;
    one.object = sdbus::createObject(*connection, path);
    sdbus::IObject& object = *one.object;
    Characteristic* const of = &one;
    Strap* const at = &strap;
    const auto property = [&](const char* name, auto getter) {
      object.registerProperty(name).onInterface(kCharacteristic).withGetter(getter);
    };
    property("UUID", [of] { return of->made->uuid; });
    property("Service", [service] { return sdbus::ObjectPath(service); });
    property("Flags", [of] { return of->made->flags; });
    property("Value", [of] { return of->made->value; });
    property("Notifying", [of] { return of->notifying(); });
    property("MTU", [] { return uint16_t{23}; });
    object.registerMethod("ReadValue")
        .onInterface(kCharacteristic)
        .implementedAs([of](const Dictionary&) { return of->made->value; });
    object.registerMethod("WriteValue")
        .onInterface(kCharacteristic)
        .implementedAs([of](const FakeBytes& value, const Dictionary&) {
          const std::string error =
              of->made->written ? of->made->written(value) : "org.bluez.Error.NotPermitted";
          if (!error.empty()) throw sdbus::Error(error, "Write not permitted");
        });
    object.registerMethod("StartNotify").onInterface(kCharacteristic).implementedAs([this, of, at] {
      const std::string& error = at->made.trouble.notify_error;
      if (!error.empty()) throw sdbus::Error(error, "refused");
      if (of->fd >= 0) throw sdbus::Error("org.bluez.Error.NotPermitted", "Notify acquired");
      const std::string sender = SenderOf(*of->object);
      if (at->kept_listeners.contains({of->made->uuid, sender}) ||
          !of->listeners.insert(sender).second) {
        throw sdbus::Error("org.bluez.Error.InProgress", "In Progress");
      }
      EmitChanged(*of->object, kCharacteristic, {{"Notifying", sdbus::Variant(true)}});
    });
    object.registerMethod("StopNotify").onInterface(kCharacteristic).implementedAs([of, at] {
      of->listeners.erase(SenderOf(*of->object));
      at->kept_listeners.erase({of->made->uuid, SenderOf(*of->object)});
      EmitChanged(*of->object, kCharacteristic, {{"Notifying", sdbus::Variant(of->notifying())}});
    });
    object.registerMethod("AcquireNotify")
        .onInterface(kCharacteristic)
        .implementedAs([of, at](const Dictionary&) -> std::tuple<sdbus::UnixFd, uint16_t> {
          const FakeTrouble& trouble = at->made.trouble;
          if (!trouble.notify_error.empty()) throw sdbus::Error(trouble.notify_error, "refused");
          if (trouble.acquire_unsupported) {
            throw sdbus::Error("org.bluez.Error.NotSupported", "Operation is not supported");
          }
          if (of->notifying())
            throw sdbus::Error("org.bluez.Error.NotPermitted", "Notify acquired");
          int ends[2];
          if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0) {
            throw sdbus::Error("org.bluez.Error.Failed", "socketpair");
          }
          of->fd = ends[0];
          return {sdbus::UnixFd(ends[1], sdbus::adopt_fd), uint16_t{23}};
        });
    object.finishRegistration();
    object.emitInterfacesAddedSignal();
  }

  static void CloseSocket(Characteristic& characteristic) {
    if (characteristic.fd >= 0) close(std::exchange(characteristic.fd, -1));
  }

  Characteristic* Find(const std::string& address, const std::string& uuid) {
    const auto strap = straps.find(address);
    if (strap == straps.end()) return nullptr;
    const auto found = strap->second.characteristics.find(uuid);
    return found == strap->second.characteristics.end() ? nullptr : &found->second;
  }

  bool Notify(const std::string& address, const std::string& uuid, const FakeBytes& value) {
    Characteristic* one = Find(address, uuid);
    if (one == nullptr || !one->notifying()) return false;
    if (straps.at(address).made.trouble.silent) return true;
    if (one->fd >= 0) {
      return send(one->fd, value.data(), value.size(), MSG_NOSIGNAL) ==
             static_cast<ssize_t>(value.size());
    }
    EmitChanged(*one->object, kCharacteristic, {{"Value", sdbus::Variant(value)}});
    return true;
  }

  // Runs now when on the loop's thread already.
  template <typename Task>
  void Do(Task task) {
    if (std::this_thread::get_id() == loop_thread) return task();
    loop.PostAndWait(task);
  }
  std::thread::id loop_thread;
};

FakeBluez::FakeBluez(const std::string& bus_address) : impl_(std::make_unique<Impl>()) {
  impl_->loop.PostAndWait([&] {
    impl_->loop_thread = std::this_thread::get_id();
    impl_->Open(bus_address);
  });
}

FakeBluez::~FakeBluez() {
  impl_->loop.Stop([this] { impl_->Close(); });
}

void FakeBluez::SetPowered(bool powered, bool blocked) {
  impl_->Do([&] { impl_->SetPowered(powered, blocked); });
}

void FakeBluez::SetAdapter(bool there) {
  impl_->Do([&] { impl_->SetAdapter(there); });
}

void FakeBluez::AddStrap(FakeStrap strap) {
  impl_->Do([&] {
    Impl::Strap& added = impl_->straps[strap.address];
    added.made = std::move(strap);
    if (added.made.known) {
      impl_->Make(added);
      added.object->emitInterfacesAddedSignal();
    }
  });
}

void FakeBluez::RemoveStrap(const std::string& address, bool gone) {
  impl_->Do([&] {
    impl_->Unmake(impl_->straps.at(address));
    if (gone) impl_->straps.erase(address);
  });
}

void FakeBluez::SetTrouble(const std::string& address, FakeTrouble trouble) {
  impl_->Do([&] {
    Impl::Strap& strap = impl_->straps.at(address);
    strap.made.trouble = std::move(trouble);
    if (strap.made.trouble.hidden) impl_->Unsee(strap);
  });
}

void FakeBluez::SetBattery(const std::string& address, int percent) {
  impl_->Do([&] {
    Impl::Strap& strap = impl_->straps.at(address);
    strap.made.battery_percent = percent;
    EmitChanged(*strap.object, kBattery,
                {{"Percentage", sdbus::Variant(static_cast<uint8_t>(percent))}});
  });
}

void FakeBluez::DropLink(const std::string& address) {
  impl_->Do([&] { impl_->DropLink(impl_->straps.at(address)); });
}

bool FakeBluez::Notify(const std::string& address, const std::string& characteristic,
                       FakeBytes value) {
  bool told = false;
  impl_->Do([&] { told = impl_->Notify(address, characteristic, value); });
  return told;
}

void FakeBluez::CloseAcquired(const std::string& address, const std::string& characteristic) {
  impl_->Do([&] {
    if (auto* one = impl_->Find(address, characteristic)) Impl::CloseSocket(*one);
  });
}

bool FakeBluez::discovering() const {
  bool result = false;
  impl_->Do([&] { result = !impl_->discoverers.empty(); });
  return result;
}

bool FakeBluez::connected(const std::string& address) const {
  bool result = false;
  impl_->Do([&] { result = impl_->straps.at(address).connected; });
  return result;
}

bool FakeBluez::notifying(const std::string& address, const std::string& characteristic) const {
  bool result = false;
  impl_->Do([&] {
    const auto* one = impl_->Find(address, characteristic);
    result = one != nullptr && one->notifying();
  });
  return result;
}

bool FakeBluez::acquired(const std::string& address, const std::string& characteristic) const {
  bool result = false;
  impl_->Do([&] {
    const auto* one = impl_->Find(address, characteristic);
    result = one != nullptr && one->fd >= 0;
  });
  return result;
}

int FakeBluez::connects(const std::string& address) const {
  int result = 0;
  impl_->Do([&] { result = impl_->straps.at(address).connects; });
  return result;
}

}  // namespace attune::edge
