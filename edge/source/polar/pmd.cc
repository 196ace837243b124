#include "edge/source/polar/pmd.h"

#include "absl/strings/str_cat.h"

namespace attune::edge {
namespace {

constexpr uint8_t kFeatures = 0x0f;
constexpr uint8_t kResponse = 0xf0;
constexpr uint8_t kSettingRate = 0;
constexpr uint8_t kSettingResolution = 1;
constexpr uint8_t kMostSetting = 7;  // beyond it the length of a value is not known
constexpr size_t kFrameHead = 10;    // kind, time, frame type
constexpr size_t kSampleBytes = 3;

absl::Status Bad(std::string words) { return absl::InvalidArgumentError(std::move(words)); }

// Bytes of one value of a setting.
size_t ValueBytes(uint8_t setting) {
  switch (setting) {
    case 3:  // range in milli-units
      return 4;
    case 4:  // channels
      return 1;
    case 5:  // conversion factor
      return 4;
    default:
      return 2;
  }
}

}  // namespace

absl::StatusOr<bool> ParsePmdHasEcg(std::span<const uint8_t> value) {
  if (value.size() < 2) {
    return Bad(absl::StrCat("features: ", value.size(), " bytes, expected at least 2"));
  }
  if (value[0] != kFeatures) {
    return Bad(absl::StrCat("features: begin with ", value[0], ", expected ", kFeatures));
  }
  return (value[1] >> kPmdEcg & 1) != 0;
}

std::vector<uint8_t> PmdGetEcgSettings() {
  return {static_cast<uint8_t>(PmdOperation::kGetSettings), kPmdEcg};
}

std::vector<uint8_t> PmdStartEcg(uint16_t rate_hz, uint16_t resolution_bits) {
  return {static_cast<uint8_t>(PmdOperation::kStart),
          kPmdEcg,
          kSettingRate,
          1,
          static_cast<uint8_t>(rate_hz & 0xff),
          static_cast<uint8_t>(rate_hz >> 8),
          kSettingResolution,
          1,
          static_cast<uint8_t>(resolution_bits & 0xff),
          static_cast<uint8_t>(resolution_bits >> 8)};
}

std::vector<uint8_t> PmdStopEcg() { return {static_cast<uint8_t>(PmdOperation::kStop), kPmdEcg}; }

absl::StatusOr<PmdResponse> ParsePmdResponse(std::span<const uint8_t> value) {
  if (value.size() < 4) {
    return Bad(absl::StrCat("response: ", value.size(), " bytes, expected at least 4"));
  }
  if (value.size() > kMostPmdBytes) {
    return Bad(absl::StrCat("response: ", value.size(), " bytes are too many"));
  }
  if (value[0] != kResponse) {
    return Bad(absl::StrCat("response: begins with ", value[0], ", expected ", kResponse));
  }
  if (value[1] < 1 || value[1] > 3) {
    return Bad(absl::StrCat("response: to operation ", value[1], ", which was not asked for"));
  }
  PmdResponse response;
  response.operation = static_cast<PmdOperation>(value[1]);
  response.kind = value[2];
  response.error = value[3];
  if (response.error == kPmdSuccess && value.size() > 4) {
    response.more = value[4] != 0;
    response.values.assign(value.begin() + 5, value.end());
  }
  return response;
}

std::string PmdErrorWords(uint8_t error) {
  switch (error) {
    case kPmdSuccess:
      return "done";
    case 1:
      return "the strap does not know this command";
    case 2:
      return "the strap does not know this measurement";
    case 3:
      return "the strap cannot measure an ECG";
    case 4:
      return "the strap says that the command is too long or too short";
    case 5:
      return "the strap does not take these settings";
    case kPmdAlreadyInState:
      return "the strap says that its ECG runs already: take the strap off for a minute, or "
             "close the app that uses it";
    case 7:
      return "the strap does not take this resolution";
    case 8:
      return "the strap does not take this sampling rate";
    case 9:
      return "the strap does not take this range";
    case kPmdInvalidMtu:
      return "packets of this connection are too small for the strap's ECG: connect again";
    case 11:
      return "the strap does not take this number of channels";
    case 12:
      return "the strap cannot do this now";
    case 13:
      return "the device is in its charger";
    case 14:
      return "the device's memory is full";
    default:
      return absl::StrCat("the strap refused with code ", error);
  }
}

absl::StatusOr<PmdSettings> ParsePmdSettings(std::span<const uint8_t> values) {
  PmdSettings settings;
  while (!values.empty()) {
    if (values.size() < 2) return Bad("settings: end within a setting");
    const uint8_t setting = values[0];
    const size_t count = values[1];
    if (setting > kMostSetting) return Bad(absl::StrCat("settings: unknown setting ", setting));
    const size_t bytes = count * ValueBytes(setting);
    values = values.subspan(2);
    if (values.size() < bytes) return Bad("settings: end within the values of a setting");
    for (size_t i = 0; i + 1 < bytes && setting <= kSettingResolution; i += 2) {
      const auto number = static_cast<uint16_t>(values[i] | values[i + 1] << 8);
      (setting == kSettingRate ? settings.rates_hz : settings.resolutions_bits).push_back(number);
    }
    values = values.subspan(bytes);
  }
  return settings;
}

absl::StatusOr<EcgFrame> ParseEcgFrame(std::span<const uint8_t> value) {
  if (value.size() > kMostPmdBytes) {
    return Bad(absl::StrCat("frame: ", value.size(), " bytes are too many"));
  }
  if (value.size() < kFrameHead + kSampleBytes) {
    return Bad(absl::StrCat("frame: ", value.size(), " bytes hold no sample"));
  }
  if (value[0] != kPmdEcg) {
    return Bad(absl::StrCat("frame: of measurement ", value[0], ", expected an ECG (0)"));
  }
  const uint8_t type = value[9];
  if ((type & 0x80) != 0) return Bad("frame: compressed, which an H10 does not send");
  if (type != 0) return Bad(absl::StrCat("frame: layout ", type, ", expected 0 (24 bits)"));
  const std::span<const uint8_t> samples = value.subspan(kFrameHead);
  if (samples.size() % kSampleBytes != 0) {
    return Bad(absl::StrCat("frame: ", samples.size() % kSampleBytes,
                            " bytes are left over after the last sample"));
  }
  EcgFrame frame;
  for (size_t i = 0; i < 8; ++i) frame.last_sample_ns |= uint64_t{value[1 + i]} << (8 * i);
  if (frame.last_sample_ns == 0) return Bad("frame: without a time");
  frame.microvolts.reserve(samples.size() / kSampleBytes);
  for (size_t i = 0; i < samples.size(); i += kSampleBytes) {
    const uint32_t bits =
        samples[i] | uint32_t{samples[i + 1]} << 8 | uint32_t{samples[i + 2]} << 16;
    // Bit 23 is the sign.
    frame.microvolts.push_back(static_cast<int32_t>(bits ^ 0x800000) - 0x800000);
  }
  return frame;
}

}  // namespace attune::edge
