// Runs the fuzz target without libFuzzer, over inputs that are always the same.
//
//   spool_fuzz_test [ROUNDS [SEED]]     default: 3,000 with seed 1
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>

#include "services/base/random.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size);

int main(int argc, char** argv) {
  const int rounds = argc > 1 ? std::atoi(argv[1]) : 3'000;
  attune::SeededRandom random(argc > 2 ? std::strtoull(argv[2], nullptr, 10) : 1);
  for (int round = 0; round < rounds; ++round) {
    // Long ones only now and then.
    std::string input = random.Bytes(random.Below(round % 10 == 0 ? 9'000 : 700));
    if (!input.empty() && random.Below(4) != 0) input[0] = static_cast<char>(input[0] | 3);
    LLVMFuzzerTestOneInput(reinterpret_cast<const uint8_t*>(input.data()), input.size());
  }
  std::printf("%d files\n", rounds);
  return 0;
}
