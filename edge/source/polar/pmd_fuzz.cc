// Fuzz target of everything that comes from a Polar strap: features, responses, settings and
// frames, and through the frames the whole way to beats. LLVMFuzzerTestOneInput is libFuzzer's
// entry; without libFuzzer (compiled with ATTUNE_FUZZ_MAIN) it is run over mutations of what a
// strap really sends. What comes out is held against a second reading of the formats.
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

#include "edge/source/polar/pmd.h"
#include "edge/source/polar/r_peaks.h"
#include "services/base/random.h"

namespace attune::edge {
namespace {

void Must(bool holds, const char* what) {
  if (holds) return;
  std::fprintf(stderr, "invariant broken: %s\n", what);
  std::abort();
}

void CheckFrame(std::span<const uint8_t> bytes) {
  const auto frame = ParseEcgFrame(bytes);
  uint64_t time_ns = 0;
  for (size_t i = 8; i > 0 && bytes.size() > 8; --i) time_ns = time_ns * 256 + bytes[i];
  const bool good = bytes.size() >= 13 && bytes.size() <= 512 && (bytes.size() - 10) % 3 == 0 &&
                    bytes[0] == 0 && bytes[9] == 0 && time_ns != 0;
  Must(frame.ok() == good, "a frame is taken when it is whole, only then");
  if (!frame.ok()) {
    Must(!frame.status().message().empty(), "a refusal says why");
    return;
  }
  Must(frame->last_sample_ns == time_ns, "the time has eight bytes");
  Must(frame->microvolts.size() == (bytes.size() - 10) / 3, "each three bytes are a sample");
  for (size_t i = 0; i < frame->microvolts.size(); ++i) {
    const int32_t value = bytes[10 + 3 * i] + 256 * bytes[11 + 3 * i] + 65536 * bytes[12 + 3 * i];
    Must(frame->microvolts[i] == (value >= 8388608 ? value - 16777216 : value), "24 bits, signed");
  }
}

void CheckResponse(std::span<const uint8_t> bytes) {
  const auto response = ParsePmdResponse(bytes);
  const bool good = bytes.size() >= 4 && bytes.size() <= 512 && bytes[0] == 0xf0 && bytes[1] >= 1 &&
                    bytes[1] <= 3;
  Must(response.ok() == good, "a response is taken when it is one, only then");
  if (!response.ok()) {
    Must(!response.status().message().empty(), "a refusal says why");
    return;
  }
  Must(!PmdErrorWords(response->error).empty(), "each code has words");
  Must(response->error == 0 || (response->values.empty() && !response->more),
       "nothing is read after an error");
  const auto settings = ParsePmdSettings(response->values);
  if (!settings.ok()) {
    Must(!settings.status().message().empty(), "a refusal says why");
    return;
  }
  Must(2 * (settings->rates_hz.size() + settings->resolutions_bits.size()) <=
           response->values.size(),
       "no more values than bytes");
}

// Each pair of bytes is a sample; 0x8000 resets.
void CheckPeaks(std::span<const uint8_t> bytes) {
  RPeaks detector;
  std::vector<RPeak> peaks;
  double last = -1;
  for (int again = 0; again < 3; ++again) {
    for (size_t i = 0; i + 1 < bytes.size(); i += 2) {
      const auto sample = static_cast<int16_t>(bytes[i] | bytes[i + 1] << 8);
      const int64_t decided = detector.decided();
      peaks.clear();
      if (sample == INT16_MIN) {
        detector.Reset();
      } else {
        detector.Add(sample * (again == 2 ? 512 : 1), &peaks);
      }
      Must(detector.decided() >= decided, "what is decided stays decided");
      for (const RPeak& peak : peaks) {
        Must(peak.sample > last && peak.sample >= static_cast<double>(decided),
             "peaks are in order");
        Must(peak.sample < static_cast<double>(detector.added()), "peaks are in the past");
        Must(peak.error_samples >= 0 && peak.error_samples < 2, "the error is bounded");
        last = peak.sample;
      }
    }
  }
}

}  // namespace
}  // namespace attune::edge

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::span<const uint8_t> bytes(data, size);
  (void)attune::edge::ParsePmdHasEcg(bytes);
  attune::edge::CheckFrame(bytes);
  attune::edge::CheckResponse(bytes);
  if (size > 1500) attune::edge::CheckPeaks(bytes);
  return 0;
}

#ifdef ATTUNE_FUZZ_MAIN
int main(int argc, char** argv) {
  const int rounds = argc > 1 ? std::atoi(argv[1]) : 100000;
  const std::vector<std::string> seeds = {
      std::string("\x0f\x05\0\0", 4),
      std::string("\xf0\x01\0\0\0\0\x01\x82\0\x01\x01\x0e\0", 13),
      std::string("\xf0\x02\0\0\0\0", 6),
      std::string("\xf0\x02\0\x05\0", 5),
      std::string("\0\x91\xf7\x70\xaa\x30\x49\x52\x08\0\x7a\0\0\xfa\xfe\xff\xb9\x08\0", 19),
      std::string("\0\x91\xf7\x70\xaa\x30\x49\x52\x08\0", 10) + std::string(219, '\x01')};
  attune::SeededRandom random(1);
  for (int i = 0; i < rounds; ++i) {
    std::string text = seeds[random.Below(seeds.size())];
    for (uint64_t changes = random.Below(4); changes > 0; --changes) {
      const size_t at = random.Below(text.size() + 1);
      switch (random.Below(4)) {
        case 0:
          text.resize(at);
          break;
        case 1:
          text.insert(at, random.Bytes(random.Below(4)));
          break;
        case 2:
          text.append(random.Bytes(3 * random.Below(8)));
          break;
        default:
          if (at < text.size()) text[at] = static_cast<char>(random.Below(256));
      }
    }
    LLVMFuzzerTestOneInput(reinterpret_cast<const uint8_t*>(text.data()), text.size());
  }
  // Samples: runs of noise of all sizes, of constants and of spikes.
  for (int i = 0; i < rounds / 100; ++i) {
    std::string text;
    while (text.size() < 4000) {
      const uint64_t size = uint64_t{1} << random.Below(16);
      const uint64_t period = 1 + random.Below(120);
      const uint64_t kind = random.Below(4);
      int value = 0;
      for (uint64_t n = random.Below(400); n > 0; --n) {
        if (kind < 2 || n % period == 0) value = static_cast<int>(random.Below(size));
        if (kind == 2 && n % period != 0) value = 0;
        text += static_cast<char>(value & 0xff);
        text += static_cast<char>(value >> 8);
      }
      if (random.Below(16) == 0) text += std::string("\0\x80", 2);
    }
    LLVMFuzzerTestOneInput(reinterpret_cast<const uint8_t*>(text.data()), text.size());
  }
  std::printf("%d messages and %d stretches of samples, no invariant broken\n", rounds,
              rounds / 100);
  return 0;
}
#endif
