// Services and characteristics that a heart-rate strap may have (Bluetooth Assigned Numbers), as
// BlueZ writes them.
#ifndef ATTUNE_EDGE_SOURCE_BLUEZ_UUIDS_H_
#define ATTUNE_EDGE_SOURCE_BLUEZ_UUIDS_H_

namespace attune::edge {

inline constexpr char kHeartRateService[] = "0000180d-0000-1000-8000-00805f9b34fb";
inline constexpr char kHeartRateMeasurement[] = "00002a37-0000-1000-8000-00805f9b34fb";
inline constexpr char kBodySensorLocation[] = "00002a38-0000-1000-8000-00805f9b34fb";
inline constexpr char kBatteryService[] = "0000180f-0000-1000-8000-00805f9b34fb";
inline constexpr char kBatteryLevel[] = "00002a19-0000-1000-8000-00805f9b34fb";
inline constexpr char kDeviceInformationService[] = "0000180a-0000-1000-8000-00805f9b34fb";
inline constexpr char kModelNumber[] = "00002a24-0000-1000-8000-00805f9b34fb";
inline constexpr char kFirmwareRevision[] = "00002a26-0000-1000-8000-00805f9b34fb";
inline constexpr char kManufacturerName[] = "00002a29-0000-1000-8000-00805f9b34fb";

}  // namespace attune::edge

#endif  // ATTUNE_EDGE_SOURCE_BLUEZ_UUIDS_H_
