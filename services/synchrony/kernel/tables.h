// The tables behind KernelsFor(), one file each. Only kernels.cc may name them: calling into one
// that the CPU does not support ends the program.
#ifndef ATTUNE_SERVICES_SYNCHRONY_KERNEL_TABLES_H_
#define ATTUNE_SERVICES_SYNCHRONY_KERNEL_TABLES_H_

#include "services/synchrony/kernel/kernels.h"

namespace attune::synchrony {

extern const Kernels kPortableKernels;
extern const Kernels kAvx2Kernels;
extern const Kernels kVnniKernels;

}  // namespace attune::synchrony

#endif  // ATTUNE_SERVICES_SYNCHRONY_KERNEL_TABLES_H_
