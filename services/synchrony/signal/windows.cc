#include "services/synchrony/signal/windows.h"

#include <algorithm>
#include <cmath>

namespace attune::synchrony {
namespace {

constexpr double kFlat = 4.0;

}  // namespace

bool NormaliseWindow(const int16_t* values, const int16_t* masks, int length,
                     double min_valid_share, int16_t* row) {
  std::fill(row, row + kRowLength, int16_t{0});
  int32_t n = 0, su = 0, suu = 0, sx = 0, sux = 0;
  for (int i = 0; i < length; ++i) {
    if (masks[i] == 0) continue;
    ++n;
    su += i;
    suu += i * i;
    sx += values[i];
    sux += i * values[i];
  }
  if (n < 3 || n < min_valid_share * length) return false;
  const double mean_u = static_cast<double>(su) / n;
  const double mean_x = static_cast<double>(sx) / n;
  const double slope = (sux - mean_u * sx) / (suu - mean_u * su);
  double residual[kRowLength];
  double squares = 0;
  for (int i = 0; i < length; ++i) {
    residual[i] = masks[i] == 0 ? 0 : values[i] - mean_x - slope * (i - mean_u);
    squares += residual[i] * residual[i];
  }
  if (squares < kFlat) return false;
  const double scale = kUnitLength / std::sqrt(squares);
  for (int i = 0; i < length; ++i) row[i] = static_cast<int16_t>(std::lrint(residual[i] * scale));
  return true;
}

WindowTrack::WindowTrack(int keep)
    : keep_(keep), rows_(size_t{2} * keep * kRowLength), usable_(size_t{2} * keep) {}

void WindowTrack::ExtendTo(int64_t last, const GridTrack& grid, const Params& params) {
  const int64_t oldest = last - keep_ + 1;
  if (end_ < oldest) {
    if (end_ > begin_) ++revision_;
    base_ = begin_ = end_ = oldest;
  }
  if (last - base_ >= 2 * keep_) {  // out of slots: move what is still needed down
    const int64_t shift = oldest - base_;
    std::move(rows_.begin() + shift * kRowLength, rows_.end(), rows_.begin());
    std::move(usable_.begin() + shift, usable_.end(), usable_.begin());
    base_ = oldest;
  }
  const int length = params.window_seconds * kSamplesPerSecond;
  for (; end_ <= last; ++end_) {
    const int64_t sample = end_ * kSamplesPerSecond;
    const bool usable =
        sample >= length &&
        NormaliseWindow(grid.values(sample, length), grid.masks(sample, length), length,
                        params.window_min_valid_share, &rows_[Slot(end_) * kRowLength]);
    if (sample < length) {
      std::fill_n(&rows_[Slot(end_) * kRowLength], kRowLength, int16_t{0});
    }
    usable_[Slot(end_)] = usable ? 1 : 0;
  }
  begin_ = std::max(begin_, oldest);
}

void WindowTrack::TruncateFromSample(int64_t first) {
  // Window m holds `first` when 4 m >= first.
  const int64_t window = (first + kSamplesPerSecond - 1) / kSamplesPerSecond;
  if (window >= end_) return;
  end_ = std::max(window, begin_);
  ++revision_;
}

}  // namespace attune::synchrony
