// A circle of seconds: second s lives in slot s % size, so that the newest takes the place of the
// one that has just left the span. Which slots are usable, and what the last step changed: sums
// over circular shifts are kept up from the changes alone (chance/).
#ifndef ATTUNE_SERVICES_SYNCHRONY_SIGNAL_SLOTS_H_
#define ATTUNE_SERVICES_SYNCHRONY_SIGNAL_SLOTS_H_

#include <cstddef>
#include <cstdint>
#include <memory_resource>
#include <vector>

namespace attune::synchrony {

class Slots {
 public:
  // They lie in `memory`, which must outlive them.
  explicit Slots(int size, std::pmr::memory_resource* memory = std::pmr::get_default_resource())
      : usable_(static_cast<size_t>(size), memory), changes_(memory) {}

  int size() const { return static_cast<int>(usable_.size()); }
  int SlotOf(int64_t second) const { return static_cast<int>(second % size()); }
  bool usable(int slot) const { return usable_[static_cast<size_t>(slot)] != 0; }
  // 1 or 0 of each slot.
  const uint8_t* flags() const { return usable_.data(); }
  int usable_count() const { return usable_count_; }
  bool complete() const { return usable_count_ == size(); }

  // The step that brings the circle from holding seconds up to `known` to holding those up to
  // `last`; seconds from `known` + 1 on are given anew. (After a late beat `known` falls first.)
  // Returns the first of the seconds up to `last` that are to be given.
  int64_t Begin(int64_t last);
  // The beats changed: seconds from `second` on are not known any more.
  void Forget(int64_t second) {
    if (second <= known_) known_ = second - 1;
  }
  void Set(int slot, bool usable);

  struct Change {
    int slot;
    int by;  // 1: has become usable, -1: is no longer
  };
  // Of usability, by the last step.
  const std::pmr::vector<Change>& changes() const { return changes_; }

  int64_t known() const { return known_; }
  // Raised by each step that did more than add the next second.
  uint32_t revision() const { return revision_; }

  size_t MemoryBytes() const { return usable_.capacity() + changes_.capacity() * sizeof(Change); }

 private:
  std::pmr::vector<uint8_t> usable_;
  std::pmr::vector<Change> changes_;
  int usable_count_ = 0;
  int64_t known_ = -1;
  int64_t last_ = -1;  // of the step before
  uint32_t revision_ = 0;
};

}  // namespace attune::synchrony

#endif  // ATTUNE_SERVICES_SYNCHRONY_SIGNAL_SLOTS_H_
