// What a source gives when nothing stands between it and its reader: the truth that a journal is
// compared with.
//
//   source_beats SPEC...      see edge/source/spec.h; each with `at=` and `seconds=`
//
// prints one JSON array a source: [[TIME_US,RR_1024,GAP_BEFORE],...]
#include <iostream>
#include <limits>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "edge/source/spec.h"
#include "services/base/clock.h"
#include "services/base/random.h"

int main(int argc, char** argv) {
  const attune::SystemClock clock;
  attune::SystemRandom random;
  for (int i = 1; i < argc; ++i) {
    auto source = attune::edge::MakeSource(argv[i], {-1, clock, random, ""});
    if (!source.ok() || !(*source)->info().start_session_us ||
        (*source)->info().stamping != attune::edge::Stamping::kGiven) {
      std::cerr << "source_beats: " << argv[i] << ": "
                << (source.ok() ? "wants a fixed start and fixed times"
                                : std::string(source.status().message()))
                << "\n";
      return 1;
    }
    (*source)->Begin(*(*source)->info().start_session_us, 0);
    std::vector<attune::edge::SourceBeat> beats;
    while (!(*source)->finished()) (*source)->Poll(std::numeric_limits<int64_t>::max(), &beats);
    std::vector<std::string> texts;
    for (const auto& beat : beats) {
      texts.push_back(
          absl::StrCat("[", beat.time_us, ",", beat.rr_1024, ",", beat.gap_before ? 1 : 0, "]"));
    }
    std::cout << "[" << absl::StrJoin(texts, ",") << "]" << std::endl;
  }
  return 0;
}
