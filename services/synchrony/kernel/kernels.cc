#include "services/synchrony/kernel/kernels.h"

#include "services/synchrony/kernel/tables.h"

namespace attune::synchrony {

const Kernels& KernelsFor(Path path) {
  switch (path) {
    case Path::kPortable:
      break;
    case Path::kAvx2:
      return kAvx2Kernels;
    case Path::kVnni:
      return kVnniKernels;
  }
  return kPortableKernels;
}

const Kernels& BestKernels() {
  static const Kernels& best = KernelsFor(BestPath());
  return best;
}

}  // namespace attune::synchrony
