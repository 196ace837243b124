// Which instructions the integer kernels may use on this CPU.
#ifndef ATTUNE_SERVICES_SYNCHRONY_KERNEL_PATH_H_
#define ATTUNE_SERVICES_SYNCHRONY_KERNEL_PATH_H_

#include <cstdint>

namespace attune::synchrony {

// From the slowest to the fastest. All give the same bits.
enum class Path : uint8_t {
  kPortable,  // C++ only
  kAvx2,      // 256 bits: multiply-add of int16 pairs, then add
  kVnni,      // 512 bits: AVX-512 F, BW, VL and VNNI (multiply-add-accumulate in one instruction)
};

inline constexpr Path kAllPaths[] = {Path::kPortable, Path::kAvx2, Path::kVnni};

// "portable", "avx2", "vnni".
const char* Name(Path path);

// True when the CPU has the instructions and the operating system keeps their registers. Asks the
// CPU itself (cpuid, xgetbv): nothing in the environment changes the answer. A few cpuid
// instructions, some 100 us within a virtual machine: ask once, and keep what was answered.
bool Supports(Path path);

// The fastest supported one.
Path BestPath();

}  // namespace attune::synchrony

#endif  // ATTUNE_SERVICES_SYNCHRONY_KERNEL_PATH_H_
