#include "services/synchrony/signal/grid.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "services/synchrony/signal/pchip.h"
#include "services/synchrony/signal/screen.h"

namespace attune::synchrony {
namespace {

constexpr size_t kNone = static_cast<size_t>(-1);

// The beats as one sample sees them: only the first `known` of them.
struct View {
  const std::vector<Beat>& beats;
  size_t known;
  const Params& params;

  bool Clean(size_t k) const { return IsClean(beats, k, known, params); }

  // The knot after knot `i` that the curve may go on to, or kNone.
  size_t Next(size_t i) const {
    for (size_t k = i + 1; k < known && k <= i + 1 + Bridge(); ++k) {
      if (!IsAdjacent(beats, k, params) || TooFar(i, k)) return kNone;
      if (Clean(k)) return k;
    }
    return kNone;
  }

  size_t Previous(size_t i) const {
    for (size_t k = i; k > 0 && i - k <= Bridge(); --k) {
      if (!IsAdjacent(beats, k, params) || TooFar(k - 1, i)) return kNone;
      if (Clean(k - 1)) return k - 1;
    }
    return kNone;
  }

  size_t Bridge() const { return static_cast<size_t>(params.bridge_rejected); }
  bool TooFar(size_t a, size_t b) const {
    return beats[b].time_us - beats[a].time_us > params.bridge_us;
  }

  // Time in seconds from `origin_us`, so that the digits do not depend on how old the session is.
  Knot At(size_t i, int64_t origin_us) const {
    return {static_cast<double>(beats[i].time_us - origin_us) * 1e-6, 2.0 * beats[i].rr_1024};
  }
};

}  // namespace

bool CurveAt(const std::vector<Beat>& beats, int64_t time_us, const Params& params, size_t* hint,
             double* units) {
  size_t right = std::min(*hint, beats.size());
  while (right > 0 && beats[right - 1].time_us >= time_us) --right;
  while (right < beats.size() && beats[right].time_us < time_us) ++right;
  *hint = right;  // the first beat at or after the sample
  size_t known = right;
  while (known < beats.size() && beats[known].time_us <= time_us + params.horizon_us) ++known;
  if (right == 0 || right >= known) return false;

  const View view{beats, known, params};
  size_t left = right - 1;
  for (int passed = 0; !view.Clean(left); --left) {
    if (left == 0 || ++passed > params.bridge_rejected) return false;
  }
  const size_t next = view.Next(left);
  if (next == kNone || next < right) return false;
  const size_t before = view.Previous(left);
  const size_t after = view.Next(next);

  const int64_t origin_us = beats[left].time_us;
  const Knot knot_before = before == kNone ? Knot{} : view.At(before, origin_us);
  const Knot knot_after = after == kNone ? Knot{} : view.At(after, origin_us);
  *units = PchipAt(static_cast<double>(time_us - origin_us) * 1e-6,
                   before == kNone ? nullptr : &knot_before, view.At(left, origin_us),
                   view.At(next, origin_us), after == kNone ? nullptr : &knot_after);
  return true;
}

bool GridValueAt(const std::vector<Beat>& beats, int64_t sample, const Params& params, size_t* hint,
                 int16_t* value) {
  double y = 0;
  if (!CurveAt(beats, sample * kSampleUs, params, hint, &y)) return false;
  const long steps = std::lrint(y) - kGridBaseline;
  *value = static_cast<int16_t>(std::clamp<long>(steps, -kGridLimit, kGridLimit));
  return true;
}

GridTrack GridTrack::ForTest(int64_t begin, std::vector<int16_t> values,
                             std::vector<int16_t> masks) {
  GridTrack track(static_cast<int>(values.size()));
  track.begin_ = begin;
  track.values_ = std::move(values);
  track.masks_ = std::move(masks);
  return track;
}

void GridTrack::ExtendTo(int64_t last, const std::vector<Beat>& beats, const Params& params) {
  const int64_t oldest = last - keep_ + 1;
  if (values_.empty() || end() < oldest) {  // nothing that is there will be asked for again
    values_.clear();
    masks_.clear();
    begin_ = oldest;
  }
  size_t hint = 0;
  if (end() <= last) {
    hint = static_cast<size_t>(
        std::lower_bound(beats.begin(), beats.end(), end() * kSampleUs,
                         [](const Beat& beat, int64_t time) { return beat.time_us < time; }) -
        beats.begin());
  }
  for (int64_t sample = end(); sample <= last; ++sample) {
    int16_t value = 0;
    const bool valid = sample > 0 && GridValueAt(beats, sample, params, &hint, &value);
    values_.push_back(value);
    masks_.push_back(valid ? -1 : 0);
  }
  // Moved down only when as much again has piled up.
  if (end() - oldest < static_cast<int64_t>(values_.size()) / 2) {
    const auto drop = static_cast<ptrdiff_t>(oldest - begin_);
    values_.erase(values_.begin(), values_.begin() + drop);
    masks_.erase(masks_.begin(), masks_.begin() + drop);
    begin_ = oldest;
  }
}

void GridTrack::TruncateFrom(int64_t first) {
  if (first >= end()) return;
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
