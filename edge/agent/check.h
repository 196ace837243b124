// `attune-agent check`: everything that running needs, looked at before the session, one line each
// with what to do about it. Joins nothing, leaves nothing behind. And `attune-agent scan`.
#ifndef ATTUNE_EDGE_AGENT_CHECK_H_
#define ATTUNE_EDGE_AGENT_CHECK_H_

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "edge/agent/check_source.h"
#include "edge/agent/flags.h"
#include "edge/source/bluez/scan.h"
#include "services/base/clock.h"

namespace attune::edge {

// What the outside world is; tests put others in their place.
struct CheckWorld {
  std::function<absl::StatusOr<std::unique_ptr<Source>>(std::string_view spec)> make_source;
  std::function<absl::StatusOr<std::vector<FoundStrap>>(int64_t for_us)> scan;
  SourceCheckTimes times;
  int64_t scan_us = 3'000'000;  // to see whether Bluetooth works, and what is in sight
};

// Writes to `fd`. Blocks until everything was looked at or `stop`.
ExitCode RunCheck(const AgentOptions& options, const CheckWorld& world, const Clock& clock, int fd,
                  bool json, const std::atomic<bool>& stop);

// Lists straps: a table, or {"event":"strap","address":..,"name":..,"signal_dbm":..,
// "connected":..,"paired":..} for each and {"event":"scanned","straps":N} at the end.
ExitCode RunScan(const AgentOptions& options, const CheckWorld& world, int fd, bool json);

}  // namespace attune::edge

#endif  // ATTUNE_EDGE_AGENT_CHECK_H_
