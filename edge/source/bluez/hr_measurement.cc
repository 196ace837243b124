#include "edge/source/bluez/hr_measurement.h"

#include <cstddef>

#include "absl/strings/str_cat.h"

namespace attune::edge {
namespace {

constexpr uint8_t kHr16 = 1 << 0;
constexpr uint8_t kContactDetected = 1 << 1;
constexpr uint8_t kContactSupported = 1 << 2;
constexpr uint8_t kEnergy = 1 << 3;
constexpr uint8_t kIntervals = 1 << 4;

int Uint16At(std::span<const uint8_t> bytes, size_t at) { return bytes[at] | bytes[at + 1] << 8; }

}  // namespace

absl::StatusOr<HrMeasurement> DecodeHrMeasurement(std::span<const uint8_t> bytes) {
  if (bytes.empty()) return absl::InvalidArgumentError("an empty heart rate notification");
  const uint8_t flags = bytes[0];
  const size_t hr_bytes = (flags & kHr16) != 0 ? 2 : 1;
  const size_t energy_bytes = (flags & kEnergy) != 0 ? 2 : 0;
  size_t at = 1;
  if (bytes.size() < at + hr_bytes + energy_bytes) {
    return absl::InvalidArgumentError(absl::StrCat("a heart rate notification of ", bytes.size(),
                                                   " bytes whose flags ask for ",
                                                   at + hr_bytes + energy_bytes));
  }
  HrMeasurement result;
  result.bpm = hr_bytes == 2 ? Uint16At(bytes, at) : bytes[at];
  at += hr_bytes;
  if ((flags & kContactSupported) != 0) result.contact = (flags & kContactDetected) != 0;
  if (energy_bytes != 0) result.energy_kj = Uint16At(bytes, at);
  at += energy_bytes;
  // Without the flag, what is left belongs to a later version of the format.
  if ((flags & kIntervals) == 0) return result;
  for (; at + 1 < bytes.size(); at += 2) {
    const int rr_1024 = Uint16At(bytes, at);
    if (rr_1024 == 0) {
      ++result.zero_intervals;
      result.gap_after = true;
      continue;
    }
    result.intervals.push_back({static_cast<uint32_t>(rr_1024), result.gap_after});
    result.gap_after = false;
  }
  if (at < bytes.size()) {
    result.half_interval = true;
    result.gap_after = true;
  }
  return result;
}

}  // namespace attune::edge
