#include "services/synchrony/signal/packed_beats.h"

#include <algorithm>

namespace attune::synchrony {

void PackedBeats::push_back(const Beat& beat) {
  const size_t place = size_ % kChunk;
  if (place == 0) {
    if (chunks_.size() == chunks_.capacity()) chunks_.reserve(chunks_.size() + Room());
    chunks_.emplace_back().first_us = beat.time_us;
  }
  Chunk& chunk = chunks_.back();
  const int64_t after_us = beat.time_us - chunk.first_us;
  if (after_us > kMostUs || beat.rr_1024 > kMostRr) {
    chunk.low[place] = wide_dropped_ + static_cast<uint32_t>(wide_.size());
    chunk.high[place] = kWide << kMarkShift;
    wide_.push_back({beat, 0});
  } else {
    const auto time = static_cast<uint32_t>(after_us);
    chunk.low[place] = time << kRrBits | beat.rr_1024;
    chunk.high[place] =
        static_cast<uint8_t>(time >> (32 - kRrBits) | (beat.gap_before ? uint32_t{kGap} : 0));
  }
  ++size_;
}

void PackedBeats::insert(size_t at, const Beat& beat) {
  const std::vector<Beat> behind = From(at);
  Truncate(at);
  push_back(beat);
  for (const Beat& later : behind) push_back(later);
}

void PackedBeats::replace(size_t at, const Beat& beat) {
  const std::vector<Beat> behind = From(at + 1);
  Truncate(at);
  push_back(beat);
  for (const Beat& later : behind) push_back(later);
}

void PackedBeats::Truncate(size_t at) {
  for (; size_ > at; --size_) {
    const size_t place = (size_ - 1) % kChunk;
    if (chunks_.back().high[place] >> kMarkShift == kWide) wide_.pop_back();
    if (place == 0) chunks_.pop_back();
  }
}

size_t PackedBeats::DropBefore(int64_t time_us) {
  size_t chunks = 0;
  while ((chunks + 1) * kChunk <= size_ && this->time_us((chunks + 1) * kChunk - 1) < time_us) {
    ++chunks;
  }
  if (chunks == 0) return 0;
  const size_t dropped = chunks * kChunk;
  size_t wide = 0;
  for (size_t k = 0; k < dropped; ++k) {
    wide += chunks_[k / kChunk].high[k % kChunk] >> kMarkShift == kWide ? 1 : 0;
  }
  chunks_.erase(chunks_.begin(), chunks_.begin() + static_cast<ptrdiff_t>(chunks));
  if (chunks_.capacity() > chunks_.size() + Room()) chunks_.shrink_to_fit();
  if (wide > 0) {
    wide_ = std::vector<Wide>(wide_.begin() + static_cast<ptrdiff_t>(wide), wide_.end());
    wide_dropped_ += static_cast<uint32_t>(wide);
  }
  size_ -= dropped;
  return dropped;
}

void PackedBeats::set_mark(size_t k, uint8_t mark) {
  uint8_t& high = chunks_[k / kChunk].high[k % kChunk];
  if (high >> kMarkShift == kWide) {
    WideAt(chunks_[k / kChunk].low[k % kChunk]).mark = mark;
  } else {
    high = static_cast<uint8_t>((high & ((1 << kMarkShift) - 1)) | mark << kMarkShift);
  }
}

std::vector<Beat> PackedBeats::From(size_t from) const {
  std::vector<Beat> beats;
  beats.reserve(size_ - std::min(size_, from));
  for (size_t k = from; k < size_; ++k) beats.push_back((*this)[k]);
  return beats;
}

}  // namespace attune::synchrony
