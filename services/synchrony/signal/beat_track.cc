#include "services/synchrony/signal/beat_track.h"

#include <algorithm>
#include <utility>

namespace attune::synchrony {
namespace {

// What of a verdict sums need, in the three bits that a beat has for it.
enum Mark : uint8_t {
  kClean,
  kMissedOne,
  kMissedTwo,
  kExtraFirst,
  kEctopicFirst,
  kSecond,  // of an extra or ectopic pair
  kLeftOut
};

Mark MarkOf(const Verdict& verdict) {
  if (verdict.clean()) return kClean;
  if (!verdict.corrected()) return kLeftOut;
  if (verdict.kind == BeatClass::kMissed) return verdict.part == 1 ? kMissedOne : kMissedTwo;
  if (verdict.part == 2) return kSecond;
  return verdict.kind == BeatClass::kExtra ? kExtraFirst : kEctopicFirst;
}

// An extra beat makes one interval of two, a missed one two or three of one.
constexpr uint8_t kIntervals[] = {1, 2, 3, 0, 1, 1, 0};
constexpr uint8_t kArtefacts[] = {0, 1, 1, 1, 1, 0, 1};

// Entries that may lie idle: some two dozen are in use.
constexpr size_t kRoom = 4;

}  // namespace

BeatTrack::BeatTrack(const Params& params, std::vector<Beat> beats)
    : params_(&params), series_(beats.size()) {
  std::stable_sort(beats.begin(), beats.end(),
                   [](const Beat& a, const Beat& b) { return a.time_us < b.time_us; });
  for (const Beat& beat : beats) series_.Add(beat);
}

BeatSeries::Added BeatTrack::Add(const Beat& beat) {
  const BeatSeries::Added added = series_.Add(beat);
  if (added == BeatSeries::Added::kChanged) Forget(series_.UpperBound(beat.time_us) - 1);
  return added;
}

void BeatTrack::Forget(size_t from) {
  // What was looked at knew up to screen_after beats ahead.
  const size_t reach = static_cast<size_t>(params_->screen_after);
  const size_t first = from - std::min(from, reach);
  for (size_t k = std::max<size_t>(first, entries_begin_); k < std::min(from, entries_end()); ++k) {
    Entry& entry = entries_[k - entries_begin_];
    if (entry.ahead != kAlways && k + entry.ahead >= from) entry.ahead = kNever;
  }
  marked_ = static_cast<uint32_t>(std::min<size_t>(marked_, first));
  for (Window& window : windows_) {
    if (window.end > first) window = {};
  }
  if (from >= entries_end()) return;
  if (from <= entries_begin_) return Restart(from);
  entries_.resize(from - entries_begin_);
  ClearQuartiles();
}

void BeatTrack::Restart(size_t from) {
  entries_begin_ = static_cast<uint32_t>(from);
  entries_.clear();
  ClearQuartiles();
}

void BeatTrack::ClearQuartiles() {
  quartiles_begin_ = quartiles_end_ = 0;
  jumps_.Clear();
  deviations_.Clear();
}

void BeatTrack::Settle(size_t k) {
  constexpr size_t kWorthMoving = 4;
  const size_t end = std::min(k, entries_end());
  if (end < entries_begin_ + kWorthMoving) return;
  entries_.erase(entries_.begin(), entries_.begin() + static_cast<ptrdiff_t>(end - entries_begin_));
  entries_begin_ = static_cast<uint32_t>(end);
  if (entries_.capacity() > entries_.size() + 2 * kRoom) entries_.shrink_to_fit();
}

void BeatTrack::DropBefore(int64_t time_us) {
  const size_t dropped = series_.DropBefore(time_us);
  // Beats are read until they have left the quartiles, as neighbours too.
  const size_t read = std::min(quartiles_begin_, marked_);
  const size_t beside = static_cast<size_t>(params_->screen_before) + 1 + dropped;
  if (read > beside) series_.Pack(read - beside);
  if (dropped == 0) return;
  Settle(dropped);
  entries_begin_ -= static_cast<uint32_t>(dropped);
  // The values in the quartiles are found again only while their neighbours are there.
  if (quartiles_begin_ < dropped + static_cast<size_t>(params_->screen_before) + 1) {
    ClearQuartiles();
  } else {
    quartiles_begin_ -= static_cast<uint32_t>(dropped);
    quartiles_end_ -= static_cast<uint32_t>(dropped);
  }
  marked_ -= static_cast<uint32_t>(std::min<size_t>(dropped, marked_));
  for (Window& window : windows_) {
    if (window.begin < dropped) {
      window = {};
    } else {
      window.begin -= static_cast<uint32_t>(dropped);
      window.end -= static_cast<uint32_t>(dropped);
    }
  }
}

void BeatTrack::ExtendThresholds(size_t end) {
  const size_t reach = static_cast<size_t>(params_->screen_after);
  const size_t window = static_cast<size_t>(params_->screen_window);
  const auto threshold = [this](const SlidingQuartiles& values) {
    if (values.count() < static_cast<size_t>(params_->screen_window_min)) return int16_t{-1};
    // alpha (Q3 - Q1) / 2
    const int32_t whole = params_->screen_alpha_pct * values.InterquartileRange4() / 800;
    return static_cast<int16_t>(std::min<int32_t>(whole, INT16_MAX));
  };
  for (size_t k = entries_end(); k < end; ++k) {
    // Beats whose own measure knows nothing from k on.
    const size_t last = k - std::min(k, reach);
    const size_t first = last - std::min(last, window);
    const int64_t oldest_us = beats().time_us(k) - params_->screen_window_reach_us;
    if (quartiles_end_ < first) quartiles_begin_ = quartiles_end_ = static_cast<uint32_t>(first);
    for (; quartiles_end_ < last; ++quartiles_end_) {
      // Room first: the window never holds more than its size.
      for (; quartiles_begin_ + window <= quartiles_end_; ++quartiles_begin_) {
        Leave(quartiles_begin_);
      }
      Enter(quartiles_end_);
    }
    while (quartiles_begin_ < quartiles_end_ &&
           (quartiles_begin_ < first || beats().time_us(quartiles_begin_) < oldest_us)) {
      Leave(quartiles_begin_++);
    }
    if (entries_.size() == entries_.capacity()) {
      const size_t many = 8 * kRoom;
      entries_.reserve(entries_.size() + kRoom +
                       (entries_.size() < many ? 0 : entries_.size() / 2));
    }
    Entry& entry = entries_.emplace_back();
    entry.jump = threshold(jumps_);
    entry.level = threshold(deviations_);
    if (BeginsNothing(beats(), k, {entry.jump, entry.level}, *params_)) entry.ahead = kAlways;
  }
}

void BeatTrack::Enter(size_t j) {
  const int32_t jump = Jump(beats(), j, *params_);
  const int32_t deviation = LevelDeviation(beats(), j, *params_);
  if (jump >= 0) jumps_.Add(jump);
  if (deviation >= 0) deviations_.Add(deviation);
}

void BeatTrack::Leave(size_t j) {
  const int32_t jump = Jump(beats(), j, *params_);
  const int32_t deviation = LevelDeviation(beats(), j, *params_);
  if (jump >= 0) jumps_.Remove(jump);
  if (deviation >= 0) deviations_.Remove(deviation);
}

const Look& BeatTrack::LookAhead(size_t k, size_t known) {
  const auto ahead =
      static_cast<uint8_t>(std::min(known - k - 1, static_cast<size_t>(params_->screen_after)));
  Entry& entry = entries_[k - entries_begin_];
  if (entry.ahead == ahead) return entry.look;
  const Look look = LookAt(beats(), k, known, {entry.jump, entry.level}, *params_);
  if (entry.ahead != kNever && entry.ahead < ahead && look != entry.look) ++rejudged_;
  entry.look = look;
  entry.ahead = ahead;
  return entry.look;
}

void BeatTrack::MarkUntil(size_t end, size_t known) {
  for (; marked_ < end; ++marked_) series_.Mark(marked_, MarkOf(Judge(marked_, known)));
}

BeatTally BeatTrack::Own(size_t k, uint8_t mark) const {
  BeatTally tally;
  tally.artefacts = kArtefacts[mark];
  tally.intervals = kIntervals[mark];
  if (mark != kLeftOut) tally.rr_1024 = beats().rr_1024(k);
  return tally;
}

BeatTally BeatTrack::Difference(size_t k, uint8_t mark_before, uint8_t mark) const {
  BeatTally tally;
  if (mark != kClean || mark_before != kClean) return tally;
  const PackedBeats::Step to = beats().StepTo(k);
  if (!IsAdjacent(to, *params_)) return tally;
  const int64_t step = int64_t{to.rr_1024} - beats().rr_1024(k - 1);
  tally.differences = 1;
  tally.squared_differences = static_cast<uint64_t>(step * step);
  return tally;
}

BeatTally BeatTrack::Tally(size_t window, size_t begin, size_t end, size_t known) {
  if (begin >= end) return {};
  const size_t reach = static_cast<size_t>(params_->screen_after);
  const size_t final_end = std::max(begin, std::min(end, known - std::min(known, reach)));
  MarkUntil(final_end, known);
  Window& sums = windows_[window];
  if (sums.begin > begin || sums.end > final_end || sums.end <= begin) {
    sums.begin = sums.end = static_cast<uint32_t>(begin);
    sums.sum = {};
  }
  for (; sums.begin < begin; ++sums.begin) {
    sums.sum -= Own(sums.begin);
    if (sums.begin + 1 < sums.end) sums.sum -= Difference(sums.begin + 1);
  }
  for (; sums.end < final_end; ++sums.end) {
    sums.sum += Own(sums.end);
    if (sums.end > begin) sums.sum += Difference(sums.end);
  }
  BeatTally tally = sums.sum;
  for (size_t k = final_end; k < end; ++k) {
    const Mark mark = MarkOf(Judge(k, known));
    tally += Own(k, mark);
    if (k > begin) tally += Difference(k, MarkOf(Judge(k - 1, known)), mark);
  }
  return tally;
}

}  // namespace attune::synchrony
