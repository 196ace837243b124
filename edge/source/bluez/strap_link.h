// Keeps the connection to one strap: looks for it, connects, listens, and again. Fills a StrapFeed.
//
// Lives on the thread of the BluezHost: make, use and destroy it there.
#ifndef ATTUNE_EDGE_SOURCE_BLUEZ_STRAP_LINK_H_
#define ATTUNE_EDGE_SOURCE_BLUEZ_STRAP_LINK_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "edge/source/bluez/bluez_source.h"
#include "edge/source/bluez/ecg_link.h"
#include "edge/source/bluez/gatt_device.h"
#include "edge/source/bluez/host.h"
#include "edge/source/bluez/strap_feed.h"
#include "services/base/random.h"

namespace attune::edge {

class StrapLink {
 public:
  // All of them must outlive it.
  StrapLink(BluezHost& host, const BluezOptions& options, StrapFeed& feed, RandomSource& random);
  ~StrapLink();

 private:
  enum class Phase {
    kLooking,     // discovery runs, or Bluetooth cannot be used
    kPausing,     // before the next attempt
    kConnecting,  // until notifications are agreed on
    kListening,
  };

  // Looking.
  void Look();
  std::vector<KnownDevice> Candidates() const;
  bool MayBeMeant(const KnownDevice& device) const;
  void LookAgainAt(int64_t steady_us);
  void StartLooking();

  // Connecting and listening.
  void Connect(const KnownDevice& device);
  void OnReady();  // other services of the strap can be used from here on, through device_
  void Subscribe(NotifyWay way);
  void OnSubscribed(NotifyWay way, const absl::Status& status);
  void OnEnded(const absl::Status& why);
  void GiveUp(const std::string& trouble);
  void Pause();
  void OnMeasurement(int64_t arrival_us, std::span<const uint8_t> value);
  void CheckSilence();

  // Precise mode.
  void StartEcg();
  void OnEcgFailed(const std::string& words);

  // What the strap tells of itself.
  void ReadAboutDevice();
  void ReadText(const char* characteristic, std::string* into);
  void ReadBattery();
  void OnBattery(int percent);
  void OnProperty(const std::string& path, const std::string& interface, const Properties& changed);

  void SetTrouble(const std::string& words);
  void SetLink(DeviceStatus::Link link);
  void Refuse(uint64_t count, bool* told, const std::string& words);
  int64_t now_us() { return host_.loop().now_us(); }

  BluezHost& host_;
  const BluezOptions& options_;
  StrapFeed& feed_;
  RandomSource& random_;
  uint64_t watcher_ = 0;
  Phase phase_ = Phase::kLooking;
  std::string bound_;  // address of the strap that was connected once
  bool was_connected_ = false;
  KnownDevice device_info_;  // of the attempt or connection
  std::string name_;         // of the strap, for words
  std::unique_ptr<GattDevice> device_;
  std::unique_ptr<EcgLink> ecg_;  // precise mode is wanted; over its end until the connection's
  bool use_ecg_ = false;          // beats come from the ECG
  std::string no_ecg_;            // why they do not although that was wanted
  std::string trouble_;
  bool radio_trouble_ = false;  // it is about Bluetooth as a whole

  int64_t looking_since_us_ = 0;
  std::optional<int64_t> seen_since_us_;
  uint64_t look_timer_ = 0;
  uint64_t pause_timer_ = 0;
  uint64_t silence_timer_ = 0;
  uint64_t battery_timer_ = 0;
  int64_t ceiling_us_ = 0;

  int64_t last_value_us_ = 0;
  bool gap_ = true;  // before the next interval
  bool off_skin_ = false;
  bool told_unreadable_ = false, told_zero_ = false, told_half_ = false, told_contact_ = false;
  bool told_frame_ = false;
  std::string manufacturer_, model_, firmware_;
};

}  // namespace attune::edge

#endif  // ATTUNE_EDGE_SOURCE_BLUEZ_STRAP_LINK_H_
