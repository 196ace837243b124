#include "services/synchrony/signal/packed_beats.h"

#include <algorithm>

namespace attune::synchrony {
namespace {

// Drops from the front. One may stay idle: the next comes soon.
template <typename Vector>
void DropFirst(size_t count, size_t room, Vector* from) {
  from->erase(from->begin(), from->begin() + static_cast<ptrdiff_t>(count));
  if (from->capacity() > from->size() + 1 + room) from->shrink_to_fit();
}

}  // namespace

void PackedBeats::push_back(const Beat& beat) {
  const size_t place = size_ % kChunk;
  if (place == 0) {
    if (chunks_.size() == chunks_.capacity()) chunks_.reserve(chunks_.size() + 1 + Room());
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
  while (size_ > at) {
    if (chunks_.empty()) UnpackOne();
    --size_;
    if (IsWide(size_)) wide_.pop_back();
    if (size_ % kChunk == 0) chunks_.pop_back();
  }
}

size_t PackedBeats::DropBefore(int64_t time_us) {
  const auto first_us = [this](size_t k) {
    return k < old_ ? old_first_us_ + old_chunks_[k / kChunk].first_us : ChunkOf(k).first_us;
  };
  size_t dropped = 0;
  while (dropped + kChunk < size_ && first_us(dropped + kChunk) <= time_us) dropped += kChunk;
  if (dropped == 0) return 0;
  const size_t old = std::min<size_t>(old_, dropped);
  uint32_t wide = 0, old_wide = 0;
  for (size_t k = 0; k < dropped; ++k) {
    if (!IsWide(k)) continue;
    ++wide;
    if (k < old) ++old_wide;
  }
  if (wide > 0) DropFirst(wide, 0, &wide_);
  wide_dropped_ += wide;
  old_wide_ -= old_wide;
  if (old > 0) {
    DropFirst(old / kChunk, 0, &old_chunks_);
    const uint32_t later_us = old_chunks_.empty() ? 0 : old_chunks_.front().first_us;
    old_first_us_ += later_us;
    for (OldChunk& chunk : old_chunks_) chunk.first_us -= later_us;
  }
  if (dropped > old) DropFirst((dropped - old) / kChunk, Room(), &chunks_);
  old_ -= static_cast<uint32_t>(old);
  size_ -= static_cast<uint32_t>(dropped);
  return dropped;
}

void PackedBeats::set_mark(size_t k, uint8_t mark) {
  if (IsWide(k)) {
    const_cast<Wide&>(WideOf(k)).mark = mark;
    return;
  }
  uint8_t& high = k < old_ ? old_chunks_[k / kChunk].high[k % kChunk] : ChunkOf(k).high[k % kChunk];
  high = static_cast<uint8_t>((high & ((1 << kMarkShift) - 1)) | mark << kMarkShift);
}

bool PackedBeats::Longer(const Beat& before, const Beat& beat, uint32_t* longer) {
  const int64_t biased = beat.time_us - before.time_us - RrUs(beat.rr_1024) + kLongerBias;
  *longer = static_cast<uint32_t>(biased);
  return biased >= 0 && biased < 2 * kLongerBias;
}

Beat PackedBeats::Old(size_t k) const {
  if (IsWide(k)) return WideOf(k).beat;
  const OldChunk& chunk = old_chunks_[k / kChunk];
  Beat beat;
  beat.rr_1024 = chunk.low[k % kChunk] & kMostRr;
  // From the last time that stands there in full.
  for (size_t place = k % kChunk; place > 0; --place) {
    if (chunk.high[place] >> kMarkShift == kWide) [[unlikely]] {
      beat.time_us += WideOf(k - k % kChunk + place).beat.time_us;
      return beat;
    }
    beat.time_us += chunk.StepUs(place);
  }
  beat.time_us += old_first_us_ + chunk.first_us;
  return beat;
}

PackedBeats::Step PackedBeats::OldStep(size_t k) const {
  const OldChunk& chunk = old_chunks_[k / kChunk];
  const size_t place = k % kChunk;
  if (place > 0 && chunk.high[place] >> kMarkShift != kWide) [[likely]] {
    return {chunk.StepUs(place), static_cast<uint16_t>(chunk.low[place] & kMostRr), false};
  }
  const Beat beat = Old(k);
  return {k == 0 ? 0 : beat.time_us - Old(k - 1).time_us, beat.rr_1024, beat.gap_before};
}

void PackedBeats::Pack(size_t end) {
  constexpr int kAtOnce = 16;
  for (int i = 0; i < kAtOnce && old_ + kChunk <= std::min<size_t>(end, size_) && PackOne(); ++i) {
  }
}

bool PackedBeats::PackOne() {
  const int64_t first_us = chunks_.front().first_us;
  if (old_chunks_.empty()) old_first_us_ = first_us;
  if (first_us - old_first_us_ > UINT32_MAX) return false;
  OldChunk chunk;
  chunk.first_us = static_cast<uint32_t>(first_us - old_first_us_);
  std::vector<Wide> wide;
  size_t known_wide = 0;
  Beat before;
  for (size_t place = 0; place < kChunk; ++place) {
    const size_t k = old_ + place;
    const Beat beat = (*this)[k];
    const bool was_wide = IsWide(k);
    uint8_t own_mark = mark(k);
    uint32_t longer = kLongerBias;
    const bool fits = (place == 0 || Longer(before, beat, &longer)) && !beat.gap_before;
    before = beat;
    uint32_t bits = longer << kRrBits | beat.rr_1024;
    if (!fits || was_wide) {
      if (wide.size() == kMostWide) return false;
      bits = (wide_dropped_ + old_wide_ + static_cast<uint32_t>(wide.size())) & kMostBits;
      wide.push_back({beat, own_mark});
      own_mark = kWide;
      if (was_wide) ++known_wide;
    }
    chunk.low[place] = static_cast<uint16_t>(bits);
    chunk.high[place] = static_cast<uint8_t>(bits >> 16 | uint32_t{own_mark} << kMarkShift);
  }
  if (old_chunks_.size() == old_chunks_.capacity()) old_chunks_.reserve(old_chunks_.size() + 1);
  old_chunks_.push_back(chunk);
  DropFirst(1, Room(), &chunks_);
  old_ += kChunk;
  if (wide.empty()) return true;
  // They stand before those of the beats that follow, whose numbers move.
  const auto at = wide_.begin() + static_cast<ptrdiff_t>(old_wide_);
  const auto behind = wide_.erase(at, at + static_cast<ptrdiff_t>(known_wide));
  wide_.insert(behind, wide.begin(), wide.end());
  old_wide_ += static_cast<uint32_t>(wide.size());
  for (size_t k = old_; k < size_; ++k) {
    if (IsWide(k)) ChunkOf(k).low[k % kChunk] += static_cast<uint32_t>(wide.size() - known_wide);
  }
  return true;
}

void PackedBeats::UnpackOne() {
  const size_t first = old_ - kChunk;
  const std::vector<Beat> beats = From(first);
  uint8_t marks[kChunk];
  uint32_t wide = 0;
  for (size_t place = 0; place < kChunk; ++place) {
    marks[place] = mark(first + place);
    if (IsWide(first + place)) ++wide;
  }
  wide_.resize(wide_.size() - wide);
  old_wide_ -= wide;
  old_chunks_.pop_back();
  old_ = size_ = static_cast<uint32_t>(first);
  for (size_t place = 0; place < kChunk; ++place) {
    push_back(beats[place]);
    set_mark(first + place, marks[place]);
  }
}

std::vector<Beat> PackedBeats::From(size_t from) const {
  std::vector<Beat> beats;
  beats.reserve(size_ - std::min<size_t>(size_, from));
  for (size_t k = from; k < size_; ++k) beats.push_back((*this)[k]);
  return beats;
}

}  // namespace attune::synchrony
