#include "services/synchrony/signal/windows.h"

#include <algorithm>
#include <cmath>

namespace attune::synchrony {
namespace {

constexpr double kFlat = 4.0;

// After a burst of late beats the room for its changes is given back.
constexpr size_t kManyChanges = 4;

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

WindowRing::WindowRing(int size, int moment_seconds, std::pmr::memory_resource* memory)
    : moment_samples_(moment_seconds * kSamplesPerSecond),
      slots_(size, memory),
      blocks_(static_cast<size_t>(RoundUp(size, kBlockWindows) / kBlockWindows), memory),
      changes_(memory) {}

void WindowRing::ExtendTo(int64_t last, const GridTrack& grid, const Params& params) {
  changes_.clear();
  if (changes_.capacity() > kManyChanges) changes_.shrink_to_fit();
  const int64_t first = slots_.Begin(last);
  const int length = params.window_seconds * kSamplesPerSecond;
  for (int64_t window = first; window <= last; ++window) {
    int16_t row[kRowLength], old[kRowLength];
    const int64_t sample = window * moment_samples_;
    bool usable = false;
    if (sample >= length) {
      usable = NormaliseWindow(grid.values(sample, length), grid.masks(sample, length), length,
                               params.window_min_valid_share, row);
    } else {
      std::fill(row, row + kRowLength, int16_t{0});
    }
    const int slot = slots_.SlotOf(window);
    if (!usable && !slots_.usable(slot)) continue;
    GetBlockRow(blocks_[0].pairs, static_cast<size_t>(slot), old);
    SetBlockRow(row, static_cast<size_t>(slot), blocks_[0].pairs);
    slots_.Set(slot, usable);
    own_ += Dot(row, row, kRowLength) - Dot(old, old, kRowLength);
    Change& change = changes_.emplace_back();
    change.slot = slot;
    for (int i = 0; i < kRowLength; ++i) {
      change.difference[i] = static_cast<int16_t>(row[i] - old[i]);
    }
  }
}

void WindowRing::ForgetFromSample(int64_t first) {
  // Window m holds `first` when its last sample is not before it.
  slots_.Forget((first + moment_samples_ - 1) / moment_samples_);
}

}  // namespace attune::synchrony
