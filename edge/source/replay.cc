#include "edge/source/replay.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "absl/strings/str_cat.h"
#include "edge/source/timetable.h"

namespace attune::edge {
namespace {

class Replay final : public Timetable {
 public:
  Replay(Recording recording, const ReplayOptions& options, SourceInfo info, size_t first)
      : recording_(std::move(recording)),
        info_(std::move(info)),
        warnings_(std::move(recording_.warnings)),
        seconds_(options.seconds),
        loop_(options.loop),
        first_(first),
        next_(first) {}

  const SourceInfo& info() const override { return info_; }

  void Begin(int64_t start_session_us, uint64_t after_position) override {
    start_us_ = start_session_us;
    Start(after_position);
  }

  std::vector<std::string> TakeWarnings() override { return std::exchange(warnings_, {}); }
  uint64_t refused() const override { return recording_.refused; }

 private:
  std::optional<SourceBeat> Next() override {
    while (true) {
      if (next_ == recording_.intervals.size()) {
        if (!loop_ || !gave_any_in_round_) return std::nullopt;
        next_ = first_;
        gave_any_in_round_ = false;
        gap_ = true;  // the end of a recording and its beginning are not one rhythm
        round_start_ms_ = elapsed_ms_;
      }
      const RecordedInterval& interval = recording_.intervals[next_++];
      if (recording_.has_arrivals) {
        // A new round begins one interval after the last arrival.
        const double since_ms = (interval.arrival_s - recording_.intervals[first_].arrival_s) * 1e3;
        elapsed_ms_ = round_start_ms_ + since_ms +
                      (round_start_ms_ > 0 ? recording_.intervals[first_].rr_ms : 0);
      } else if (position_ > 0 || gap_) {
        elapsed_ms_ += std::max(0.0, interval.rr_ms);
      }
      if (seconds_ && elapsed_ms_ > *seconds_ * 1e3) {
        next_ = recording_.intervals.size();
        loop_ = false;
        return std::nullopt;
      }
      if (interval.rr_1024 == 0) {
        gap_ = true;
        continue;
      }
      gave_any_in_round_ = true;
      return SourceBeat{interval.rr_1024, start_us_ + std::llround(elapsed_ms_ * 1e3),
                        std::exchange(gap_, false), ++position_};
    }
  }

  Recording recording_;
  SourceInfo info_;
  std::vector<std::string> warnings_;
  std::optional<double> seconds_;
  bool loop_;
  size_t first_;
  size_t next_;
  int64_t start_us_ = 0;
  uint64_t position_ = 0;
  double elapsed_ms_ = 0;  // from the start to interval next_ - 1
  double round_start_ms_ = 0;
  bool gap_ = false;
  bool gave_any_in_round_ = false;
};

}  // namespace

absl::StatusOr<std::unique_ptr<Source>> MakeReplay(Recording recording,
                                                   const ReplayOptions& options) {
  size_t first = 0;
  double skipped_ms = 0;
  const auto& intervals = recording.intervals;
  while (first < intervals.size()) {
    if (recording.has_arrivals) {
      skipped_ms = (intervals[first].arrival_s - intervals[0].arrival_s) * 1e3;
    }
    if (skipped_ms >= options.from_s * 1e3 && intervals[first].rr_1024 != 0) break;
    if (!recording.has_arrivals) skipped_ms += std::max(0.0, intervals[first].rr_ms);
    ++first;
  }
  if (first == intervals.size()) {
    return absl::InvalidArgumentError(
        absl::StrCat(options.name, " ends before from=", options.from_s, " s"));
  }
  double total_ms = 0;
  for (size_t i = first; i < intervals.size(); ++i) total_ms += std::max(0.0, intervals[i].rr_ms);
  if (options.loop && total_ms < 1000) {
    return absl::InvalidArgumentError(
        absl::StrCat(options.name, " is shorter than a second: too short for loop"));
  }
  SourceInfo info;
  info.stamping = recording.has_arrivals ? Stamping::kArrivalSession : Stamping::kGiven;
  info.sensor = v1::SENSOR_KIND_REPLAY;
  if (options.at_s) info.start_session_us = std::llround(*options.at_s * 1e6);
  info.jitter_us = 1000;  // a beat is known to 1/1024 s
  info.fingerprint =
      absl::StrCat("replay:", options.name, ",at=", options.at_s ? *options.at_s : -1,
                   ",from=", options.from_s, ",seconds=", options.seconds ? *options.seconds : -1,
                   ",loop=", options.loop ? 1 : 0, ",intervals=", intervals.size());
  return std::make_unique<Replay>(std::move(recording), options, std::move(info), first);
}

}  // namespace attune::edge
