// The tables behind KernelsFor(), one file each. Only kernels.cc may name them.
#ifndef ATTUNE_SERVICES_SYNCHRONY_KERNEL_TABLES_H_
#define ATTUNE_SERVICES_SYNCHRONY_KERNEL_TABLES_H_

#include "services/synchrony/kernel/kernels.h"

namespace attune::synchrony {

extern const Kernels kPortableKernels;

}  // namespace attune::synchrony

#endif  // ATTUNE_SERVICES_SYNCHRONY_KERNEL_TABLES_H_
