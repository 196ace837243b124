#include "services/synchrony/signal/grid.h"

#include <algorithm>
#include <cmath>
#include <utility>

namespace attune::synchrony {
namespace {

// Samples that may pile up before the oldest are moved out.
constexpr int kSpare = 64;

}  // namespace

GridTrack GridTrack::ForTest(int64_t begin, std::vector<int16_t> values,
                             std::vector<int16_t> masks) {
  GridTrack track(static_cast<int>(values.size()));
  track.begin_ = begin;
  track.values_ = std::move(values);
  track.masks_ = std::move(masks);
  return track;
}

void GridTrack::ExtendTo(int64_t last, BeatTrack* beats, const Params& params) {
  const int64_t oldest = last - keep_ + 1;
  if (values_.empty() || end() < oldest) {  // nothing that is there will be asked for again
    values_.clear();
    masks_.clear();
    begin_ = oldest;
    values_.reserve(static_cast<size_t>(keep_ + kSpare + kSamplesPerSecond));
    masks_.reserve(static_cast<size_t>(keep_ + kSpare + kSamplesPerSecond));
  }
  curve_.Reseat();
  for (int64_t sample = end(); sample <= last; ++sample) {
    double units = 0;
    const bool valid = sample > 0 && curve_.At(sample * kSampleUs, beats, params, &units);
    const long steps = valid ? std::lrint(units) - kGridBaseline : 0;
    values_.push_back(static_cast<int16_t>(std::clamp<long>(steps, -kGridLimit, kGridLimit)));
    masks_.push_back(valid ? -1 : 0);
  }
  // Moved down only when there is something to gain.
  if (oldest - begin_ >= kSpare) {
    const auto drop = static_cast<ptrdiff_t>(oldest - begin_);
    values_.erase(values_.begin(), values_.begin() + drop);
    masks_.erase(masks_.begin(), masks_.begin() + drop);
    begin_ = oldest;
  }
}

void GridTrack::TruncateFrom(int64_t first) {
  if (first >= end()) return;
  curve_.Reset();
  const size_t left = first <= begin_ ? 0 : static_cast<size_t>(first - begin_);
  values_.resize(left);
  masks_.resize(left);
}

int GridTrack::CountValid(int64_t last, int count) const {
  const int16_t* mask = masks(last, count);
  int valid = 0;
  for (int i = 0; i < count; ++i) valid -= mask[i];
  return valid;
}

}  // namespace attune::synchrony
