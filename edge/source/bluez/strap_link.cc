#include "edge/source/bluez/strap_link.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "edge/source/bluez/hr_measurement.h"
#include "edge/source/bluez/uuids.h"
#include "edge/source/bluez/words.h"

namespace attune::edge {
namespace {

std::string Lower(std::string_view text) {
  std::string lower(text);
  for (char& c : lower) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return lower;
}

bool InSight(const KnownDevice& device) { return device.connected || device.signal_dbm; }

// Body Sensor Location, Heart Rate Service 1.0, section 3.2.
const char* LocationName(uint8_t code) {
  static constexpr const char* kNames[] = {"other", "chest",    "wrist", "finger",
                                           "hand",  "ear lobe", "foot"};
  return code < std::size(kNames) ? kNames[code] : "";
}

}  // namespace

StrapLink::StrapLink(BluezHost& host, const BluezOptions& options, StrapFeed& feed,
                     RandomSource& random)
    : host_(host),
      options_(options),
      feed_(feed),
      random_(random),
      ceiling_us_(options.backoff_first_us) {
  BluezHost::Watcher watcher;
  watcher.host = [this] {
    if (phase_ == Phase::kLooking) Look();
  };
  watcher.device = [this](const std::string&) {
    if (phase_ == Phase::kLooking) Look();
  };
  watcher.property = [this](const std::string& path, const std::string& interface,
                            const Properties& changed,
                            int64_t) { OnProperty(path, interface, changed); };
  watcher_ = host_.AddWatcher(std::move(watcher));
  StartLooking();
}

StrapLink::~StrapLink() {
  for (const uint64_t timer : {look_timer_, pause_timer_, silence_timer_, battery_timer_}) {
    host_.loop().Cancel(timer);
  }
  if (ecg_ != nullptr) ecg_->Stop();
  device_.reset();
  host_.RemoveWatcher(watcher_);
}

void StrapLink::SetTrouble(const std::string& words) {
  if (words == trouble_) return;
  trouble_ = words;
  feed_.Change([&](DeviceStatus& status) { status.trouble = words; });
}

void StrapLink::SetLink(DeviceStatus::Link link) {
  feed_.Change([&](DeviceStatus& status) {
    status.link = link;
    if (link != DeviceStatus::Link::kConnected) status.contact.reset();
  });
}

// ---- looking

void StrapLink::StartLooking() {
  phase_ = Phase::kLooking;
  looking_since_us_ = now_us();
  seen_since_us_.reset();
  SetLink(was_connected_ ? DeviceStatus::Link::kLost : DeviceStatus::Link::kSearching);
  LookAgainAt(looking_since_us_);
}

void StrapLink::LookAgainAt(int64_t steady_us) {
  host_.loop().Cancel(look_timer_);
  look_timer_ = host_.loop().At(steady_us, [this] {
    look_timer_ = 0;
    if (phase_ == Phase::kLooking) Look();
  });
}

bool StrapLink::MayBeMeant(const KnownDevice& device) const {
  if (host_.ClaimedByOther(device.address, watcher_)) return false;
  if (!bound_.empty()) return device.address == bound_;
  if (options_.target.empty()) return device.heart_rate;
  const std::string target = Lower(options_.target);
  return Lower(device.address) == target || Lower(device.name).find(target) != std::string::npos;
}

std::vector<KnownDevice> StrapLink::Candidates() const {
  std::vector<KnownDevice> candidates;
  const std::string target = Lower(options_.target);
  for (KnownDevice& device : host_.Devices()) {
    if (!MayBeMeant(device)) continue;
    // A whole name or an address leaves no doubt, whatever else has it as a part.
    if (!target.empty() && (Lower(device.address) == target || Lower(device.name) == target)) {
      if (InSight(device)) return {device};
    }
    candidates.push_back(std::move(device));
  }
  // A name may be that of a watch or of headphones too.
  const auto is_strap = [](const KnownDevice& device) { return device.heart_rate; };
  if (std::any_of(candidates.begin(), candidates.end(), is_strap)) {
    std::erase_if(candidates, [&](const KnownDevice& device) { return !device.heart_rate; });
  }
  return candidates;
}

void StrapLink::Look() {
  const BluezHost::Radio radio = host_.radio();
  host_.WantDiscovery(watcher_, radio == BluezHost::Radio::kOn);
  if (radio != BluezHost::Radio::kOn) {
    looking_since_us_ = now_us();
    seen_since_us_.reset();
    if (radio == BluezHost::Radio::kUnknown) return;
    radio_trouble_ = true;
    return SetTrouble(RadioWords(radio));
  }
  if (std::exchange(radio_trouble_, false)) SetTrouble("");
  std::vector<KnownDevice> candidates = Candidates();
  const std::string known = candidates.empty() ? "" : NameOf(candidates.front());
  std::erase_if(candidates, [](const KnownDevice& device) { return !InSight(device); });
  if (candidates.empty()) {
    seen_since_us_.reset();
    const int64_t say_us = looking_since_us_ + options_.unseen_us;
    if (now_us() < say_us) return LookAgainAt(say_us);
    const bool met = !known.empty() || was_connected_;
    const std::string strap = !known.empty() ? known : was_connected_ ? name_ : options_.target;
    SetTrouble(UnseenWords(strap, met));
    return LookAgainAt(now_us() + options_.unseen_us);
  }
  if (!seen_since_us_) seen_since_us_ = now_us();
  const std::string target = Lower(options_.target);
  const bool certain = !bound_.empty() || Lower(candidates[0].address) == target ||
                       Lower(candidates[0].name) == target;
  if (!certain) {
    const int64_t settled_us = *seen_since_us_ + options_.settle_us;
    if (now_us() < settled_us) return LookAgainAt(settled_us);
    if (candidates.size() > 1) {
      SetTrouble(SeveralWords(options_.target, candidates));
      return LookAgainAt(now_us() + options_.settle_us);
    }
  }
  Connect(candidates[0]);
}

// ---- connecting

void StrapLink::Connect(const KnownDevice& device) {
  if (!host_.Claim(device.address, watcher_)) return;
  phase_ = Phase::kConnecting;
  host_.loop().Cancel(look_timer_);
  host_.WantDiscovery(watcher_, false);
  device_info_ = device;
  name_ = NameOf(device);
  feed_.Change([&](DeviceStatus& status) {
    status.link = DeviceStatus::Link::kConnecting;
    status.name = name_;
    status.address = device.address;
    status.signal_dbm = device.signal_dbm;
  });
  GattDevice::Events events;
  events.ready = [this] { OnReady(); };
  events.ended = [this](const absl::Status& why) { OnEnded(why); };
  device_ = std::make_unique<GattDevice>(host_, device.path, options_.times, std::move(events));
  device_->Connect();
}

void StrapLink::OnReady() {
  if (!device_->Has(kHeartRateMeasurement)) {
    if (bound_.empty()) host_.Unclaim(watcher_);
    return GiveUp(NoHeartRateWords(name_));
  }
  Subscribe(options_.acquire ? NotifyWay::kAcquire : NotifyWay::kStart);
}

void StrapLink::Subscribe(NotifyWay way) {
  gap_ = true;
  off_skin_ = told_unreadable_ = told_zero_ = told_half_ = told_contact_ = told_frame_ = false;
  use_ecg_ = options_.ecg;
  feed_.UseEcg(use_ecg_);
  no_ecg_.clear();
  device_->Subscribe(
      kHeartRateMeasurement, way,
      [this](int64_t arrival_us, std::span<const uint8_t> value) {
        OnMeasurement(arrival_us, value);
      },
      [this, way](const absl::Status& status) { OnSubscribed(way, status); });
}

void StrapLink::OnSubscribed(NotifyWay way, const absl::Status& status) {
  if (!status.ok()) {
    const std::string error = DbusErrorName(status);
    if (way == NotifyWay::kAcquire && (error == "org.bluez.Error.NotSupported" ||
                                       error == "org.freedesktop.DBus.Error.UnknownMethod")) {
      return Subscribe(NotifyWay::kStart);
    }
    return GiveUp(NotifyWords(name_, status));
  }
  bound_ = device_info_.address;
  was_connected_ = true;
  phase_ = Phase::kListening;
  last_value_us_ = now_us();
  feed_.Change([&](DeviceStatus& status) {
    status.link = DeviceStatus::Link::kConnected;
    status.mode = options_.ecg ? "" : "intervals";
  });
  if (!off_skin_) SetTrouble("");
  CheckSilence();
  ReadAboutDevice();
  if (options_.ecg) StartEcg();
}

void StrapLink::OnEnded(const absl::Status& why) {
  const bool listened = phase_ == Phase::kListening;
  SetTrouble(listened ? LostWords(name_, why) : ConnectWords(name_, why));
  Pause();
}

void StrapLink::GiveUp(const std::string& trouble) {
  SetTrouble(trouble);
  Pause();
}

void StrapLink::Pause() {
  phase_ = Phase::kPausing;
  host_.loop().Cancel(silence_timer_);
  host_.loop().Cancel(battery_timer_);
  if (ecg_ != nullptr) ecg_->Stop();
  device_.reset();
  ecg_.reset();
  feed_.LinkLost();
  if (bound_.empty()) host_.Unclaim(watcher_);
  SetLink(was_connected_ ? DeviceStatus::Link::kLost : DeviceStatus::Link::kSearching);
  const auto delay_us = static_cast<int64_t>(random_.Unit() * static_cast<double>(ceiling_us_));
  ceiling_us_ = std::min(ceiling_us_ * 2, options_.backoff_most_us);
  pause_timer_ = host_.loop().After(delay_us, [this] {
    pause_timer_ = 0;
    StartLooking();
  });
}

// ---- listening

void StrapLink::Refuse(uint64_t count, bool* told, const std::string& words) {
  // Once per connection is enough.
  feed_.AddRefused(count, std::exchange(*told, true) ? "" : words);
}

void StrapLink::OnMeasurement(int64_t arrival_us, std::span<const uint8_t> value) {
  last_value_us_ = arrival_us;
  ceiling_us_ = options_.backoff_first_us;
  const auto measured = DecodeHrMeasurement(value);
  if (!measured.ok()) {
    gap_ = true;
    Refuse(1, &told_unreadable_, absl::StrCat(name_, ": ", measured.status().message()));
    return;
  }
  if (measured->contact == false) {
    off_skin_ = gap_ = true;
    feed_.Change([](DeviceStatus& status) { status.contact = false; });
    SetTrouble(NoContactWords(name_));
    if (!measured->intervals.empty() && !use_ecg_) {
      Refuse(measured->intervals.size(), &told_contact_,
             absl::StrCat(name_, ": intervals without skin contact are left out"));
    }
    return;
  }
  off_skin_ = false;
  feed_.Change([&](DeviceStatus& status) { status.contact = measured->contact; });
  if (phase_ == Phase::kListening) SetTrouble(no_ecg_);
  if (use_ecg_) {
    gap_ = true;  // before what would come after it
    return;
  }
  for (const HrInterval& interval : measured->intervals) {
    feed_.AddInterval(interval.rr_1024, arrival_us,
                      std::exchange(gap_, false) || interval.gap_before);
  }
  gap_ |= measured->gap_after;
  if (measured->zero_intervals > 0) {
    Refuse(static_cast<uint64_t>(measured->zero_intervals), &told_zero_,
           absl::StrCat(name_, ": intervals of zero are left out"));
  }
  if (measured->half_interval) {
    Refuse(1, &told_half_, absl::StrCat(name_, ": a notification ended within an interval"));
  }
}

void StrapLink::CheckSilence() {
  const int64_t now = now_us();
  const int64_t silent_us = last_value_us_ + options_.silent_us;
  const int64_t restart_us = last_value_us_ + options_.restart_us;
  if (now >= restart_us) return GiveUp(SilentWords(name_));
  if (now >= silent_us) SetTrouble(SilentWords(name_));
  silence_timer_ =
      host_.loop().At(now >= silent_us ? restart_us : silent_us, [this] { CheckSilence(); });
}

// ---- precise mode

void StrapLink::StartEcg() {
  EcgLink::Events events;
  events.started = [this] { feed_.Change([](DeviceStatus& status) { status.mode = "ecg"; }); };
  events.frame = [this](const EcgFrame& frame, int64_t arrival_us) {
    last_value_us_ = arrival_us;
    ceiling_us_ = options_.backoff_first_us;
    if (off_skin_) return;  // what is left out is a loss
    feed_.AddFrame(frame, arrival_us);
  };
  events.refused = [this](const std::string& words) {
    Refuse(1, &told_frame_, absl::StrCat(name_, ": ", words));
  };
  events.failed = [this](const std::string& words) { OnEcgFailed(words); };
  ecg_ = std::make_unique<EcgLink>(*device_, host_.loop(), std::move(events));
  ecg_->Start();
}

void StrapLink::OnEcgFailed(const std::string& words) {
  no_ecg_ = absl::StrCat(name_, ": ", words, "; its intervals are used instead");
  use_ecg_ = false;
  gap_ = true;
  feed_.UseEcg(false);
  feed_.Change([](DeviceStatus& status) { status.mode = "intervals"; });
  feed_.AddRefused(0, no_ecg_);
  if (!off_skin_) SetTrouble(no_ecg_);
}

// ---- what the strap tells of itself

void StrapLink::ReadText(const char* characteristic, std::string* into) {
  if (!device_->Can(characteristic, "read")) return;
  device_->Read(characteristic, [this, into](absl::StatusOr<std::vector<uint8_t>> value) {
    if (!value.ok()) return;
    *into = CleanText({reinterpret_cast<const char*>(value->data()), value->size()});
    std::string model = manufacturer_;
    if (!model_.empty()) absl::StrAppend(&model, model.empty() ? "" : " ", model_);
    if (!firmware_.empty()) {
      absl::StrAppend(&model, model.empty() ? "" : ", ", "firmware ", firmware_);
    }
    feed_.Change([&](DeviceStatus& status) { status.model = model; });
  });
}

void StrapLink::ReadAboutDevice() {
  ReadText(kManufacturerName, &manufacturer_);
  ReadText(kModelNumber, &model_);
  ReadText(kFirmwareRevision, &firmware_);
  if (device_->Can(kBodySensorLocation, "read")) {
    device_->Read(kBodySensorLocation, [this](absl::StatusOr<std::vector<uint8_t>> value) {
      if (!value.ok() || value->empty()) return;
      feed_.Change([&](DeviceStatus& status) { status.body_location = LocationName((*value)[0]); });
    });
  }
  // BlueZ keeps the battery service for itself and tells of it here.
  if (const Properties* battery = host_.Find(device_->path(), kBatteryInterface)) {
    OnProperty(device_->path(), kBatteryInterface, *battery);
  }
  if (device_->Can(kBatteryLevel, "notify")) {
    device_->Subscribe(
        kBatteryLevel, NotifyWay::kStart,
        [this](int64_t, std::span<const uint8_t> value) {
          if (!value.empty()) OnBattery(value[0]);
        },
        [](const absl::Status&) {});
  }
  ReadBattery();
}

void StrapLink::ReadBattery() {
  if (!device_->Can(kBatteryLevel, "read")) return;
  device_->Read(kBatteryLevel, [this](absl::StatusOr<std::vector<uint8_t>> value) {
    if (value.ok() && !value->empty()) OnBattery((*value)[0]);
  });
  battery_timer_ = host_.loop().After(options_.battery_us, [this] { ReadBattery(); });
}

void StrapLink::OnBattery(int percent) {
  if (percent > 100) return;
  feed_.Change([&](DeviceStatus& status) { status.battery_percent = percent; });
}

void StrapLink::OnProperty(const std::string& path, const std::string& interface,
                           const Properties& changed) {
  if (device_ == nullptr || path != device_->path()) return;
  if (interface == kBatteryInterface) {
    const auto found = changed.find("Percentage");
    if (found == changed.end()) return;
    if (const auto* percent = std::get_if<int64_t>(&found->second)) {
      if (*percent >= 0) OnBattery(static_cast<int>(std::min<int64_t>(*percent, 255)));
    }
  }
  if (interface == kDeviceInterface) {
    const auto found = changed.find("RSSI");
    if (found == changed.end()) return;
    if (const auto* dbm = std::get_if<int64_t>(&found->second)) {
      feed_.Change([&](DeviceStatus& status) { status.signal_dbm = static_cast<int>(*dbm); });
    }
  }
}

}  // namespace attune::edge
