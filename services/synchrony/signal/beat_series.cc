#include "services/synchrony/signal/beat_series.h"

#include <algorithm>

namespace attune::synchrony {

BeatSeries::Added BeatSeries::Add(const Beat& beat) {
  if (beat.time_us < oldest_us_) return Added::kRefused;
  // Nearly always the newest: look from the end.
  size_t at = beats_.size();
  if (at > 0 && beats_.back().time_us >= beat.time_us) {
    at = UpperBound(beat.time_us);
    if (at > 0 && beats_.time_us(at - 1) == beat.time_us) {
      const Beat known = beats_[at - 1];
      Beat merged = known;
      merged.rr_1024 = std::min(merged.rr_1024, beat.rr_1024);
      merged.gap_before = merged.gap_before || beat.gap_before;
      if (merged == known) return Added::kUnchanged;
      beats_.replace(at - 1, merged);
      return Added::kChanged;
    }
  }
  if (beats_.size() >= max_beats_) return Added::kRefused;
  if (at == beats_.size()) {
    beats_.push_back(beat);
  } else {
    beats_.insert(at, beat);
  }
  return Added::kChanged;
}

size_t BeatSeries::DropBefore(int64_t time_us) {
  oldest_us_ = std::max(oldest_us_, time_us);
  return beats_.DropBefore(oldest_us_);
}

std::vector<Beat> BeatSeries::Retained() const { return beats_.From(UpperBound(oldest_us_ - 1)); }

size_t BeatSeries::UpperBoundNear(int64_t time_us, size_t hint) const {
  size_t at = std::min(hint, beats_.size());
  int64_t before_us = at > 0 ? beats_.time_us(at - 1) : 0;
  while (at > 0 && before_us > time_us) {
    --at;
    before_us = at > 0 ? beats_.time_us(at - 1) : 0;
  }
  for (; at < beats_.size(); ++at) {
    before_us = at > 0 ? before_us + beats_.StepTo(at).us : beats_.time_us(0);
    if (before_us > time_us) break;
  }
  return at;
}

size_t BeatSeries::UpperBound(int64_t time_us) const {
  // Mostly asked for near the end.
  constexpr int kNear = 8;
  size_t end = beats_.size();
  for (int i = 0; i < kNear; ++i, --end) {
    if (end == 0 || beats_.time_us(end - 1) <= time_us) return end;
  }
  size_t begin = 0;
  while (begin < end) {
    const size_t middle = begin + (end - begin) / 2;
    if (beats_.time_us(middle) <= time_us) {
      begin = middle + 1;
    } else {
      end = middle;
    }
  }
  return begin;
}

}  // namespace attune::synchrony
