// One step of the shift sums of many pairs. A person's changed windows are crossed with the windows
// of all partners, and the windows of one person are read once for the changes of all partners:
// that is what most of the work of a tick would otherwise spend its time on.
#ifndef ATTUNE_SERVICES_SYNCHRONY_CHANCE_SHIFT_ROWS_H_
#define ATTUNE_SERVICES_SYNCHRONY_CHANCE_SHIFT_ROWS_H_

#include <cstddef>
#include <cstdint>
#include <memory_resource>
#include <vector>

#include "services/synchrony/chance/shift_sums.h"
#include "services/synchrony/kernel/kernels.h"
#include "services/synchrony/signal/windows.h"

namespace attune::synchrony {

class ShiftRows {
 public:
  // What it holds lies in `memory`, which must outlive it.
  explicit ShiftRows(std::pmr::memory_resource* memory = std::pmr::get_default_resource())
      : pairs_(memory), people_(memory) {}

  // Room for as many.
  void Reserve(size_t pairs, size_t people);
  // Whose sums are followed, in any order; all pointers stay valid until the next Clear().
  void Add(const WindowRing* a, const WindowRing* b, ShiftSums* sums);
  void Clear();

  // After every step of all rings: as ShiftSums::Follow for each pair.
  void Follow(const Kernels& kernels);

 private:
  struct Pair {
    const WindowRing* a;
    const WindowRing* b;
    ShiftSums* sums;
    bool follows = false;  // this step, rather than being recomputed
  };
  struct Partner {
    uint32_t pair;
    bool is_a;
  };
  struct Person {
    const WindowRing* windows;
    std::pmr::vector<Partner> partners;
  };

  Person& Of(const WindowRing* windows);
  void Cross(const Person& person, const Kernels& kernels);

  std::pmr::vector<Pair> pairs_;
  std::pmr::vector<Person> people_;
};

}  // namespace attune::synchrony

#endif  // ATTUNE_SERVICES_SYNCHRONY_CHANCE_SHIFT_ROWS_H_
