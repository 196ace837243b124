#include "edge/source/bluez/bus.h"

#include <sdbus-c++/sdbus-c++.h>

#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "edge/source/bluez/uuids.h"

namespace attune::edge {
namespace {

constexpr char kBluez[] = "org.bluez";
constexpr char kDbus[] = "org.freedesktop.DBus";
constexpr char kObjectManager[] = "org.freedesktop.DBus.ObjectManager";
constexpr char kErrorUrl[] = "attune/dbus-error";

using RawProperties = std::map<std::string, sdbus::Variant>;
using RawInterfaces = std::map<std::string, RawProperties>;
using RawObjects = std::map<sdbus::ObjectPath, RawInterfaces>;

std::optional<PropertyValue> Converted(const sdbus::Variant& value) {
  const std::string type = value.peekValueType();
  if (type == "b") return value.get<bool>();
  if (type == "y") return int64_t{value.get<uint8_t>()};
  if (type == "n") return int64_t{value.get<int16_t>()};
  if (type == "q") return int64_t{value.get<uint16_t>()};
  if (type == "i") return int64_t{value.get<int32_t>()};
  if (type == "u") return int64_t{value.get<uint32_t>()};
  if (type == "s") return value.get<std::string>();
  if (type == "o") return std::string(value.get<sdbus::ObjectPath>());
  if (type == "as") return value.get<std::vector<std::string>>();
  if (type == "ay") return value.get<std::vector<uint8_t>>();
  return std::nullopt;
}

Properties Converted(const RawProperties& raw) {
  Properties properties;
  for (const auto& [name, value] : raw) {
    if (auto converted = Converted(value)) properties[name] = *std::move(converted);
  }
  return properties;
}

Interfaces Converted(const RawInterfaces& raw) {
  Interfaces interfaces;
  for (const auto& [name, properties] : raw) interfaces[name] = Converted(properties);
  return interfaces;
}

}  // namespace

absl::Status DbusError(const std::string& name, const std::string& text) {
  absl::Status status = absl::UnavailableError(absl::StrCat(name, ": ", text));
  status.SetPayload(kErrorUrl, absl::Cord(name));
  return status;
}

std::string DbusErrorName(const absl::Status& status) {
  const auto payload = status.GetPayload(kErrorUrl);
  return payload ? std::string(*payload) : "";
}

struct Bus::Impl {
  BusLoop& loop;
  std::string address;
  int64_t retry_us;
  Events events;
  std::unique_ptr<sdbus::IConnection> connection;
  std::vector<sdbus::Slot> matches;
  std::string owner;  // unique name of bluetoothd; "": not there
  uint64_t timer = 0;
  // A call keeps its proxy until it was answered; what was answered goes at the next chance,
  // because a proxy cannot go from within its own answer.
  struct Pending {
    std::unique_ptr<sdbus::IProxy> proxy;
    OnDone failed;
  };
  std::map<uint64_t, Pending> calls;
  uint64_t next_call = 1;
  std::shared_ptr<bool> alive = std::make_shared<bool>(true);

  Impl(BusLoop& the_loop, std::string the_address, int64_t the_retry_us, Events the_events)
      : loop(the_loop),
        address(std::move(the_address)),
        retry_us(the_retry_us),
        events(std::move(the_events)) {}

  void Open() {
    timer = 0;
    try {
      connection = address.empty() ? sdbus::createSystemBusConnection()
                                   : sdbus::createSessionBusConnectionWithAddress(address);
      matches.push_back(
          connection->addMatch(absl::StrCat("type='signal',sender='", kBluez, "'"),
                               [this](sdbus::Message& message) { OnSignal(message); }));
      matches.push_back(
          connection->addMatch(absl::StrCat("type='signal',sender='", kDbus,
                                            "',member='NameOwnerChanged',arg0='", kBluez, "'"),
                               [this](sdbus::Message& message) { OnOwner(message); }));
    } catch (const sdbus::Error&) {
      matches.clear();
      connection.reset();
      timer = loop.After(retry_us, [this] { Open(); });
      return;
    }
    loop.Serve(connection.get(), [this](const std::string&) { OnBroken(); });
    events.opened();
    AskOwner();
  }

  void Close() {
    loop.Serve(nullptr, {});
    auto pending = std::exchange(calls, {});
    owner.clear();
    matches.clear();
    for (auto& [id, call] : pending) call.proxy.reset();
    connection.reset();
    // The answers that will not come.
    const auto still = alive;
    for (auto& [id, call] : pending) {
      if (!*still) return;
      call.failed(DbusError("org.freedesktop.DBus.Error.Disconnected", "the bus went away"));
    }
  }

  void OnBroken() {
    const auto still = alive;
    Close();
    if (!*still) return;
    timer = loop.After(retry_us, [this] { Open(); });
    events.closed();
  }

  void AskOwner() {
    Send(
        kDbus, "/org/freedesktop/DBus", kDbus, "GetNameOwner", 5'000'000,
        [](sdbus::MethodCall& call) { call << std::string(kBluez); },
        [this](const absl::Status& status, sdbus::MethodReply* reply) {
          std::string name;
          if (status.ok()) *reply >> name;
          // Ask for something, so that a bus that can start bluetoothd does.
          if (name.empty()) {
            Send(
                kBluez, "/", "org.freedesktop.DBus.Peer", "Ping", 5'000'000,
                [](sdbus::MethodCall&) {}, [](const absl::Status&, sdbus::MethodReply*) {},
                [](const absl::Status&) {});
          }
          SetOwner(name);
        },
        [](const absl::Status&) {});
  }

  void SetOwner(const std::string& name) {
    owner = name;
    events.bluez(!name.empty());
  }

  void OnOwner(sdbus::Message& message) {
    std::string name, before, after;
    try {
      message >> name >> before >> after;
    } catch (const sdbus::Error&) {
      return;
    }
    if (name == kBluez) SetOwner(after);
  }

  void OnSignal(sdbus::Message& message) {
    try {
      if (message.getSender() != owner) return;
      const std::string interface = message.getInterfaceName();
      const std::string member = message.getMemberName();
      if (member == "PropertiesChanged") {
        std::string of;
        RawProperties raw;
        std::vector<std::string> gone;
        message >> of >> raw >> gone;
        events.changed(message.getPath(), of, Converted(raw), gone);
      } else if (interface == kObjectManager && member == "InterfacesAdded") {
        sdbus::ObjectPath path;
        RawInterfaces raw;
        message >> path >> raw;
        events.added(path, Converted(raw));
      } else if (interface == kObjectManager && member == "InterfacesRemoved") {
        sdbus::ObjectPath path;
        std::vector<std::string> interfaces;
        message >> path >> interfaces;
        events.removed(path, interfaces);
      }
    } catch (const sdbus::Error&) {
      // Not of the shape that BlueZ's interfaces have.
    }
  }

  // `answered` has the reply when the status is ok; `failed` is called in its place when there was
  // no answer to read.
  void Send(const std::string& destination, const std::string& path, const std::string& interface,
            const std::string& method, int64_t timeout_us,
            const std::function<void(sdbus::MethodCall&)>& arguments,
            std::function<void(const absl::Status&, sdbus::MethodReply*)> answered, OnDone failed) {
    if (connection == nullptr) {
      const auto still = alive;
      loop.Post([still, failed] {
        if (*still) failed(DbusError("org.freedesktop.DBus.Error.NoServer", "no D-Bus"));
      });
      return;
    }
    const uint64_t id = next_call++;
    std::string refusal_name, refusal;
    try {
      auto proxy = sdbus::createProxy(*connection, destination, path);
      sdbus::MethodCall call = proxy->createMethodCall(interface, method);
      arguments(call);
      proxy->callMethod(
          call,
          [this, id, answered](sdbus::MethodReply& reply, const sdbus::Error* error) {
            OnAnswer(id, reply, error, answered);
          },
          static_cast<uint64_t>(timeout_us));
      calls[id] = {std::move(proxy), std::move(failed)};
      return;
    } catch (const sdbus::Error& error) {
      refusal_name = error.getName();
      refusal = error.getMessage();
    }
    const auto still = alive;
    loop.Post([still, failed, refusal_name, refusal] {
      if (*still) failed(DbusError(refusal_name, refusal));
    });
  }

  void OnAnswer(uint64_t id, sdbus::MethodReply& reply, const sdbus::Error* error,
                const std::function<void(const absl::Status&, sdbus::MethodReply*)>& answered) {
    const auto found = calls.find(id);
    if (found == calls.end()) return;
    auto used = std::make_shared<Pending>(std::move(found->second));
    calls.erase(found);
    loop.Post([used] {});
    // This handler lives in the proxy, which the answer may take away with the whole Bus.
    const auto answer = answered;
    if (error != nullptr) {
      answer(DbusError(error->getName(), error->getMessage()), nullptr);
      return;
    }
    try {
      answer(absl::OkStatus(), &reply);
    } catch (const sdbus::Error& wrong) {
      used->failed(DbusError(wrong.getName(), wrong.getMessage()));
    }
  }
};

Bus::Bus(BusLoop& loop, std::string address, int64_t retry_us, Events events)
    : impl_(std::make_unique<Impl>(loop, std::move(address), retry_us, std::move(events))) {
  impl_->timer = loop.After(0, [impl = impl_.get()] { impl->Open(); });
}

Bus::~Bus() {
  *impl_->alive = false;
  if (impl_->timer != 0) impl_->loop.Cancel(impl_->timer);
  impl_->Close();
}

void Bus::GetObjects(int64_t timeout_us, std::function<void(absl::StatusOr<Objects>)> done) {
  impl_->Send(
      kBluez, "/", kObjectManager, "GetManagedObjects", timeout_us, [](sdbus::MethodCall&) {},
      [done](const absl::Status& status, sdbus::MethodReply* reply) {
        if (!status.ok()) return done(status);
        RawObjects raw;
        *reply >> raw;
        Objects objects;
        for (const auto& [path, interfaces] : raw) objects[path] = Converted(interfaces);
        done(std::move(objects));
      },
      [done](const absl::Status& status) { done(status); });
}

void Bus::Call(const std::string& path, const std::string& interface, const std::string& method,
               int64_t timeout_us, OnDone done) {
  impl_->Send(
      kBluez, path, interface, method, timeout_us, [](sdbus::MethodCall&) {},
      [done](const absl::Status& status, sdbus::MethodReply*) { done(status); }, done);
}

void Bus::SetDiscoveryFilter(const std::string& adapter, int64_t timeout_us, OnDone done) {
  RawProperties filter;
  filter["Transport"] = sdbus::Variant(std::string("le"));
  filter["UUIDs"] = sdbus::Variant(std::vector<std::string>{kHeartRateService});
  // Each advertisement is told, so that signal strength and presence stay fresh.
  filter["DuplicateData"] = sdbus::Variant(true);
  impl_->Send(
      kBluez, adapter, "org.bluez.Adapter1", "SetDiscoveryFilter", timeout_us,
      [&](sdbus::MethodCall& call) { call << filter; },
      [done](const absl::Status& status, sdbus::MethodReply*) { done(status); }, done);
}

void Bus::ReadValue(const std::string& path, int64_t timeout_us,
                    std::function<void(absl::StatusOr<std::vector<uint8_t>>)> done) {
  impl_->Send(
      kBluez, path, "org.bluez.GattCharacteristic1", "ReadValue", timeout_us,
      [](sdbus::MethodCall& call) { call << RawProperties{}; },
      [done](const absl::Status& status, sdbus::MethodReply* reply) {
        if (!status.ok()) return done(status);
        std::vector<uint8_t> value;
        *reply >> value;
        done(std::move(value));
      },
      [done](const absl::Status& status) { done(status); });
}

void Bus::WriteValue(const std::string& path, const std::vector<uint8_t>& value, int64_t timeout_us,
                     OnDone done) {
  impl_->Send(
      kBluez, path, "org.bluez.GattCharacteristic1", "WriteValue", timeout_us,
      [&](sdbus::MethodCall& call) { call << value << RawProperties{}; },
      [done](const absl::Status& status, sdbus::MethodReply*) { done(status); }, done);
}

void Bus::AcquireNotify(const std::string& path, int64_t timeout_us,
                        std::function<void(absl::StatusOr<AcquiredNotify>)> done) {
  impl_->Send(
      kBluez, path, "org.bluez.GattCharacteristic1", "AcquireNotify", timeout_us,
      [](sdbus::MethodCall& call) { call << RawProperties{}; },
      [done](const absl::Status& status, sdbus::MethodReply* reply) {
        if (!status.ok()) return done(status);
        sdbus::UnixFd fd;
        uint16_t mtu = 0;
        *reply >> fd >> mtu;
        AcquiredNotify acquired;
        acquired.fd = fd.release();
        acquired.mtu = mtu;
        done(acquired);
      },
      [done](const absl::Status& status) { done(status); });
}

}  // namespace attune::edge
