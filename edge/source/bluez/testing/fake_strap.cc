#include "edge/source/bluez/testing/fake_bluez.h"
#include "edge/source/bluez/uuids.h"

namespace attune::edge {

FakeStrap HeartRateStrap(const std::string& address, const std::string& name) {
  const auto text = [](const char* words) {
    const std::string string = words;
    return FakeBytes(string.begin(), string.end());
  };
  FakeStrap strap;
  strap.address = address;
  strap.name = name;
  strap.advertised = {kHeartRateService};
  strap.services = {
      {kHeartRateService,
       {{kHeartRateMeasurement, {"notify"}, {}, {}}, {kBodySensorLocation, {"read"}, {1}, {}}}},
      {kBatteryService, {{kBatteryLevel, {"read", "notify"}, {87}, {}}}},
      {kDeviceInformationService,
       {{kManufacturerName, {"read"}, text("Polar Electro Oy"), {}},
        {kModelNumber, {"read"}, text("H10"), {}},
        {kFirmwareRevision, {"read"}, text("3.1.1"), {}}}},
  };
  return strap;
}

FakeBytes HeartRateValue(int bpm, const std::vector<uint16_t>& rr_1024) {
  FakeBytes value = {0x16, static_cast<uint8_t>(bpm)};
  for (const uint16_t rr : rr_1024) {
    value.push_back(static_cast<uint8_t>(rr & 0xff));
    value.push_back(static_cast<uint8_t>(rr >> 8));
  }
  return value;
}

}  // namespace attune::edge
