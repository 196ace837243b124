#include "edge/agent/beat_meter.h"

#include <algorithm>
#include <string>
#include <vector>

namespace attune::edge {
namespace {

// Differs by at most a fifth.
bool Near(uint32_t rr_1024, uint32_t of_1024) {
  const uint32_t apart = rr_1024 > of_1024 ? rr_1024 - of_1024 : of_1024 - rr_1024;
  return uint64_t{apart} * 5 <= of_1024;
}

class MeteredSource final : public Source {
 public:
  MeteredSource(std::unique_ptr<Source> source, BeatMeter* meter)
      : source_(std::move(source)), meter_(meter) {}

  const SourceInfo& info() const override { return source_->info(); }
  void Begin(int64_t start_session_us, uint64_t after_position) override {
    source_->Begin(start_session_us, after_position);
  }
  int64_t Poll(int64_t now_us, std::vector<SourceBeat>* beats) override {
    const size_t before = beats->size();
    const int64_t through_us = source_->Poll(now_us, beats);
    for (size_t i = before; i < beats->size(); ++i) meter_->Add((*beats)[i]);
    return through_us;
  }
  std::optional<int64_t> NextDueUs() const override { return source_->NextDueUs(); }
  bool finished() const override { return source_->finished(); }
  DeviceStatus device() const override { return source_->device(); }
  std::vector<std::string> TakeWarnings() override { return source_->TakeWarnings(); }
  uint64_t refused() const override { return source_->refused(); }

 private:
  std::unique_ptr<Source> source_;
  BeatMeter* meter_;
};

}  // namespace

bool ArtefactRule::IsArtefact(uint32_t rr_1024, bool gap_before) {
  if (gap_before) good_1024_ = 0;
  if (rr_1024 < kLeastRr1024 || rr_1024 > kMostRr1024) {
    odd_run_ = 0;
    return true;
  }
  if (good_1024_ != 0 && !Near(rr_1024, good_1024_)) {
    odd_run_ = odd_run_ > 0 && Near(rr_1024, odd_1024_) ? odd_run_ + 1 : 1;
    odd_1024_ = rr_1024;
    if (odd_run_ < kNewLevel) return true;
  }
  good_1024_ = rr_1024;
  odd_run_ = 0;
  return false;
}

void BeatMeter::Add(const SourceBeat& beat) {
  newest_us_ = std::max(newest_us_.value_or(beat.time_us), beat.time_us);
  window_.push_back({beat.time_us, beat.rr_1024, rule_.IsArtefact(beat.rr_1024, beat.gap_before)});
  while (window_.size() > kMost || window_.front().at_us <= *newest_us_ - kWindowUs) {
    window_.pop_front();
  }
}

std::optional<double> BeatMeter::ArtefactShare(int64_t now_us) const {
  size_t all = 0, artefacts = 0;
  for (const Entry& entry : window_) {
    if (entry.at_us <= now_us - kWindowUs) continue;
    ++all;
    artefacts += entry.artefact;
  }
  if (all == 0) return std::nullopt;
  return static_cast<double>(artefacts) / static_cast<double>(all);
}

double BeatMeter::Bpm(int64_t now_us) const {
  uint64_t sum_1024 = 0;
  int count = 0;
  for (auto entry = window_.rbegin(); entry != window_.rend() && count < kBpmBeats; ++entry) {
    if (entry->artefact || entry->at_us <= now_us - kWindowUs) continue;
    sum_1024 += entry->rr_1024;
    ++count;
  }
  return count == 0 ? 0 : 60.0 * 1024 * count / static_cast<double>(sum_1024);
}

std::unique_ptr<Source> Metered(std::unique_ptr<Source> source, BeatMeter* meter) {
  return std::make_unique<MeteredSource>(std::move(source), meter);
}

}  // namespace attune::edge
