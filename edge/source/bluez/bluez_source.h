// A heart-rate strap over Bluetooth LE, through BlueZ.
//
// Finds the strap, connects, listens to Heart Rate Measurement, and does so again whenever the
// connection ends, without end: `finished` is never true, what is wrong stands in
// device().trouble.
//
// - Intervals carry the time at which their notification was taken from the bus (steady clock).
// - The first interval of each connection follows a gap, because what a strap measured while the
//   link was down is gone (Heart Rate Service 1.0, section 3.4). So does the first one after a
//   notification that could not be read.
// - Without skin contact nothing is passed on: an unclipped strap may go on sending intervals of
//   its own making. device().contact is false meanwhile, what was left out counts as refused, and
//   the first interval after it follows a gap. A sensor that cannot tell contact is believed.
// - In precise mode (`ecg`) a Polar H10 is asked for its ECG on the same connection, and beats come
//   with their times (polar/ecg_beats.h). Where that fails the intervals are used as without it,
//   device().trouble says why, and the next connection tries again.
// - Once connected, the source stays with that strap (by address), also when others are in sight.
//   Two sources of one process never take the same strap.
#ifndef ATTUNE_EDGE_SOURCE_BLUEZ_BLUEZ_SOURCE_H_
#define ATTUNE_EDGE_SOURCE_BLUEZ_BLUEZ_SOURCE_H_

#include <cstdint>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "edge/source/bluez/gatt_device.h"
#include "edge/source/source.h"
#include "services/base/clock.h"
#include "services/base/random.h"

namespace attune::edge {

class BluezHost;

struct BluezOptions {
  // Address (AA:BB:CC:DD:EE:FF), name, or a part of the name that only one strap in sight has;
  // case does not matter. "": the only strap in sight.
  std::string target;
  bool acquire = false;  // NotifyWay::kAcquire; falls back to kStart where BlueZ cannot
  bool ecg = false;      // precise mode is wanted

  GattTimes times;
  int64_t settle_us = 3'000'000;     // how long to look whether others could be meant too
  int64_t unseen_us = 15'000'000;    // not in sight for so long: said
  int64_t silent_us = 10'000'000;    // connected, nothing comes: said
  int64_t restart_us = 30'000'000;   // connected, nothing comes: connected anew
  int64_t battery_us = 300'000'000;  // read so often when it does not tell by itself
  // Before each new attempt: uniform in [0, ceiling]; the ceiling doubles up to the most and is
  // the first again once notifications come.
  int64_t backoff_first_us = 500'000;
  int64_t backoff_most_us = 15'000'000;
};

// ADDR|NAME[,acquire][,ecg], as it stands behind `bluez:`. A name with a comma cannot be given:
// use its address.
absl::StatusOr<BluezOptions> ParseBluezOptions(std::string_view text);

// What the sources of one process share, on the system bus. `clock` must outlive it.
std::shared_ptr<BluezHost> MakeBluezHost(const Clock& clock);

// `random`: for this source alone, as it is used on the host's thread.
std::unique_ptr<Source> MakeBluezSource(std::shared_ptr<BluezHost> host, BluezOptions options,
                                        std::unique_ptr<RandomSource> random);

}  // namespace attune::edge

#endif  // ATTUNE_EDGE_SOURCE_BLUEZ_BLUEZ_SOURCE_H_
