#include "edge/source/bluez/scan.h"

#include <algorithm>
#include <map>
#include <utility>

#include "edge/source/bluez/host.h"
#include "edge/source/bluez/words.h"
#include "services/base/mutex.h"

namespace attune::edge {
namespace {

// What was seen, by address. A strap that advertised once stays in it.
struct Seen {
  Mutex mu;
  CondVar changed;
  bool over ATTUNE_GUARDED_BY(mu) = false;
  std::map<std::string, FoundStrap> straps;  // host's thread, until it is over
};

}  // namespace

absl::StatusOr<std::vector<FoundStrap>> ScanStraps(int64_t for_us, const Clock& clock,
                                                   const std::string& bus_address) {
  HostOptions options;
  options.bus_address = bus_address;
  options.clock = &clock;
  BluezHost host(options);
  Seen seen;
  uint64_t watcher = 0;
  std::string trouble;
  const auto look = [&] {
    host.WantDiscovery(watcher, host.radio() == BluezHost::Radio::kOn);
    for (const KnownDevice& device : host.Devices()) {
      if (!device.heart_rate || !(device.connected || device.signal_dbm)) continue;
      FoundStrap& strap = seen.straps[device.address];
      strap.address = device.address;
      strap.name = NameOf(device);
      if (device.signal_dbm) strap.signal_dbm = device.signal_dbm;
      strap.connected = device.connected;
      strap.paired = device.paired;
    }
  };
  host.Post([&] {
    BluezHost::Watcher watch;
    watch.host = look;
    watch.device = [&](const std::string&) { look(); };
    watcher = host.AddWatcher(std::move(watch));
    look();
    host.loop().After(for_us, [&] {
      // Nothing known after all that time is no answer either.
      const bool unknown = host.radio() == BluezHost::Radio::kUnknown;
      trouble = RadioWords(unknown ? BluezHost::Radio::kNoAnswer : host.radio());
      host.RemoveWatcher(watcher);
      MutexLock lock(seen.mu);
      seen.over = true;
      seen.changed.NotifyAll();
    });
  });
  {
    MutexLock lock(seen.mu);
    while (!seen.over) seen.changed.Wait(seen.mu);
  }
  if (!trouble.empty()) return absl::FailedPreconditionError(trouble);
  std::vector<FoundStrap> straps;
  for (auto& [address, strap] : seen.straps) straps.push_back(std::move(strap));
  std::stable_sort(straps.begin(), straps.end(), [](const FoundStrap& a, const FoundStrap& b) {
    return a.signal_dbm.value_or(-1000) > b.signal_dbm.value_or(-1000);
  });
  return straps;
}

}  // namespace attune::edge
