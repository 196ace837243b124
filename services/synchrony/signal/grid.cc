#include "services/synchrony/signal/grid.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <type_traits>
#include <utility>

namespace attune::synchrony {
namespace {

// Samples that may pile up before the oldest are moved out.
constexpr int kSpare = 4;

constexpr int kWordBits = 64;

constexpr auto kAllThere = [] {
  std::array<int16_t, GridTrack::kMostMasks> masks{};
  for (int16_t& mask : masks) mask = -1;
  return masks;
}();

}  // namespace

GridTrack::GridTrack(int keep, int history, int lead, std::pmr::memory_resource* memory)
    : keep_(keep),
      history_(history),
      lead_(lead),
      values_(memory),
      there_(static_cast<size_t>(history / kWordBits + 2), memory) {}

GridTrack GridTrack::ForTest(int64_t begin, std::vector<int16_t> values,
                             std::vector<int16_t> masks) {
  GridTrack track(static_cast<int>(values.size()));
  track.begin_ = begin;
  for (size_t i = 0; i < values.size(); ++i) {
    track.Append(begin + static_cast<int64_t>(i), masks[i] != 0, values[i]);
  }
  return track;
}

const int16_t* GridTrack::AllThere() { return kAllThere.data(); }

void GridTrack::Append(int64_t sample, bool there, int16_t value) {
  if (!there && masks_.empty()) {
    masks_.reserve(values_.capacity());
    masks_.assign(values_.size(), -1);
  }
  values_.push_back(value);
  if (!there || !masks_.empty()) masks_.push_back(there ? -1 : 0);
  if (sample < 1) return;
  uint64_t& word = there_[static_cast<size_t>(sample / kWordBits) % there_.size()];
  const uint64_t bit = uint64_t{1} << (sample % kWordBits);
  word = there ? word | bit : word & ~bit;
}

void GridTrack::ExtendTo(int64_t last, BeatTrack* beats, const Params& params) {
  const int64_t oldest = last - history_ + 1;
  const int64_t unknown = std::max(known_end_, oldest);
  const int64_t from = std::max(unknown - lead_, oldest);
  if (values_.empty() || end() < unknown || begin_ > from) {
    begin_ = std::min(from, last - keep_ + 1);
    values_.clear();
    DropMasks();
    values_.reserve(static_cast<size_t>(last - begin_ + 1 + kSpare + kSamplesPerSecond));
  }
  curve_.Reseat();
  for (int64_t sample = end(); sample <= last; ++sample) {
    double units = 0;
    const bool there = sample > 0 && curve_.At(sample * kSampleUs, beats, params, &units);
    const long steps = there ? std::lrint(units) - kGridBaseline : 0;
    Append(sample, there, static_cast<int16_t>(std::clamp<long>(steps, -kGridLimit, kGridLimit)));
  }
  known_end_ = std::max(known_end_, last + 1);
}

void GridTrack::Trim() {
  const ptrdiff_t drop = static_cast<ptrdiff_t>(values_.size()) - keep_;
  // Moved down only when there is something to gain.
  if (drop < kSpare) return;
  values_.erase(values_.begin(), values_.begin() + drop);
  if (!masks_.empty()) masks_.erase(masks_.begin(), masks_.begin() + drop);
  begin_ += drop;
  if (std::find(masks_.begin(), masks_.end(), 0) == masks_.end()) DropMasks();
  const size_t room = static_cast<size_t>(keep_ + kSpare + kSamplesPerSecond);
  if (values_.capacity() <= room) return;
  const auto fit = [room](auto* samples) {
    std::remove_pointer_t<decltype(samples)> fitting(samples->get_allocator());
    fitting.reserve(room);
    fitting.assign(samples->begin(), samples->end());
    samples->swap(fitting);
  };
  fit(&values_);
  if (!masks_.empty()) fit(&masks_);
}

void GridTrack::TruncateFrom(int64_t first) {
  if (first >= known_end_) return;
  curve_.Reset();
  known_end_ = std::max<int64_t>(first, 1);
  if (first >= end()) return;
  const size_t left = first <= begin_ ? 0 : static_cast<size_t>(first - begin_);
  values_.resize(left);
  if (!masks_.empty()) masks_.resize(left);
}

int GridTrack::CountBoth(const GridTrack& other, int64_t last, int count) const {
  const int64_t first = std::max<int64_t>(last - count + 1, 1);
  int both = 0;
  for (int64_t word = first / kWordBits; word <= last / kWordBits; ++word) {
    uint64_t bits = Word(word) & other.Word(word);
    if (word == first / kWordBits) bits &= ~uint64_t{0} << (first % kWordBits);
    if (word == last / kWordBits) bits &= ~uint64_t{0} >> (kWordBits - 1 - last % kWordBits);
    both += std::popcount(bits);
  }
  return both;
}

int GridTrack::CountRun(int64_t last, int most) const {
  int run = 0;
  for (int64_t at = last; at > 0 && run < most;) {
    const int64_t in_word = at % kWordBits + 1;
    const int ones = std::countl_one(Word(at / kWordBits) << (kWordBits - in_word));
    run += static_cast<int>(std::min<int64_t>(ones, in_word));
    if (ones < in_word) break;
    at -= in_word;
  }
  return std::min(run, most);
}

}  // namespace attune::synchrony
