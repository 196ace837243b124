#include "edge/source/bluez/bluez_source.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "edge/source/bluez/host.h"
#include "edge/source/bluez/strap_feed.h"
#include "edge/source/bluez/strap_link.h"

namespace attune::edge {
namespace {

class BluezSource final : public Source {
 public:
  BluezSource(std::shared_ptr<BluezHost> host, BluezOptions options,
              std::unique_ptr<RandomSource> random)
      : host_(std::move(host)), options_(std::move(options)), random_(std::move(random)) {
    info_.stamping = options_.ecg ? Stamping::kGivenSteady : Stamping::kArrivalSteady;
    feed_.UseEcg(options_.ecg);
    info_.sensor = v1::SENSOR_KIND_CHEST_STRAP;
    info_.fingerprint = "bluez";  // another strap is still the same person
    feed_.Change([](DeviceStatus& status) { status.link = DeviceStatus::Link::kSearching; });
    host_->Post([this] { link_ = std::make_unique<StrapLink>(*host_, options_, feed_, *random_); });
  }
  ~BluezSource() override {
    host_->PostAndWait([this] { link_.reset(); });
  }

  const SourceInfo& info() const override { return info_; }
  void Begin(int64_t, uint64_t) override {}
  int64_t Poll(int64_t now_us, std::vector<SourceBeat>* beats) override {
    StrapTiming timing;
    const int64_t through_us = feed_.Take(now_us, beats, &timing);
    info_.stamping = timing.stamping;
    info_.jitter_us = timing.jitter_us;
    info_.offset_bound_us = timing.offset_bound_us;
    return through_us;
  }
  std::optional<int64_t> NextDueUs() const override { return std::nullopt; }
  bool finished() const override { return false; }
  DeviceStatus device() const override { return feed_.device(); }
  std::vector<std::string> TakeWarnings() override { return feed_.TakeWarnings(); }
  uint64_t refused() const override { return feed_.refused(); }

 private:
  const std::shared_ptr<BluezHost> host_;
  const BluezOptions options_;
  const std::unique_ptr<RandomSource> random_;
  SourceInfo info_;
  StrapFeed feed_;
  std::unique_ptr<StrapLink> link_;  // on the host's thread
};

}  // namespace

absl::StatusOr<BluezOptions> ParseBluezOptions(std::string_view text) {
  BluezOptions options;
  size_t part = 0;
  while (true) {
    const size_t comma = text.find(',');
    const std::string_view one = text.substr(0, comma);
    if (part++ == 0 && one != "acquire" && one != "ecg") {
      options.target = std::string(one);
    } else if (one == "acquire") {
      options.acquire = true;
    } else if (one == "ecg") {
      options.ecg = true;
    } else {
      return absl::InvalidArgumentError(
          absl::StrCat("bluez: no option '", std::string(one.substr(0, 60)),
                       "'; there are acquire and ecg (a name with a comma: give the address)"));
    }
    if (comma == std::string_view::npos) return options;
    text.remove_prefix(comma + 1);
  }
}

std::shared_ptr<BluezHost> MakeBluezHost(const Clock& clock) {
  HostOptions options;
  options.clock = &clock;
  return std::make_shared<BluezHost>(options);
}

std::unique_ptr<Source> MakeBluezSource(std::shared_ptr<BluezHost> host, BluezOptions options,
                                        std::unique_ptr<RandomSource> random) {
  return std::make_unique<BluezSource>(std::move(host), std::move(options), std::move(random));
}

}  // namespace attune::edge
