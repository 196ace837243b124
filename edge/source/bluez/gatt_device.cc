#include "edge/source/bluez/gatt_device.h"

#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <map>
#include <utility>

#include "absl/strings/str_cat.h"
#include "edge/source/bluez/host.h"

namespace attune::edge {
namespace {

constexpr size_t kMostPacketBytes = 1024;  // an attribute has at most 512
constexpr int kMostPacketsPerRound = 64;

const std::string* Text(const Properties* properties, const char* name) {
  if (properties == nullptr) return nullptr;
  const auto found = properties->find(name);
  return found == properties->end() ? nullptr : std::get_if<std::string>(&found->second);
}

bool IsTrue(const Properties* properties, const char* name) {
  if (properties == nullptr) return false;
  const auto found = properties->find(name);
  if (found == properties->end()) return false;
  const bool* value = std::get_if<bool>(&found->second);
  return value != nullptr && *value;
}

absl::Status NotThere(std::string_view uuid) {
  return absl::NotFoundError(absl::StrCat("the device has no characteristic ", std::string(uuid)));
}

}  // namespace

// Shared with the callbacks of calls that are under way: they do nothing once it is not alive.
struct GattDevice::State : std::enable_shared_from_this<GattDevice::State> {
  enum class Phase { kIdle, kWaiting, kConnecting, kResolving, kReady };
  struct Subscription {
    std::string path;
    OnValue value;
    int fd = -1;
  };

  State(BluezHost& the_host, std::string the_path, GattTimes the_times, Events the_events)
      : host(the_host),
        path(std::move(the_path)),
        times(the_times),
        events(std::move(the_events)) {}

  BluezHost& host;
  const std::string path;
  const GattTimes times;
  Events events;
  uint64_t watcher = 0;
  Phase phase = Phase::kIdle;
  uint64_t attempt = 0;        // answers to calls of an earlier one do not count
  bool was_connected = false;  // by another program on this computer, before we asked
  uint64_t deadline = 0;
  std::map<std::string, Subscription, std::less<>> subscriptions;  // by UUID

  void Watch() {
    BluezHost::Watcher watch;
    const std::weak_ptr<State> weak = weak_from_this();
    watch.host = [weak] {
      if (const auto self = weak.lock()) self->OnHost();
    };
    watch.device = [weak](const std::string& changed) {
      const auto self = weak.lock();
      if (self != nullptr && changed == self->path) self->Look();
    };
    watch.property = [weak](const std::string& of, const std::string& interface,
                            const Properties& changed, int64_t arrival_us) {
      const auto self = weak.lock();
      if (self != nullptr && interface == kCharacteristicInterface) {
        self->OnProperty(of, changed, arrival_us);
      }
    };
    watcher = host.AddWatcher(std::move(watch));
  }

  // Runs `then` unless the attempt that it belongs to is over.
  template <typename Then>
  auto InThisAttempt(Then then) {
    return [weak = weak_from_this(), number = attempt, then](auto&& answer) {
      const auto self = weak.lock();
      if (self != nullptr && self->phase != Phase::kIdle && self->attempt == number) {
        then(*self, std::forward<decltype(answer)>(answer));
      }
    };
  }

  void SetDeadline(int64_t in_us, const char* words) {
    host.loop().Cancel(deadline);
    deadline = host.loop().After(in_us, [weak = weak_from_this(), words] {
      if (const auto self = weak.lock()) self->End(absl::DeadlineExceededError(words), true);
    });
  }

  void Connect() {
    if (phase != Phase::kIdle) return;
    ++attempt;
    phase = Phase::kWaiting;
    host.AskTurn(watcher, [weak = weak_from_this(), number = attempt] {
      const auto self = weak.lock();
      if (self != nullptr && self->attempt == number) self->OnTurn();
    });
  }

  void OnTurn() {
    if (phase != Phase::kWaiting) return;
    const Properties* device = host.Find(path, kDeviceInterface);
    if (device == nullptr) {
      return End(absl::NotFoundError("the device is not in sight any more"), false);
    }
    was_connected = IsTrue(device, "Connected");
    phase = Phase::kConnecting;
    SetDeadline(times.connect_us, "the connection was not there in time");
    // The deadlines here are ours: Connect answers only when the services are known.
    host.bus().Call(
        path, kDeviceInterface, "Connect", times.connect_us + times.resolve_us + times.call_us,
        InThisAttempt([](State& self, const absl::Status& status) {
          if (status.ok() || DbusErrorName(status) == "org.bluez.Error.AlreadyConnected") {
            self.Look();
          } else if (self.phase != Phase::kReady) {
            self.End(status, true);
          }
        }));
  }

  void OnHost() {
    if (phase == Phase::kIdle || host.radio() == BluezHost::Radio::kOn) return;
    End(absl::UnavailableError("Bluetooth was switched off"), false);
  }

  // Where the device stands by its properties.
  void Look() {
    if (phase == Phase::kIdle || phase == Phase::kWaiting) return;
    const Properties* device = host.Find(path, kDeviceInterface);
    if (device == nullptr) {
      return End(absl::UnavailableError("the device was removed from this computer"), false);
    }
    const bool connected = IsTrue(device, "Connected");
    if (!connected && phase != Phase::kConnecting) {
      return End(absl::UnavailableError("the link was lost"), false);
    }
    if (connected && phase == Phase::kConnecting) {
      phase = Phase::kResolving;
      SetDeadline(times.resolve_us, "the services of the device were not known in time");
    }
    if (phase == Phase::kResolving && IsTrue(device, "ServicesResolved")) {
      host.loop().Cancel(deadline);
      phase = Phase::kReady;
      host.EndTurn(watcher);
      const auto ready = events.ready;  // may destroy this
      if (ready) ready();
    }
  }

  void OnProperty(const std::string& of, const Properties& changed, int64_t arrival_us) {
    const auto value = changed.find("Value");
    if (value == changed.end()) return;
    const auto* bytes = std::get_if<std::vector<uint8_t>>(&value->second);
    if (bytes == nullptr) return;
    for (const auto& [uuid, subscription] : subscriptions) {
      if (subscription.path != of || subscription.fd >= 0) continue;
      const OnValue tell = subscription.value;
      tell(arrival_us, *bytes);
      return;
    }
  }

  void OnPacket(const std::string& uuid) {
    const auto self = shared_from_this();
    for (int i = 0; i < kMostPacketsPerRound; ++i) {
      const auto found = subscriptions.find(uuid);
      if (found == subscriptions.end()) return;
      uint8_t bytes[kMostPacketBytes];
      const ssize_t got = recv(found->second.fd, bytes, sizeof(bytes), MSG_DONTWAIT);
      if (got < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR)) return;
      if (got <= 0) {
        return End(absl::UnavailableError("the link was lost: no more notifications"), true);
      }
      const int64_t arrival_us = host.loop().now_us();
      const OnValue tell = found->second.value;
      tell(arrival_us, {bytes, static_cast<size_t>(got)});
    }
  }

  void CloseSubscription(Subscription& subscription) {
    if (subscription.fd < 0) return;
    host.loop().Unwatch(subscription.fd);
    close(subscription.fd);
    subscription.fd = -1;
  }

  // Ends the attempt or the connection without a word.
  void Leave(bool disconnect) {
    if (phase == Phase::kIdle) return;
    const bool asked = phase != Phase::kWaiting;
    phase = Phase::kIdle;
    host.loop().Cancel(deadline);
    for (auto& [uuid, subscription] : subscriptions) CloseSubscription(subscription);
    subscriptions.clear();
    if (disconnect && asked) {
      // Also takes back a Connect that has not been answered.
      host.bus().Call(path, kDeviceInterface, "Disconnect", times.call_us,
                      [](const absl::Status&) {});
    }
    host.EndTurn(watcher);
  }

  void End(const absl::Status& why, bool disconnect) {
    if (phase == Phase::kIdle) return;
    Leave(disconnect);
    const auto ended = events.ended;  // may destroy this
    if (ended) ended(why);
  }

  // "" when there is none.
  std::string PathOf(std::string_view uuid) const {
    if (phase != Phase::kReady) return "";
    for (auto it = host.objects().lower_bound(path + "/"); it != host.objects().end(); ++it) {
      if (!it->first.starts_with(path + "/")) break;
      const auto found = it->second.find(kCharacteristicInterface);
      if (found == it->second.end()) continue;
      const std::string* text = Text(&found->second, "UUID");
      if (text != nullptr && *text == uuid) return it->first;
    }
    return "";
  }

  void StartNotify(const std::string& uuid, const std::string& at, bool again, const OnDone& done) {
    host.bus().Call(at, kCharacteristicInterface, "StartNotify", times.call_us,
                    InThisAttempt([uuid, at, again, done](State& self, const absl::Status& status) {
                      if (!again && DbusErrorName(status) == "org.bluez.Error.InProgress") {
                        // Of a paired device BlueZ keeps what we subscribed to on the connection
                        // before, and refuses to do so again while it renews it.
                        self.host.bus().Call(
                            at, kCharacteristicInterface, "StopNotify", self.times.call_us,
                            self.InThisAttempt([uuid, at, done](State& still, const absl::Status&) {
                              still.StartNotify(uuid, at, /*again=*/true, done);
                            }));
                        return;
                      }
                      if (!status.ok()) self.subscriptions.erase(uuid);
                      done(status);
                    }));
  }

  void Subscribe(const std::string& uuid, NotifyWay way, OnValue value, OnDone done) {
    const std::string at = PathOf(uuid);
    if (at.empty()) return done(NotThere(uuid));
    subscriptions[uuid] = {at, std::move(value)};
    if (way == NotifyWay::kStart) {
      StartNotify(uuid, at, /*again=*/false, done);
      return;
    }
    host.bus().AcquireNotify(at, times.call_us,
                             [weak = weak_from_this(), number = attempt, uuid,
                              done](absl::StatusOr<AcquiredNotify> acquired) {
                               const auto self = weak.lock();
                               const bool wanted =
                                   self != nullptr && self->phase == Phase::kReady &&
                                   self->attempt == number && self->subscriptions.contains(uuid);
                               if (!wanted) {
                                 if (acquired.ok()) close(acquired->fd);
                                 return;
                               }
                               if (!acquired.ok()) {
                                 self->subscriptions.erase(uuid);
                                 return done(acquired.status());
                               }
                               self->subscriptions[uuid].fd = acquired->fd;
                               self->host.loop().Watch(acquired->fd, [weak, uuid] {
                                 if (const auto still = weak.lock()) still->OnPacket(uuid);
                               });
                               done(absl::OkStatus());
                             });
  }
};

GattDevice::GattDevice(BluezHost& host, std::string path, GattTimes times, Events events)
    : state_(std::make_shared<State>(host, std::move(path), times, std::move(events))) {
  state_->Watch();
}

GattDevice::~GattDevice() {
  state_->events = {};
  state_->Leave(!state_->was_connected);
  state_->host.RemoveWatcher(state_->watcher);
}

void GattDevice::Connect() { state_->Connect(); }

void GattDevice::Disconnect() { state_->Leave(!state_->was_connected); }

bool GattDevice::ready() const { return state_->phase == State::Phase::kReady; }

const std::string& GattDevice::path() const { return state_->path; }

bool GattDevice::Has(std::string_view characteristic) const {
  return !state_->PathOf(characteristic).empty();
}

bool GattDevice::Can(std::string_view characteristic, std::string_view flag) const {
  const Properties* found =
      state_->host.Find(state_->PathOf(characteristic), kCharacteristicInterface);
  if (found == nullptr) return false;
  const auto flags = found->find("Flags");
  if (flags == found->end()) return false;
  const auto* names = std::get_if<std::vector<std::string>>(&flags->second);
  return names != nullptr && std::find(names->begin(), names->end(), flag) != names->end();
}

void GattDevice::Read(std::string_view characteristic, OnRead done) {
  const std::string at = state_->PathOf(characteristic);
  if (at.empty()) return done(NotThere(characteristic));
  state_->host.bus().ReadValue(
      at, state_->times.call_us,
      state_->InThisAttempt(
          [done](State&, absl::StatusOr<std::vector<uint8_t>> value) { done(std::move(value)); }));
}

void GattDevice::Write(std::string_view characteristic, const std::vector<uint8_t>& value,
                       OnDone done) {
  const std::string at = state_->PathOf(characteristic);
  if (at.empty()) return done(NotThere(characteristic));
  state_->host.bus().WriteValue(
      at, value, state_->times.call_us,
      state_->InThisAttempt([done](State&, const absl::Status& status) { done(status); }));
}

void GattDevice::Subscribe(std::string_view characteristic, NotifyWay way, OnValue value,
                           OnDone done) {
  state_->Subscribe(std::string(characteristic), way, std::move(value), std::move(done));
}

void GattDevice::Unsubscribe(std::string_view characteristic) {
  const auto found = state_->subscriptions.find(characteristic);
  if (found == state_->subscriptions.end()) return;
  const bool started = found->second.fd < 0;
  const std::string at = found->second.path;
  state_->CloseSubscription(found->second);
  state_->subscriptions.erase(found);
  if (started) {
    state_->host.bus().Call(at, kCharacteristicInterface, "StopNotify", state_->times.call_us,
                            [](const absl::Status&) {});
  }
}

}  // namespace attune::edge
