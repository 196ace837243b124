#include "edge/source/lsl_source.h"

#include <algorithm>
#include <atomic>
#include <cmath>
#include <deque>
#include <thread>
#include <utility>

#include "absl/strings/str_cat.h"
#include "services/base/mutex.h"

namespace attune::edge {
namespace {

constexpr size_t kMostQueued = 4096;
constexpr double kWaitS = 0.2;            // within a call of liblsl: how long closing may take
constexpr int64_t kOldestUs = 4'000'000;  // a stamp older than this is no time of arrival
constexpr int64_t kPauseUs = 200'000;

class LslSource final : public Source {
 public:
  LslSource(std::shared_ptr<const LslLibrary> library, LslSourceOptions options, const Clock& clock)
      : library_(std::move(library)), options_(std::move(options)), clock_(clock) {
    info_.stamping = Stamping::kArrivalSteady;
    info_.sensor = v1::SENSOR_KIND_CHEST_STRAP;
    info_.fingerprint = absl::StrCat("lsl:", options_.property, "=", options_.value);
    device_.link = DeviceStatus::Link::kSearching;
    thread_ = std::thread([this] { Run(); });
  }
  ~LslSource() override {
    {
      MutexLock lock(mu_);
      stopping_ = true;
    }
    stop_.NotifyAll();
    thread_.join();
  }

  const SourceInfo& info() const override { return info_; }
  void Begin(int64_t, uint64_t) override {}
  int64_t Poll(int64_t now_us, std::vector<SourceBeat>* beats) override {
    MutexLock lock(mu_);
    const size_t count = std::min(queue_.size(), kMostPerPoll);
    for (size_t i = 0; i < count; ++i) {
      SourceBeat beat = queue_.front();
      queue_.pop_front();
      beat.time_us = last_us_ = std::clamp(beat.time_us, last_us_, std::max(last_us_, now_us));
      beats->push_back(beat);
    }
    return queue_.empty() ? now_us : last_us_;
  }
  std::optional<int64_t> NextDueUs() const override { return std::nullopt; }
  bool finished() const override { return false; }
  DeviceStatus device() const override {
    MutexLock lock(mu_);
    return device_;
  }
  uint64_t refused() const override {
    MutexLock lock(mu_);
    return refused_;
  }

 private:
  void Run() {
    while (!Stopping(0)) {
      auto inlet = LslInlet::Find(library_, options_.property, options_.value, kWaitS);
      if (!inlet.ok()) {
        Say(std::string(inlet.status().message()));
        if (Stopping(kPauseUs)) return;
        continue;
      }
      Link(DeviceStatus::Link::kConnected, inlet->name());
      while (!Stopping(0)) {
        const auto sample = inlet->Pull(kWaitS);
        if (!sample.ok()) {
          Say(std::string(sample.status().message()));
          break;
        }
        if (*sample) {
          Take(**sample);
        } else if (Stopping(1'000)) {  // a stand-in may not wait
          return;
        }
      }
      Link(DeviceStatus::Link::kLost, inlet->name());
      gap_ = true;
    }
  }

  bool Stopping(int64_t wait_us) {
    MutexLock lock(mu_);
    if (!stopping_ && wait_us > 0) stop_.WaitFor(mu_, wait_us);
    return stopping_;
  }
  void Say(const std::string& words) {
    MutexLock lock(mu_);
    device_.trouble = words;
  }
  void Link(DeviceStatus::Link link, const std::string& name) {
    MutexLock lock(mu_);
    device_.link = link;
    device_.name = name;
    device_.mode = "intervals";
    if (link == DeviceStatus::Link::kConnected) device_.trouble.clear();
  }
  void Take(const LslInlet::Sample& sample) {
    const int64_t now_us = clock_.SteadyMicros();
    const double age_s = library_->Now() - sample.at_s;
    int64_t arrival_us = now_us;
    if (std::isfinite(age_s) && age_s > 0 && age_s * 1e6 < static_cast<double>(kOldestUs)) {
      arrival_us -= static_cast<int64_t>(age_s * 1e6);
    }
    const uint32_t rr_1024 = Rr1024FromMs(sample.value * options_.unit_ms);
    MutexLock lock(mu_);
    if (rr_1024 == 0) {
      ++refused_;
      gap_ = true;
      return;
    }
    if (queue_.size() >= kMostQueued) {
      queue_.pop_front();
      queue_.front().gap_before = true;
      ++refused_;
    }
    queue_.push_back({rr_1024, arrival_us, std::exchange(gap_, false), 0});
  }

  const std::shared_ptr<const LslLibrary> library_;
  const LslSourceOptions options_;
  const Clock& clock_;
  SourceInfo info_;
  int64_t last_us_ = INT64_MIN;
  bool gap_ = false;  // of the thread alone

  mutable Mutex mu_;
  CondVar stop_;
  std::deque<SourceBeat> queue_ ATTUNE_GUARDED_BY(mu_);
  DeviceStatus device_ ATTUNE_GUARDED_BY(mu_);
  uint64_t refused_ ATTUNE_GUARDED_BY(mu_) = 0;
  bool stopping_ ATTUNE_GUARDED_BY(mu_) = false;
  std::thread thread_;
};

}  // namespace

std::unique_ptr<Source> MakeLslSource(std::shared_ptr<const LslLibrary> library,
                                      LslSourceOptions options, const Clock& clock) {
  return std::make_unique<LslSource>(std::move(library), std::move(options), clock);
}

absl::StatusOr<LslSourceOptions> ParseLslOptions(std::string_view text) {
  LslSourceOptions options;
  bool first = true;
  while (!text.empty()) {
    const size_t comma = text.find(',');
    const std::string_view one = text.substr(0, comma);
    text.remove_prefix(comma == std::string_view::npos ? text.size() : comma + 1);
    if (one == "unit=ms") {
      options.unit_ms = 1;
    } else if (one == "unit=s") {
      options.unit_ms = 1000;
    } else if (one.starts_with("type=") && one.size() > 5) {
      options.property = "type";
      options.value = one.substr(5);
    } else if (first && !one.empty() && one.find('=') == std::string_view::npos) {
      options.property = "name";
      options.value = one;
    } else {
      return absl::InvalidArgumentError(
          absl::StrCat("lsl: no option '", std::string(one),
                       "'; there are NAME or type=TYPE, and unit=ms or unit=s"));
    }
    first = false;
  }
  return options;
}

}  // namespace attune::edge
