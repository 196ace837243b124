// One person's beats, exact, in few bytes: five and a half for one that is read often, three and a
// half for an older one.
//
// Sixteen beats in a row share the time of the first. A beat then takes 40 bits: its time after
// that one (25 bits, 33 s), its interval (11 bits, 2 s), its gap, and a mark of three bits that the
// owner sets. What does not fit (a longer interval, a dropout) stands in full in a list aside.
//
// Of sixteen older beats (Pack) each takes 24 bits: its interval, its mark, and by how much the
// time since the beat before is not that interval (10 bits, half a millisecond: an interval comes
// rounded to 1/1024 s). The times of those before it are added up to find its own.
#ifndef ATTUNE_SERVICES_SYNCHRONY_SIGNAL_PACKED_BEATS_H_
#define ATTUNE_SERVICES_SYNCHRONY_SIGNAL_PACKED_BEATS_H_

#include <cstddef>
#include <cstdint>
#include <memory_resource>
#include <vector>

#include "services/synchrony/numbers.h"

namespace attune::synchrony {

class PackedBeats {
 public:
  // The beats lie in `memory`, which must outlive them; the few that do not fit, on the heap.
  explicit PackedBeats(std::pmr::memory_resource* memory = std::pmr::get_default_resource())
      : old_chunks_(memory), chunks_(memory) {}
  // For rules over a few beats.
  PackedBeats(const std::vector<Beat>& beats) {  // NOLINT: the same beats
    for (const Beat& beat : beats) push_back(beat);
  }

  size_t size() const { return size_; }
  bool empty() const { return size_ == 0; }

  Beat operator[](size_t k) const {
    if (k < old_) [[unlikely]] {
      return Old(k);
    }
    const Chunk& chunk = ChunkOf(k);
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
  // Of an older beat these are there without adding up.
  uint16_t rr_1024(size_t k) const { return k < old_ ? OldStep(k).rr_1024 : (*this)[k].rr_1024; }
  struct Step {
    int64_t us;  // since beat k - 1
    uint16_t rr_1024;
    bool gap_before;
  };
  Step StepTo(size_t k) const {  // k > 0
    if (k < old_) [[unlikely]] {
      return OldStep(k);
    }
    const Beat beat = (*this)[k];
    return {beat.time_us - time_us(k - 1), beat.rr_1024, beat.gap_before};
  }

  // Later than all that are there.
  void push_back(const Beat& beat);
  // Before beat `at`, in the order of times. The marks from `at` on are lost.
  void insert(size_t at, const Beat& beat);
  // Another interval or gap at the same time. The marks from `at` on are lost.
  void replace(size_t at, const Beat& beat);

  // Drops chunks from the front that lie before `time_us`; returns how many beats. Up to sixteen
  // that lie before it stay.
  size_t DropBefore(int64_t time_us);
  // Beats before `end` will hardly be read again. What does not fit into less stays as it is, with
  // what follows it.
  void Pack(size_t end);

  // 0 to 6; 0 at first.
  uint8_t mark(size_t k) const {
    const uint8_t own = High(k) >> kMarkShift;
    return own == kWide ? WideOf(k).mark : own;
  }
  void set_mark(size_t k, uint8_t mark);

  // Beats [from, size()).
  std::vector<Beat> From(size_t from) const;

  void Prefetch(size_t k) const {
    if (k >= size_) return;
    if (k >= old_) return __builtin_prefetch(&ChunkOf(k));
    const OldChunk& chunk = old_chunks_[k / kChunk];
    __builtin_prefetch(&chunk);
    __builtin_prefetch(&chunk.high[kChunk - 1]);
  }

  size_t MemoryBytes() const {
    return old_chunks_.capacity() * sizeof(OldChunk) + chunks_.capacity() * sizeof(Chunk) +
           wide_.capacity() * sizeof(Wide);
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
  // Of an OldChunk.
  static constexpr uint8_t kBitsHigh = 0x1f;
  static constexpr uint32_t kMostBits = (1u << 21) - 1;
  static constexpr int32_t kLongerBias = 1 << 9;
  static constexpr size_t kMostWide = 2;  // more take no less room

  struct Chunk {
    int64_t first_us;
    uint32_t low[kChunk];  // interval, the low bits of the time; or the number of a Wide
    uint8_t high[kChunk];  // mark or kWide, gap, the high bits of the time
  };
  static int32_t RrUs(uint32_t rr_1024) { return static_cast<int32_t>((rr_1024 * 15625 + 8) / 16); }
  struct OldChunk {
    uint32_t first_us;     // after old_first_us_
    uint16_t low[kChunk];  // interval, the low bits of what the step is longer; or number of a Wide
    uint8_t high[kChunk];  // mark or kWide, the high bits

    uint32_t Bits(size_t place) const {
      return low[place] | uint32_t{static_cast<uint8_t>(high[place] & kBitsHigh)} << 16;
    }
    int64_t StepUs(size_t place) const {
      const uint32_t bits = Bits(place);
      return RrUs(bits & kMostRr) + static_cast<int32_t>(bits >> kRrBits) - kLongerBias;
    }
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
  // What stands aside of beat k, whose mark is kWide.
  const Wide& WideOf(size_t k) const {
    if (k >= old_) return WideAt(ChunkOf(k).low[k % kChunk]);
    return wide_[(old_chunks_[k / kChunk].Bits(k % kChunk) - wide_dropped_) & kMostBits];
  }
  Chunk& ChunkOf(size_t k) { return chunks_[(k - old_) / kChunk]; }
  const Chunk& ChunkOf(size_t k) const { return chunks_[(k - old_) / kChunk]; }
  uint8_t High(size_t k) const {
    return k < old_ ? old_chunks_[k / kChunk].high[k % kChunk] : ChunkOf(k).high[k % kChunk];
  }
  bool IsWide(size_t k) const { return High(k) >> kMarkShift == kWide; }
  // What the time from the one to the other is longer than the other's interval, with kLongerBias.
  // False when it does not fit.
  static bool Longer(const Beat& before, const Beat& beat, uint32_t* longer);
  Beat Old(size_t k) const;
  Step OldStep(size_t k) const;
  // The first of chunks_ becomes the last of old_chunks_; false when it does not fit.
  bool PackOne();
  // The other way round, with no chunks_ behind it.
  void UnpackOne();
  // Chunks that may lie idle: none of few, but not a move for each of many.
  size_t Room() const { return chunks_.size() / 32; }
  // Drops beats from `at` on.
  void Truncate(size_t at);

  uint32_t size_ = 0;
  uint32_t old_ = 0;  // beats in old_chunks_; chunks_ hold those after them
  std::pmr::vector<OldChunk> old_chunks_;
  std::pmr::vector<Chunk> chunks_;
  std::vector<Wide> wide_;    // in the order of beats
  int64_t old_first_us_ = 0;  // of old_chunks_
  uint32_t wide_dropped_ = 0;
  uint32_t old_wide_ = 0;  // how many of wide_ are of old_chunks_
};

}  // namespace attune::synchrony

#endif  // ATTUNE_SERVICES_SYNCHRONY_SIGNAL_PACKED_BEATS_H_
