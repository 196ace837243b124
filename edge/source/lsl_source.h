// Intervals that another program offers over Lab Streaming Layer (a belt, a recorder's relay).
//
// The stream's first channel is one interval per sample. Such programs stamp a sample when the
// interval reached them, so the stamps count as arrivals and the beat clock finds the times. A
// stream that goes away is looked for again without end; what comes then follows a gap.
//
// liblsl waits inside its calls: a thread of its own feeds a bounded queue (kMostQueued; the oldest
// is dropped, with a gap, and counted).
#ifndef ATTUNE_EDGE_SOURCE_LSL_SOURCE_H_
#define ATTUNE_EDGE_SOURCE_LSL_SOURCE_H_

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "edge/lsl/library.h"
#include "edge/source/source.h"
#include "services/base/clock.h"

namespace attune::edge {

struct LslSourceOptions {
  std::string property = "type";
  std::string value = "RR";
  double unit_ms = 1;  // of the numbers: 1, or 1000 for seconds
};

// `clock` must outlive it.
std::unique_ptr<Source> MakeLslSource(std::shared_ptr<const LslLibrary> library,
                                      LslSourceOptions options, const Clock& clock);

// After "lsl" and its colon: [NAME][,type=T][,unit=ms|s]. `library`: see LslLibrary::Load.
absl::StatusOr<LslSourceOptions> ParseLslOptions(std::string_view text);

}  // namespace attune::edge

#endif  // ATTUNE_EDGE_SOURCE_LSL_SOURCE_H_
