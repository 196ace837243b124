// Polar Measurement Data (PMD): how a Polar H10 is asked for its ECG and how the ECG comes.
//
// A service of its own beside the heart-rate service, with two characteristics:
//
//   control   read: what the strap can measure; write: a command; indicate: its response
//   data      notify: frames of samples
//
// Commands begin with their operation and the kind of measurement. Settings are triples of setting,
// number of values (one in a command) and 16-bit values: rate in Hz, resolution in bits. A response
// is F0, the operation, the kind, an error code and, without error, whether more follows and the
// values. A frame is the kind, a time, the frame type and the samples:
//
//   00  8 bytes  00  3 bytes per sample      ECG: signed microvolts, 130 per second
//
// The time is of the frame's LAST sample, in nanoseconds since 2000-01-01 on the strap's clock
// (Polar BLE SDK: "Time system in Polar devices", and issues 189 and 192 there). Nobody sets that
// clock on an H10: it starts at 2019-01-01 whenever the strap wakes. All numbers are little-endian.
// The strap wants an MTU of at least 70 octets; with its 232 a frame has 73 samples. Some old
// straps have the service under other characteristics, or without their properties: look before
// use.
//
// Pure functions of bytes; what is malformed is refused in words (INVALID_ARGUMENT), never guessed.
#ifndef ATTUNE_EDGE_SOURCE_POLAR_PMD_H_
#define ATTUNE_EDGE_SOURCE_POLAR_PMD_H_

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace attune::edge {

inline constexpr char kPmdServiceUuid[] = "fb005c80-02e7-f387-1cad-8acd2d8df0c8";
inline constexpr char kPmdControlUuid[] = "fb005c81-02e7-f387-1cad-8acd2d8df0c8";
inline constexpr char kPmdDataUuid[] = "fb005c82-02e7-f387-1cad-8acd2d8df0c8";

inline constexpr uint8_t kPmdEcg = 0;  // kind of measurement
inline constexpr uint16_t kPmdLeastMtu = 70;
inline constexpr size_t kMostPmdBytes = 512;  // longest value of an attribute

enum class PmdOperation : uint8_t { kGetSettings = 1, kStart = 2, kStop = 3 };

// What reading the control characteristic says: can this strap measure an ECG?
absl::StatusOr<bool> ParsePmdHasEcg(std::span<const uint8_t> value);

// Rates and resolutions that are offered, in the order in which they were told.
struct PmdSettings {
  std::vector<uint16_t> rates_hz;
  std::vector<uint16_t> resolutions_bits;
};

std::vector<uint8_t> PmdGetEcgSettings();
std::vector<uint8_t> PmdStartEcg(uint16_t rate_hz, uint16_t resolution_bits);
std::vector<uint8_t> PmdStopEcg();

inline constexpr uint8_t kPmdSuccess = 0;
inline constexpr uint8_t kPmdAlreadyInState = 6;
inline constexpr uint8_t kPmdInvalidMtu = 10;
struct PmdResponse {
  PmdOperation operation = PmdOperation::kGetSettings;
  uint8_t kind = 0;
  uint8_t error = kPmdSuccess;
  bool more = false;            // the rest comes in another response
  std::vector<uint8_t> values;  // what follows; empty after an error
};
absl::StatusOr<PmdResponse> ParsePmdResponse(std::span<const uint8_t> value);
// What the code means to the person who wears the strap; never empty.
std::string PmdErrorWords(uint8_t error);
absl::StatusOr<PmdSettings> ParsePmdSettings(std::span<const uint8_t> values);

struct EcgFrame {
  uint64_t last_sample_ns = 0;      // since 2000-01-01, on the strap's clock
  std::vector<int32_t> microvolts;  // at least one; the last one was taken at last_sample_ns
};
// Compressed frames and other layouts are refused: an H10 does not send them.
absl::StatusOr<EcgFrame> ParseEcgFrame(std::span<const uint8_t> value);

}  // namespace attune::edge

#endif  // ATTUNE_EDGE_SOURCE_POLAR_PMD_H_
