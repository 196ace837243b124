#include "services/synchrony/signal/beat_track.h"

#include <algorithm>
#include <utility>

namespace attune::synchrony {

BeatTrack::BeatTrack(const Params& params, std::vector<Beat> beats)
    : params_(&params), series_(beats.size()) {
  std::stable_sort(beats.begin(), beats.end(),
                   [](const Beat& a, const Beat& b) { return a.time_us < b.time_us; });
  for (const Beat& beat : beats) series_.Add(beat);
}

BeatSeries::Added BeatTrack::Add(const Beat& beat) {
  const BeatSeries::Added added = series_.Add(beat);
  if (added == BeatSeries::Added::kChanged && beat.time_us < series_.beats().back().time_us) {
    Forget(series_.UpperBound(beat.time_us) - 1);
  } else if (added == BeatSeries::Added::kChanged) {
    Forget(series_.beats().size() - 1);
  }
  return added;
}

void BeatTrack::Forget(size_t from) {
  // What was looked at knew up to screen_after beats ahead.
  const size_t reach = static_cast<size_t>(params_->screen_after);
  const size_t first = from - std::min(from, reach);
  for (size_t k = first; k < std::min(from, entries_.size()); ++k) {
    if (k + entries_[k].ahead >= from) entries_[k].ahead = kNever;
  }
  running_.resize(std::min(running_.size(), first + 1));
  if (from >= entries_.size()) return;
  entries_.resize(from);
  measured_ = std::min(measured_, first);
  with_thresholds_ = std::min(with_thresholds_, from);
  window_begin_ = window_end_ = 0;
  jumps_.Clear();
  deviations_.Clear();
}

void BeatTrack::DropBefore(int64_t time_us) {
  const size_t before = series_.beats().size();
  series_.DropBefore(time_us);
  const size_t dropped = before - series_.beats().size();
  if (dropped == 0) return;
  const size_t had = std::min(dropped, entries_.size());
  entries_.erase(entries_.begin(), entries_.begin() + static_cast<ptrdiff_t>(had));
  running_.erase(running_.begin(),
                 running_.begin() + static_cast<ptrdiff_t>(std::min(dropped, running_.size())));
  TrimCapacity(&entries_);
  TrimCapacity(&running_);
  measured_ -= std::min(dropped, measured_);
  with_thresholds_ -= std::min(dropped, with_thresholds_);
  if (dropped > window_begin_) {
    window_begin_ = window_end_ = 0;
    jumps_.Clear();
    deviations_.Clear();
  } else {
    window_begin_ -= dropped;
    window_end_ -= dropped;
  }
}

void BeatTrack::Measure(size_t end) {
  for (; measured_ < end; ++measured_) {
    entries_[measured_].jump = static_cast<int16_t>(Jump(beats(), measured_, *params_));
    entries_[measured_].deviation =
        static_cast<int16_t>(LevelDeviation(beats(), measured_, *params_));
  }
}

void BeatTrack::ExtendThresholds(size_t end) {
  if (with_thresholds_ >= end) return;
  if (entries_.size() < end) entries_.resize(end);
  const size_t reach = static_cast<size_t>(params_->screen_after);
  const size_t window = static_cast<size_t>(params_->screen_window);
  const auto threshold = [this](const SlidingQuartiles& values) {
    if (values.count() < static_cast<size_t>(params_->screen_window_min)) return -1;
    // alpha (Q3 - Q1) / 2
    return params_->screen_alpha_pct * values.InterquartileRange4() / 800;
  };
  for (; with_thresholds_ < end; ++with_thresholds_) {
    const size_t k = with_thresholds_;
    // Beats whose own measure knows nothing from k on.
    const size_t last = k - std::min(k, reach);
    const size_t first = last - std::min(last, window);
    const int64_t oldest_us = beats()[k].time_us - params_->screen_window_reach_us;
    Measure(last);
    if (window_end_ < first) window_begin_ = window_end_ = first;
    for (; window_end_ < last; ++window_end_) {
      // Room first: the window never holds more than its size.
      for (; window_begin_ + window <= window_end_; ++window_begin_) Leave(window_begin_);
      Enter(window_end_);
    }
    while (window_begin_ < window_end_ &&
           (window_begin_ < first || beats()[window_begin_].time_us < oldest_us)) {
      Leave(window_begin_++);
    }
    Entry& entry = entries_[k];
    entry.thresholds = {threshold(jumps_), threshold(deviations_)};
    entry.nothing = BeginsNothing(beats(), k, entry.thresholds, *params_);
  }
}

void BeatTrack::Enter(size_t j) {
  if (entries_[j].jump >= 0) jumps_.Add(entries_[j].jump);
  if (entries_[j].deviation >= 0) deviations_.Add(entries_[j].deviation);
}

void BeatTrack::Leave(size_t j) {
  if (entries_[j].jump >= 0) jumps_.Remove(entries_[j].jump);
  if (entries_[j].deviation >= 0) deviations_.Remove(entries_[j].deviation);
}

const Look& BeatTrack::LookAhead(size_t k, size_t known) {
  const auto ahead =
      static_cast<uint8_t>(std::min(known - k - 1, static_cast<size_t>(params_->screen_after)));
  Entry& entry = entries_[k];
  if (entry.ahead == ahead) return entry.look;
  const Look look = LookAt(beats(), k, known, entry.thresholds, *params_);
  if (entry.ahead != kNever && entry.ahead < ahead && look != entry.look) ++rejudged_;
  entry.look = look;
  entry.ahead = ahead;
  return entry.look;
}

void BeatTrack::AddTo(BeatTally* tally, size_t k, size_t known, bool difference) {
  const Verdict verdict = Judge(k, known);
  if (verdict.artefact()) ++tally->artefacts;
  if (verdict.clean() || verdict.corrected()) {
    // An extra beat makes one interval of two, a missed one two or three of one.
    const bool merged = verdict.kind == BeatClass::kExtra && verdict.part == 1;
    tally->intervals += merged ? 0 : 1;
    if (verdict.kind == BeatClass::kMissed) tally->intervals += verdict.part;
    tally->rr_1024 += beats()[k].rr_1024;
  }
  if (difference && k > 0 && verdict.clean() && IsAdjacent(beats(), k, *params_) &&
      Judge(k - 1, known).clean()) {
    const int64_t step = int64_t{beats()[k].rr_1024} - beats()[k - 1].rr_1024;
    ++tally->differences;
    tally->squared_differences += static_cast<uint64_t>(step * step);
  }
}

BeatTally BeatTrack::Tally(size_t begin, size_t end, size_t known) {
  BeatTally tally;
  if (begin >= end) return tally;
  const size_t reach = static_cast<size_t>(params_->screen_after);
  const size_t final_end = std::min(end, known - std::min(known, reach));
  AddTo(&tally, begin, known, false);
  size_t next = begin + 1;
  if (final_end > next) {
    if (running_.empty()) running_.emplace_back();
    while (running_.size() <= final_end) {
      BeatTally sum = running_.back();
      AddTo(&sum, running_.size() - 1, known, true);
      running_.push_back(sum);
    }
    const BeatTally& from = running_[next];
    const BeatTally& to = running_[final_end];
    tally.artefacts += to.artefacts - from.artefacts;
    tally.intervals += to.intervals - from.intervals;
    tally.rr_1024 += to.rr_1024 - from.rr_1024;
    tally.differences += to.differences - from.differences;
    tally.squared_differences += to.squared_differences - from.squared_differences;
    next = final_end;
  }
  for (; next < end; ++next) AddTo(&tally, next, known, true);
  return tally;
}

size_t BeatTrack::MemoryBytes() const {
  return series_.beats().capacity() * sizeof(Beat) + entries_.capacity() * sizeof(Entry) +
         running_.capacity() * sizeof(BeatTally);
}

}  // namespace attune::synchrony
