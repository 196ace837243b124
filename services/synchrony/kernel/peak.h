// The most that a CPU can do of what the kernels do: a loop of nothing but the dot-product
// instruction of a path, on registers. What a kernel's speed is held against.
#ifndef ATTUNE_SERVICES_SYNCHRONY_KERNEL_PEAK_H_
#define ATTUNE_SERVICES_SYNCHRONY_KERNEL_PEAK_H_

#include "services/synchrony/kernel/path.h"

namespace attune::synchrony {

// Runs the loop `rounds` times and returns how many int16 multiply-adds that were; 0 for the
// portable path, which has no instruction of its own. Requires Supports(path).
double RunPeak(Path path, int rounds);

}  // namespace attune::synchrony

#endif  // ATTUNE_SERVICES_SYNCHRONY_KERNEL_PEAK_H_
