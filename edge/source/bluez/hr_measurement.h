// Heart Rate Measurement, characteristic 0x2A37 of the Bluetooth Heart Rate Service 1.0, section
// 3.1: what one notification says, nothing rounded and nothing made up.
//
//   byte 0   flags: b0 heart rate has 16 bits; b1 contact detected, which means nothing unless
//            b2 contact supported; b3 energy expended present; b4 intervals present; b5..b7
//            reserved, ignored
//   then     heart rate, uint8 or uint16, beats per minute
//   if b3    energy expended, uint16, kJ
//   if b4    intervals to the end of the notification, uint16 each, 1/1024 s, oldest first; 0..9 of
//            them in the default MTU of 23 bytes (all that are there are taken, as longer MTUs
//            exist)
//
// All numbers are little-endian. The format has no time: the intervals are of beats up to about
// four seconds before their arrival.
#ifndef ATTUNE_EDGE_SOURCE_BLUEZ_HR_MEASUREMENT_H_
#define ATTUNE_EDGE_SOURCE_BLUEZ_HR_MEASUREMENT_H_

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "absl/status/statusor.h"

namespace attune::edge {

struct HrInterval {
  uint32_t rr_1024 = 0;     // 1..65535
  bool gap_before = false;  // an interval between this one and the one before could not be used
};

struct HrMeasurement {
  int bpm = 0;                        // 0..65535 as told; the strap's own average
  std::optional<bool> contact;        // absent: this sensor cannot tell
  std::optional<int> energy_kj;       // 0..65535
  std::vector<HrInterval> intervals;  // oldest first
  int zero_intervals = 0;             // refused: a beat cannot follow itself
  bool half_interval = false;         // a lone byte at the end, as a cut notification leaves it
  // Something was refused after the last of `intervals`: what comes next follows a gap.
  bool gap_after = false;
};

// INVALID_ARGUMENT when the notification is shorter than its flags say; whatever it held is lost.
absl::StatusOr<HrMeasurement> DecodeHrMeasurement(std::span<const uint8_t> bytes);

}  // namespace attune::edge

#endif  // ATTUNE_EDGE_SOURCE_BLUEZ_HR_MEASUREMENT_H_
