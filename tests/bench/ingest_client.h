// Load on an EdgeService, the same for the bare server and for the real one: every stream carries
// one person and sends Observations as fast as its credit lets it, reading the acknowledgements.
#ifndef ATTUNE_TESTS_BENCH_INGEST_CLIENT_H_
#define ATTUNE_TESTS_BENCH_INGEST_CLIENT_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"

namespace attune::bench {

struct IngestPlan {
  std::string address;
  std::vector<std::string> tokens;  // one stream each; the bare server takes any text
  int connections = 4;              // streams are spread over so many channels
  int beats_per_message = 64;
  int64_t beats_per_stream = 0;  // stop after so many; 0: until `seconds`
  double seconds = 3;
  // Session time between two beats. Small, because a server refuses beats from the future.
  int64_t step_us = 25;
};

struct IngestResult {
  int64_t beats_acknowledged = 0;  // received_seq summed over the streams
  int64_t beats_durable = 0;
  double seconds = 0;  // from the first message to the last acknowledgement
  int refusals = 0;
  std::string first_refusal;
};

// Blocks until every stream has all of its beats acknowledged as durable or `seconds` + 30 s
// passed.
absl::StatusOr<IngestResult> RunIngest(const IngestPlan& plan);

}  // namespace attune::bench

#endif  // ATTUNE_TESTS_BENCH_INGEST_CLIENT_H_
