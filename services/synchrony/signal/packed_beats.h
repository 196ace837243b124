// One person's beats, five and a half bytes each, exact and found by their place at once.
//
// Sixteen beats in a row share the time of the first. A beat then takes 40 bits: its time after
// that one (25 bits, 33 s), its interval (11 bits, 2 s), its gap, and a mark of three bits that the
// owner sets. What does not fit (a longer interval, a dropout) stands in full in a list aside.
#ifndef ATTUNE_SERVICES_SYNCHRONY_SIGNAL_PACKED_BEATS_H_
#define ATTUNE_SERVICES_SYNCHRONY_SIGNAL_PACKED_BEATS_H_

#include <cstddef>
#include <cstdint>
#include <vector>

#include "services/synchrony/numbers.h"

namespace attune::synchrony {

class PackedBeats {
 public:
  PackedBeats() = default;
  // For rules over a few beats.
  PackedBeats(const std::vector<Beat>& beats) {  // NOLINT: the same beats
    for (const Beat& beat : beats) push_back(beat);
  }

  size_t size() const { return size_; }
  bool empty() const { return size_ == 0; }

  Beat operator[](size_t k) const {
    const Chunk& chunk = chunks_[k / kChunk];
    const uint32_t low = chunk.low[k % kChunk];
    const uint8_t high = chunk.high[k % kChunk];
    if (high >> kMarkShift == kWide) [[unlikely]] {
      return WideAt(low).beat;
    }
    return {chunk.first_us + TimeOf(low, high), static_cast<uint16_t>(low & kMostRr),
            (high & kGap) != 0};
  }
  Beat back() const { return (*this)[size_ - 1]; }
  int64_t time_us(size_t k) const { return (*this)[k].time_us; }

  // Later than all that are there.
  void push_back(const Beat& beat);
  // Before beat `at`, in the order of times. The marks from `at` on are lost.
  void insert(size_t at, const Beat& beat);
  // Another interval or gap at the same time. The marks from `at` on are lost.
  void replace(size_t at, const Beat& beat);

  // Drops chunks from the front that lie before `time_us`; returns how many beats. Up to fifteen
  // that lie before it stay.
  size_t DropBefore(int64_t time_us);

  // 0 to 6; 0 at first.
  uint8_t mark(size_t k) const {
    const uint8_t own = chunks_[k / kChunk].high[k % kChunk] >> kMarkShift;
    return own == kWide ? WideAt(chunks_[k / kChunk].low[k % kChunk]).mark : own;
  }
  void set_mark(size_t k, uint8_t mark);

  // Beats [from, size()).
  std::vector<Beat> From(size_t from) const;

  void Prefetch(size_t k) const {
    if (k < size_) __builtin_prefetch(&chunks_[k / kChunk]);
  }

  size_t MemoryBytes() const {
    return chunks_.capacity() * sizeof(Chunk) + wide_.capacity() * sizeof(Wide);
  }

  friend bool operator==(const PackedBeats& a, const PackedBeats& b) {
    return a.From(0) == b.From(0);
  }

 private:
  static constexpr size_t kChunk = 16;
  static constexpr int kRrBits = 11;
  static constexpr uint32_t kMostRr = (1u << kRrBits) - 1;
  static constexpr int64_t kMostUs = (int64_t{1} << 25) - 1;
  static constexpr uint8_t kTimeHigh = 0x0f;
  static constexpr uint8_t kGap = 0x10;
  static constexpr int kMarkShift = 5;
  static constexpr uint8_t kWide = 7;

  struct Chunk {
    int64_t first_us;
    uint32_t low[kChunk];  // interval, the low bits of the time; or the number of a Wide
    uint8_t high[kChunk];  // mark or kWide, gap, the high bits of the time
  };
  struct Wide {
    Beat beat;
    uint8_t mark = 0;
  };

  static int64_t TimeOf(uint32_t low, uint8_t high) {
    return (low >> kRrBits) | uint32_t{static_cast<uint8_t>(high & kTimeHigh)} << (32 - kRrBits);
  }
  // Numbers go on when beats are dropped.
  Wide& WideAt(uint32_t number) { return wide_[number - wide_dropped_]; }
  const Wide& WideAt(uint32_t number) const { return wide_[number - wide_dropped_]; }
  // Chunks that may lie idle: little of few, but not a move for each of many.
  size_t Room() const { return 1 + chunks_.size() / 32; }
  // Drops beats from `at` on.
  void Truncate(size_t at);

  size_t size_ = 0;
  std::vector<Chunk> chunks_;
  std::vector<Wide> wide_;
  uint32_t wide_dropped_ = 0;
};

}  // namespace attune::synchrony

#endif  // ATTUNE_SERVICES_SYNCHRONY_SIGNAL_PACKED_BEATS_H_
