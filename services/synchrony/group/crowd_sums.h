// Mean pairwise r of a group of any size, with its null, in O(people) per tick.
//
// Over one moment the sum of r over all pairs is (|sum of rows|^2 - sum of |row|^2) / 2. Kept are
// the sums of rows of every moment of the span: as observed, and for a fixed number of draws in
// each of which everybody's windows are shifted circularly by a time of their own (which depends
// on nobody else). A person's new window changes one sum per draw. Integers: the same whatever came
// before.
#ifndef ATTUNE_SERVICES_SYNCHRONY_GROUP_CROWD_SUMS_H_
#define ATTUNE_SERVICES_SYNCHRONY_GROUP_CROWD_SUMS_H_

#include <cstddef>
#include <cstdint>
#include <vector>

#include "services/synchrony/kernel/kernels.h"
#include "services/synchrony/params.h"
#include "services/synchrony/signal/windows.h"

namespace attune::synchrony {

class CrowdSums {
 public:
  // More people than this could overflow a sum.
  static constexpr size_t kMostPeople = 8000;

  struct Member {
    int person;
    const WindowRing* windows;
    friend bool operator==(const Member&, const Member&) = default;
  };

  CrowdSums(const Params& params, const Kernels& kernels);

  // Follows one step of everybody's windows and makes `members` (ascending by person, at most
  // kMostPeople) those who count.
  void Follow(const std::vector<Member>& members);
  // To be called before the windows of a member go away.
  void Forget(int person);
  // Gives its memory back.
  void Clear();

  int draws() const { return params_.group_draws; }
  struct Sum {
    int64_t r = 0;      // times 2^28
    int64_t count = 0;  // usable cells
  };
  // draw -1: as observed.
  Sum At(int draw) const;

  size_t MemoryBytes() const;

 private:
  void Begin();
  void AddAll(const Member& member, int sign);
  void AddRow(const Member& member, int slot, const int16_t* row, int usable);
  void Weigh(size_t column);

  const Params& params_;
  const Kernels& kernels_;
  int size_;
  size_t columns_;  // observed, then the draws
  std::vector<Member> members_;
  int64_t own_ = 0;              // sum of all members' WindowRing::own()
  std::vector<int32_t> sums_;    // [column][slot][kRowLength]
  std::vector<int16_t> usable_;  // [column][slot]: people with a usable window
  bool weighed_ = false;         // what follows, and own_, is of the sums as they stand
  // Of each column: sum over slots of |sum of rows|^2, and of pairs.
  std::vector<int64_t> squares_;
  std::vector<int64_t> pairs_;
};

}  // namespace attune::synchrony

#endif  // ATTUNE_SERVICES_SYNCHRONY_GROUP_CROWD_SUMS_H_
