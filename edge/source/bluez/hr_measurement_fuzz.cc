// Fuzz target of the 0x2A37 decoder. LLVMFuzzerTestOneInput is libFuzzer's entry; without
// libFuzzer (compiled with ATTUNE_FUZZ_MAIN) it is run over all short notifications and a fixed
// random corpus. What comes out is held against a second reading of the format, by bits.
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>

#include "edge/source/bluez/hr_measurement.h"
#include "services/base/random.h"

namespace attune::edge {
namespace {

void Must(bool holds, const char* what) {
  if (holds) return;
  std::fprintf(stderr, "invariant broken: %s\n", what);
  std::abort();
}

void Check(std::span<const uint8_t> bytes) {
  const auto got = DecodeHrMeasurement(bytes);
  size_t head = 1;
  if (!bytes.empty()) {
    head += bytes[0] % 2 == 1 ? 2 : 1;
    head += bytes[0] / 8 % 2 == 1 ? 2 : 0;
  }
  Must(got.ok() == (bytes.size() >= head && !bytes.empty()), "refused when too short, only then");
  if (!got.ok()) {
    Must(!got.status().message().empty(), "a refusal says why");
    return;
  }
  const bool has_intervals = bytes[0] / 16 % 2 == 1;
  const size_t rest = has_intervals ? bytes.size() - head : 0;
  Must(got->intervals.size() + static_cast<size_t>(got->zero_intervals) == rest / 2,
       "each pair of bytes is an interval or refused");
  Must(got->half_interval == (rest % 2 == 1), "a lone byte is told");
  Must(got->bpm >= 0 && got->bpm <= 65535, "heart rate has 16 bits");
  Must(got->contact.has_value() == (bytes[0] / 4 % 2 == 1), "contact only where it is supported");
  if (got->contact) Must(*got->contact == (bytes[0] / 2 % 2 == 1), "contact is bit 1");
  size_t next = 0;
  bool refused_before = false;
  for (size_t at = head; has_intervals && at + 2 <= bytes.size(); at += 2) {
    const uint32_t rr = bytes[at] + 256u * bytes[at + 1];
    if (rr == 0) {
      refused_before = true;
      continue;
    }
    Must(next < got->intervals.size() && got->intervals[next].rr_1024 == rr, "not rounded");
    Must(got->intervals[next].gap_before == refused_before, "a gap where one was refused");
    refused_before = false;
    ++next;
  }
  Must(next == got->intervals.size(), "nothing made up");
  Must(got->gap_after == (refused_before || got->half_interval), "a gap after what was refused");
}

}  // namespace
}  // namespace attune::edge

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  attune::edge::Check({data, size});
  return 0;
}

#ifdef ATTUNE_FUZZ_MAIN
int main(int argc, char** argv) {
  const int rounds = argc > 1 ? std::atoi(argv[1]) : 200000;
  LLVMFuzzerTestOneInput(nullptr, 0);
  for (int a = 0; a < 256; ++a) {
    for (int b = 0; b < 256; ++b) {
      const uint8_t bytes[2] = {static_cast<uint8_t>(a), static_cast<uint8_t>(b)};
      LLVMFuzzerTestOneInput(bytes, 1);
      LLVMFuzzerTestOneInput(bytes, 2);
    }
  }
  attune::SeededRandom random(1);
  for (int i = 0; i < rounds; ++i) {
    std::string text = random.Bytes(random.Below(24));
    // Zeros are what random bytes rarely hold.
    if (text.size() > 4 && random.Below(4) == 0) text.replace(text.size() / 2, 2, 2, '\0');
    LLVMFuzzerTestOneInput(reinterpret_cast<const uint8_t*>(text.data()), text.size());
  }
  std::printf("%d random notifications, no invariant broken\n", rounds);
  return 0;
}
#endif
