#include "services/synchrony/signal/beat_series.h"

#include <algorithm>

namespace attune::synchrony {

BeatSeries::Added BeatSeries::Add(const Beat& beat) {
  if (beat.time_us < oldest_us_) return Added::kRefused;
  // Nearly always the newest: look from the end.
  size_t at = beats_.size();
  if (at > 0 && beats_.back().time_us >= beat.time_us) {
    at = UpperBound(beat.time_us);
    if (at > 0 && beats_[at - 1].time_us == beat.time_us) {
      Beat merged = beats_[at - 1];
      merged.rr_1024 = std::min(merged.rr_1024, beat.rr_1024);
      merged.gap_before = merged.gap_before || beat.gap_before;
      if (merged == beats_[at - 1]) return Added::kUnchanged;
      beats_[at - 1] = merged;
      return Added::kChanged;
    }
  }
  if (beats_.size() >= max_beats_) return Added::kRefused;
  beats_.insert(beats_.begin() + static_cast<ptrdiff_t>(at), beat);
  return Added::kChanged;
}

void BeatSeries::DropBefore(int64_t time_us) {
  oldest_us_ = std::max(oldest_us_, time_us);
  // Moving the rest down costs more than it frees unless there is something to free.
  constexpr size_t kWorthMoving = 32;
  if (beats_.size() < kWorthMoving || beats_[kWorthMoving - 1].time_us >= oldest_us_) return;
  const auto first = std::find_if(beats_.begin(), beats_.end(),
                                  [this](const Beat& beat) { return beat.time_us >= oldest_us_; });
  beats_.erase(beats_.begin(), first);
  TrimCapacity(&beats_);
}

std::vector<Beat> BeatSeries::Retained() const {
  const auto first = std::find_if(beats_.begin(), beats_.end(),
                                  [this](const Beat& beat) { return beat.time_us >= oldest_us_; });
  return std::vector<Beat>(first, beats_.end());
}

size_t BeatSeries::UpperBoundNear(int64_t time_us, size_t hint) const {
  size_t at = std::min(hint, beats_.size());
  while (at > 0 && beats_[at - 1].time_us > time_us) --at;
  while (at < beats_.size() && beats_[at].time_us <= time_us) ++at;
  return at;
}

size_t BeatSeries::UpperBound(int64_t time_us) const {
  // Mostly asked for near the end.
  constexpr int kNear = 8;
  size_t end = beats_.size();
  for (int i = 0; i < kNear; ++i, --end) {
    if (end == 0 || beats_[end - 1].time_us <= time_us) return end;
  }
  return static_cast<size_t>(
      std::upper_bound(beats_.begin(), beats_.begin() + static_cast<ptrdiff_t>(end), time_us,
                       [](int64_t time, const Beat& beat) { return time < beat.time_us; }) -
      beats_.begin());
}

}  // namespace attune::synchrony
