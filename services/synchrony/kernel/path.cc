#include "services/synchrony/kernel/path.h"

#include <cpuid.h>

namespace attune::synchrony {
namespace {

struct Registers {
  uint32_t a = 0, b = 0, c = 0, d = 0;
};

Registers CpuId(uint32_t leaf) {
  Registers r;
  if (__get_cpuid_count(leaf, 0, &r.a, &r.b, &r.c, &r.d) == 0) return {};
  return r;
}

bool Bit(uint32_t value, int bit) { return (value >> bit & 1) != 0; }

// The register state that the operating system saves; 0 when it saves none of the newer ones.
uint64_t SavedState() {
  constexpr int kOsXsave = 27;  // leaf 1, ecx
  if (!Bit(CpuId(1).c, kOsXsave)) return 0;
  uint32_t low = 0;
  uint32_t high = 0;
  __asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
  return uint64_t{high} << 32 | low;
}

}  // namespace

const char* Name(Path path) {
  switch (path) {
    case Path::kPortable:
      return "portable";
    case Path::kAvx2:
      return "avx2";
    case Path::kVnni:
      return "vnni";
  }
  return "";
}

bool Supports(Path path) {
  if (path == Path::kPortable) return true;
  constexpr uint64_t kYmm = 0x06;  // SSE and AVX state
  constexpr uint64_t kZmm = 0xe6;  // and the mask and both AVX-512 parts
  const uint64_t wanted = path == Path::kVnni ? kZmm : kYmm;
  if ((SavedState() & wanted) != wanted) return false;
  // Leaf 7: ebx 5 AVX2, 16 AVX-512 F, 30 BW, 31 VL; ecx 11 VNNI.
  const Registers extended = CpuId(7);
  if (!Bit(extended.b, 5)) return false;
  if (path == Path::kAvx2) return true;
  return Bit(extended.b, 16) && Bit(extended.b, 30) && Bit(extended.b, 31) && Bit(extended.c, 11);
}

Path BestPath() {
  if (Supports(Path::kVnni)) return Path::kVnni;
  return Supports(Path::kAvx2) ? Path::kAvx2 : Path::kPortable;
}

}  // namespace attune::synchrony
