#include "services/synchrony/kernel/peak.h"

namespace attune::synchrony {
namespace {

// Twelve sums, so that none waits for itself.
double RunVnni(int rounds) {
  for (int i = 0; i < rounds; ++i) {
    __asm__ volatile(
        "vpdpwssd %%zmm30, %%zmm31, %%zmm0\n vpdpwssd %%zmm30, %%zmm31, %%zmm1\n"
        "vpdpwssd %%zmm30, %%zmm31, %%zmm2\n vpdpwssd %%zmm30, %%zmm31, %%zmm3\n"
        "vpdpwssd %%zmm30, %%zmm31, %%zmm4\n vpdpwssd %%zmm30, %%zmm31, %%zmm5\n"
        "vpdpwssd %%zmm30, %%zmm31, %%zmm6\n vpdpwssd %%zmm30, %%zmm31, %%zmm7\n"
        "vpdpwssd %%zmm30, %%zmm31, %%zmm8\n vpdpwssd %%zmm30, %%zmm31, %%zmm9\n"
        "vpdpwssd %%zmm30, %%zmm31, %%zmm10\n vpdpwssd %%zmm30, %%zmm31, %%zmm11\n" ::
            : "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7", "xmm8", "xmm9",
              "xmm10", "xmm11");
  }
  return 12.0 * 32 * rounds;
}

// Six products and six sums.
double RunAvx2(int rounds) {
  for (int i = 0; i < rounds; ++i) {
    __asm__ volatile(
        "vpmaddwd %%ymm14, %%ymm15, %%ymm6\n vpaddd %%ymm6, %%ymm0, %%ymm0\n"
        "vpmaddwd %%ymm14, %%ymm15, %%ymm7\n vpaddd %%ymm7, %%ymm1, %%ymm1\n"
        "vpmaddwd %%ymm14, %%ymm15, %%ymm8\n vpaddd %%ymm8, %%ymm2, %%ymm2\n"
        "vpmaddwd %%ymm14, %%ymm15, %%ymm9\n vpaddd %%ymm9, %%ymm3, %%ymm3\n"
        "vpmaddwd %%ymm14, %%ymm15, %%ymm10\n vpaddd %%ymm10, %%ymm4, %%ymm4\n"
        "vpmaddwd %%ymm14, %%ymm15, %%ymm11\n vpaddd %%ymm11, %%ymm5, %%ymm5\n" ::
            : "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7", "xmm8", "xmm9",
              "xmm10", "xmm11");
  }
  return 6.0 * 16 * rounds;
}

}  // namespace

double RunPeak(Path path, int rounds) {
  switch (path) {
    case Path::kPortable:
      break;
    case Path::kAvx2:
      return RunAvx2(rounds);
    case Path::kVnni:
      return RunVnni(rounds);
  }
  return 0;
}

}  // namespace attune::synchrony
