#include "edge/source/bluez/ecg_link.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"

namespace attune::edge {
namespace {

constexpr uint16_t kRateHz = 130;
constexpr uint16_t kResolutionBits = 14;
constexpr size_t kMostSettingsBytes = 256;

// `wanted` when it is offered or nothing is.
uint16_t Choose(const std::vector<uint16_t>& offered, uint16_t wanted) {
  const bool has = std::find(offered.begin(), offered.end(), wanted) != offered.end();
  return has || offered.empty() ? wanted : offered.front();
}

}  // namespace

EcgLink::EcgLink(GattDevice& device, BusLoop& loop, Events events)
    : device_(device), loop_(loop), events_(std::move(events)) {}

EcgLink::~EcgLink() { loop_.Cancel(timer_); }

void EcgLink::Fail(const std::string& words) {
  if (phase_ == Phase::kEnded) return;
  Stop();
  events_.failed(words);
}

void EcgLink::Stop() {
  loop_.Cancel(std::exchange(timer_, 0));
  const bool may_run = std::exchange(asked_to_start_, false);
  phase_ = Phase::kEnded;
  if (!device_.ready()) return;
  if (may_run) device_.Write(kPmdControlUuid, PmdStopEcg(), [](const absl::Status&) {});
  device_.Unsubscribe(kPmdDataUuid);
  device_.Unsubscribe(kPmdControlUuid);
}

void EcgLink::Start() {
  phase_ = Phase::kProbing;
  // Some old straps have the service under other names, or not the rights to use it.
  const bool can =
      device_.Can(kPmdControlUuid, "write") &&
      (device_.Can(kPmdControlUuid, "indicate") || device_.Can(kPmdControlUuid, "notify")) &&
      device_.Can(kPmdDataUuid, "notify");
  if (!can) return Fail("this strap does not offer its ECG");
  if (!device_.Can(kPmdControlUuid, "read")) return Subscribe();
  device_.Read(kPmdControlUuid, [this](absl::StatusOr<std::vector<uint8_t>> value) {
    if (phase_ != Phase::kProbing) return;
    if (!value.ok()) {
      return Fail(
          absl::StrCat("the strap does not say what it can measure: ", value.status().message()));
    }
    const auto has_ecg = ParsePmdHasEcg(*value);
    if (!has_ecg.ok()) {
      return Fail(absl::StrCat("what the strap says of itself cannot be read: ",
                               has_ecg.status().message()));
    }
    if (!*has_ecg) return Fail("this strap cannot measure an ECG");
    Subscribe();
  });
}

void EcgLink::Subscribe() {
  device_.Subscribe(
      kPmdControlUuid, NotifyWay::kStart,
      [this](int64_t, std::span<const uint8_t> value) { OnResponse(value); },
      [this](const absl::Status& responses) {
        if (phase_ != Phase::kProbing) return;
        if (!responses.ok()) {
          return Fail(absl::StrCat("the strap does not answer: ", responses.message()));
        }
        device_.Subscribe(
            kPmdDataUuid, NotifyWay::kStart,
            [this](int64_t arrival_us, std::span<const uint8_t> value) {
              OnFrame(arrival_us, value);
            },
            [this](const absl::Status& frames) {
              if (phase_ != Phase::kProbing) return;
              if (!frames.ok()) {
                return Fail(absl::StrCat("the strap does not send its ECG: ", frames.message()));
              }
              Ask(Phase::kSettings, PmdGetEcgSettings());
            });
      });
}

void EcgLink::Ask(Phase phase, const std::vector<uint8_t>& command) {
  phase_ = phase;
  loop_.Cancel(timer_);
  timer_ = loop_.After(kAnswerUs, [this] {
    timer_ = 0;
    Fail("the strap does not answer when asked for its ECG");
  });
  device_.Write(kPmdControlUuid, command, [this, phase](const absl::Status& written) {
    if (phase_ != phase || written.ok()) return;
    Fail(absl::StrCat("the strap does not take commands: ", written.message()));
  });
}

void EcgLink::OnResponse(std::span<const uint8_t> value) {
  if (phase_ != Phase::kSettings && phase_ != Phase::kStarting && phase_ != Phase::kStopping) {
    return;
  }
  const auto response = ParsePmdResponse(value);
  if (!response.ok()) {
    return Fail(absl::StrCat("the strap's answer cannot be read: ", response.status().message()));
  }
  const PmdOperation asked = phase_ == Phase::kSettings   ? PmdOperation::kGetSettings
                             : phase_ == Phase::kStarting ? PmdOperation::kStart
                                                          : PmdOperation::kStop;
  // Another program may use the strap's other measurements.
  if (response->operation != asked || response->kind != kPmdEcg) return;
  if (phase_ == Phase::kStopping) return Ask(Phase::kStarting, start_);
  if (response->error == kPmdAlreadyInState && phase_ == Phase::kStarting &&
      !std::exchange(tried_again_, true)) {
    return Ask(Phase::kStopping, PmdStopEcg());
  }
  if (response->error != kPmdSuccess) return Fail(PmdErrorWords(response->error));
  if (phase_ == Phase::kStarting) {
    phase_ = Phase::kRunning;
    last_frame_us_ = loop_.now_us();
    Watch();
    events_.started();
    return;
  }
  values_.insert(values_.end(), response->values.begin(), response->values.end());
  if (values_.size() > kMostSettingsBytes) return Fail("the strap's settings do not end");
  if (response->more) return;
  const auto settings = ParsePmdSettings(values_);
  if (!settings.ok()) {
    return Fail(absl::StrCat("the strap's settings cannot be read: ", settings.status().message()));
  }
  const uint16_t rate_hz = Choose(settings->rates_hz, kRateHz);
  if (rate_hz != kRateHz) {
    return Fail(absl::StrCat("the strap's ECG has ", rate_hz, " samples per second, not 130"));
  }
  start_ = PmdStartEcg(rate_hz, Choose(settings->resolutions_bits, kResolutionBits));
  asked_to_start_ = true;
  Ask(Phase::kStarting, start_);
}

void EcgLink::Watch() {
  loop_.Cancel(timer_);
  timer_ = loop_.At(last_frame_us_ + kSilentUs, [this] {
    timer_ = 0;
    if (loop_.now_us() - last_frame_us_ < kSilentUs) return Watch();
    Fail("the strap's ECG has stopped");
  });
}

void EcgLink::OnFrame(int64_t arrival_us, std::span<const uint8_t> value) {
  // The first ones may overtake the answer to the start.
  if (phase_ != Phase::kStarting && phase_ != Phase::kRunning) return;
  const auto frame = ParseEcgFrame(value);
  if (!frame.ok()) {
    events_.refused(std::string(frame.status().message()));
    if (++unreadable_ >= kMostUnreadable) {
      Fail(absl::StrCat("the strap's ECG cannot be read: ", frame.status().message()));
    }
    return;
  }
  unreadable_ = 0;
  last_frame_us_ = arrival_us;
  events_.frame(*frame, arrival_us);
}

}  // namespace attune::edge
