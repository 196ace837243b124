#include "edge/agent/check_source.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "absl/strings/str_cat.h"
#include "edge/agent/device_notes.h"

namespace attune::edge {
namespace {

constexpr char kNotFound[] =
    "put the strap on with wet electrodes (it sends only while worn), come closer, and end other "
    "apps and watches that use it; 'attune-agent scan' lists what is in sight";
constexpr char kNotConnected[] =
    "another app or phone may hold the strap: end it there, or take the strap off for a minute and "
    "put it on again";
constexpr char kNoContact[] =
    "wet both electrodes, put the strap under the chest muscle, tighten it";
constexpr char kNotClean[] =
    "wet the electrodes, tighten the strap, sit still for half a minute; far from the computer, "
    "come closer";
constexpr size_t kMostIntervals = 4096;

std::string Seconds(int64_t us) {
  return absl::StrCat((std::max<int64_t>(us, 0) + 999'999) / 1'000'000, " s");
}

}  // namespace

bool SourceCheck::Window::clean() const {
  return all > 0 && !gap && covered >= kLeastCovered &&
         static_cast<double>(artefacts) <= kMostArtefacts * static_cast<double>(all);
}

SourceCheck::SourceCheck(std::unique_ptr<Source> source, SourceCheckTimes times)
    : source_(std::move(source)), times_(times) {
  has_device_ = source_->device().link != DeviceStatus::Link::kNone;
  if (has_device_) stage_ = Stage::kStrap;
}

void SourceCheck::Say(const std::string& step, Verdict verdict, std::string text,
                      std::string remedy) {
  findings_.push_back({step, verdict, std::move(text), std::move(remedy)});
}

void SourceCheck::Next(Stage stage, int64_t now_us) {
  stage_ = stage;
  since_us_ = now_us;
}

// What the source itself says is better than what can be said in general.
std::string SourceCheck::Advice(const DeviceStatus& device, const char* otherwise) const {
  return device.trouble.empty() ? otherwise : device.trouble;
}

void SourceCheck::Read(int64_t now_us) {
  std::vector<SourceBeat> beats;
  source_->Poll(now_us, &beats);
  for (const SourceBeat& beat : beats) {
    const bool artefact = rule_.IsArtefact(beat.rr_1024, beat.gap_before);
    if (!beats_from_us_) beats_from_us_ = beat.time_us;
    intervals_.push_back({beat.time_us, beat.rr_1024, artefact, beat.gap_before && ever_});
    ever_ = true;
    if (intervals_.size() > kMostIntervals) intervals_.pop_front();
  }
}

SourceCheck::Window SourceCheck::Look(int64_t now_us) const {
  Window window;
  double seconds = 0;
  for (const Interval& interval : intervals_) {
    if (interval.at_us <= now_us - times_.clean_us || interval.at_us > now_us) continue;
    ++window.all;
    window.artefacts += interval.artefact;
    window.gap |= interval.gap;
    seconds += interval.rr_1024 / 1024.0;
  }
  window.covered = seconds * 1e6 / static_cast<double>(times_.clean_us);
  return window;
}

void SourceCheck::LookAhead() {
  const int64_t start_us = source_->info().start_session_us.value_or(0);
  source_->Begin(start_us, 0);
  const int64_t end_us = start_us + times_.clean_us;
  Read(end_us);
  const Window window = Look(end_us);
  const std::string counted =
      absl::StrCat(window.artefacts, " of ", window.all, " intervals are artefacts");
  if (window.all == 0) {
    Say("beats", Verdict::kProblem, "there are none in the first " + Seconds(times_.clean_us),
        "give a source with heartbeats");
  } else if (source_->finished() && window.covered < kLeastCovered) {
    Say("beats", Verdict::kProblem,
        absl::StrCat("it ends after ", Seconds(static_cast<int64_t>(
                                           window.covered * static_cast<double>(times_.clean_us)))),
        "give a longer recording: the session needs minutes");
  } else {
    Say("beats", window.clean() ? Verdict::kOk : Verdict::kProblem,
        absl::StrCat("in the first ", Seconds(times_.clean_us), " ", counted,
                     window.gap ? ", and there is a gap" : ""),
        window.clean() ? "" : "play another part of it (from=SECONDS), or another recording");
  }
  stage_ = Stage::kDone;
}

void SourceCheck::Step(int64_t now_us) {
  if (done()) return;
  if (!std::exchange(started_, true)) {
    since_us_ = now_us;
    if (!IsLive(source_->info().stamping)) return LookAhead();
    source_->Begin(0, 0);
  }
  Read(now_us);
  while (!done() && Decide(now_us)) {
  }
}

// True: look again, there is a new stage.
bool SourceCheck::Decide(int64_t now_us) {
  using Link = DeviceStatus::Link;
  const DeviceStatus device = source_->device();
  const int64_t waited_us = now_us - since_us_;
  switch (stage_) {
    case Stage::kStrap:
      if (device.link != Link::kSearching) {
        Say("strap", Verdict::kOk,
            device.signal_dbm
                ? absl::StrCat(NameOfDevice(device), ", signal ", *device.signal_dbm, " dBm")
                : NameOfDevice(device));
        Next(Stage::kConnection, now_us);
        return true;
      }
      if (waited_us < times_.strap_us) return false;
      Say("strap", Verdict::kProblem, "not found", Advice(device, kNotFound));
      Say("beats", Verdict::kWaiting, "cannot be seen without the strap");
      Next(Stage::kDone, now_us);
      return true;
    case Stage::kConnection:
      if (device.link == Link::kConnected) {
        Say("connection", Verdict::kOk,
            device.model.empty() ? "connected" : "connected; " + device.model);
        Next(Stage::kContact, now_us);
        return true;
      }
      if (waited_us < times_.connect_us) return false;
      Say("connection", Verdict::kProblem, "the strap is there but cannot be connected",
          Advice(device, kNotConnected));
      Say("beats", Verdict::kWaiting, "cannot be seen without a connection");
      Next(Stage::kDone, now_us);
      return true;
    case Stage::kContact:
      if (device.contact.value_or(false)) {
        Say("contact", Verdict::kOk, "on the skin");
      } else if (device.contact) {
        if (waited_us < times_.contact_us) return false;
        Say("contact", Verdict::kProblem, "the strap does not feel the skin",
            Advice(device, kNoContact));
      } else {
        if (waited_us < times_.tells_us) return false;
        Say("contact", Verdict::kOk, "this strap does not tell; the beats will show");
      }
      Next(Stage::kBattery, now_us);
      return true;
    case Stage::kBattery:
      if (!device.battery_percent && waited_us < times_.tells_us) return false;
      if (!device.battery_percent) {
        Say("battery", Verdict::kOk, "this strap does not tell");
      } else if (*device.battery_percent <= kEmptyBatteryPercent) {
        Say("battery", Verdict::kProblem, absl::StrCat(*device.battery_percent, " %"),
            "change the battery before the session");
      } else {
        Say("battery", Verdict::kOk, absl::StrCat(*device.battery_percent, " %"));
      }
      Next(Stage::kBeats, now_us);
      return true;
    case Stage::kBeats:
      return DecideBeats(now_us);
    case Stage::kDone:
      return false;
  }
  return false;
}

bool SourceCheck::DecideBeats(int64_t now_us) {
  const DeviceStatus device = source_->device();
  const Window window = Look(now_us);
  const bool whole = beats_from_us_ && now_us - *beats_from_us_ >= times_.clean_us;
  const std::string counted =
      absl::StrCat(window.artefacts, " of ", window.all, " intervals are artefacts");
  if (whole && window.clean()) {
    Say("beats", Verdict::kOk, absl::StrCat(Seconds(times_.clean_us), ", ", counted));
  } else if (source_->finished()) {
    Say("beats", Verdict::kProblem, "the source has ended before " + Seconds(times_.clean_us),
        "keep the program that writes the beats running");
  } else if (now_us - since_us_ >= times_.silent_us &&
             (intervals_.empty() || intervals_.back().at_us <= now_us - times_.silent_us)) {
    Say("beats", Verdict::kProblem, "none have come for " + Seconds(times_.silent_us),
        Advice(device, has_device_ ? kNoContact : "look whether the source sends intervals"));
  } else if (now_us - since_us_ >= times_.beats_us) {
    Say("beats", Verdict::kProblem,
        window.gap || window.covered < kLeastCovered ? "beats are missing, " + counted : counted,
        Advice(device, kNotClean));
  } else {
    return false;
  }
  Next(Stage::kDone, now_us);
  return true;
}

std::optional<Finding> SourceCheck::Waiting(int64_t now_us) const {
  const DeviceStatus device = source_->device();
  const int64_t waited_us = now_us - since_us_;
  const auto wait = [](const char* step, std::string text) {
    return Finding{step, Verdict::kWaiting, std::move(text), ""};
  };
  switch (stage_) {
    case Stage::kStrap:
      return wait("strap",
                  absl::StrCat("looking for it, at most ", Seconds(times_.strap_us - waited_us),
                               " more", device.trouble.empty() ? "" : ": ", device.trouble));
    case Stage::kConnection:
      return wait("connection", absl::StrCat("connecting, at most ",
                                             Seconds(times_.connect_us - waited_us), " more"));
    case Stage::kContact:
      return wait("contact", device.contact ? kNoContact : "waiting for the strap to tell");
    case Stage::kBattery:
      return wait("battery", "waiting for the strap to tell");
    case Stage::kBeats: {
      if (!beats_from_us_) return wait("beats", "waiting for the first");
      const Window window = Look(now_us);
      const int64_t left_us = times_.clean_us - (now_us - *beats_from_us_);
      const std::string share =
          window.all == 0 ? "none now"
                          : absl::StrCat(window.artefacts, " of ", window.all, " are artefacts");
      return wait("beats", left_us > 0 ? absl::StrCat(Seconds(left_us), " to go, ", share)
                                       : absl::StrCat("not clean yet, ", share));
    }
    case Stage::kDone:
      break;
  }
  return std::nullopt;
}

}  // namespace attune::edge
