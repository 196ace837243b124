// A hint that data will be read soon: rooms are many, and the data of one is far away by the time
// its next tick comes.
#ifndef ATTUNE_SERVICES_SYNCHRONY_KERNEL_PREFETCH_H_
#define ATTUNE_SERVICES_SYNCHRONY_KERNEL_PREFETCH_H_

#include <algorithm>
#include <array>
#include <cstddef>

namespace attune::synchrony {

inline void Prefetch(const void* data, size_t bytes) {
  const char* begin = static_cast<const char*>(data);
  for (size_t at = 0; at < bytes; at += 64) __builtin_prefetch(begin + at);
}

// Pieces of memory that will be read soon, brought nearer a part at a time in between other work:
// then memory and CPU are busy at once. As much as the second cache holds besides; what is more
// than that is left to whoever reads it.
class PrefetchQueue {
 public:
  // In the order in which they will be read.
  void Add(const void* data, size_t bytes) {
    const size_t lines = (bytes + kLine - 1) / kLine;
    if (lines == 0 || end_ == pieces_.size() || lines_ + lines > kMostLines) return;
    pieces_[end_++] = {static_cast<const char*>(data), lines};
    lines_ += lines;
  }

  // The share of one step of what is left: `weight` of the `weights` of all steps to come, this one
  // included.
  void Step(size_t weight, size_t weights) {
    size_t count = (lines_ * weight + weights - 1) / weights;
    lines_ -= count;
    while (count > 0) {
      Piece& piece = pieces_[begin_];
      const size_t part = std::min(count, piece.lines);
      for (size_t i = 0; i < part; ++i) __builtin_prefetch(piece.data + i * kLine, 0, 2);
      piece.data += part * kLine;
      piece.lines -= part;
      count -= part;
      if (piece.lines == 0) ++begin_;
    }
  }

 private:
  static constexpr size_t kLine = 64;
  static constexpr size_t kMostLines = 512 * 1024 / kLine;
  struct Piece {
    const char* data;
    size_t lines;
  };
  std::array<Piece, 32> pieces_;
  size_t begin_ = 0;
  size_t end_ = 0;
  size_t lines_ = 0;
};

}  // namespace attune::synchrony

#endif  // ATTUNE_SERVICES_SYNCHRONY_KERNEL_PREFETCH_H_
