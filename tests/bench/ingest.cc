// Sends beats to one EdgeService as fast as it takes them and prints one JSON object.
#include <cstdio>
#include <fstream>
#include <iostream>
#include <string>
#include <vector>

#include "absl/flags/flag.h"
#include "absl/flags/parse.h"
#include "absl/flags/usage.h"
#include "services/base/log.h"
#include "tests/bench/ingest_client.h"

ABSL_FLAG(std::string, address, "", "host:port of the EdgeService");
ABSL_FLAG(std::string, tokens_file, "", "one participant token a line; a stream for each");
ABSL_FLAG(int, beats_per_message, 64, "beats in one message");
ABSL_FLAG(int, connections, 4, "channels that the streams are spread over");
ABSL_FLAG(int64_t, beats_per_stream, 0, "stop each stream after so many; 0: only by time");
ABSL_FLAG(double, seconds, 3, "send for so long");

int main(int argc, char** argv) {
  absl::SetProgramUsageMessage(
      "ingest --address=HOST:PORT --tokens_file=FILE [--beats_per_message=N] [--seconds=S]");
  absl::ParseCommandLine(argc, argv);
  attune::bench::IngestPlan plan;
  plan.address = absl::GetFlag(FLAGS_address);
  plan.connections = absl::GetFlag(FLAGS_connections);
  plan.beats_per_message = absl::GetFlag(FLAGS_beats_per_message);
  plan.beats_per_stream = absl::GetFlag(FLAGS_beats_per_stream);
  plan.seconds = absl::GetFlag(FLAGS_seconds);
  std::ifstream tokens(absl::GetFlag(FLAGS_tokens_file));
  for (std::string line; std::getline(tokens, line);) {
    if (!line.empty()) plan.tokens.push_back(line);
  }
  if (plan.tokens.empty()) {
    std::cerr << "ingest: no tokens in --tokens_file\n";
    return 2;
  }
  const auto result = attune::bench::RunIngest(plan);
  if (!result.ok()) {
    std::cerr << "ingest: " << result.status().message() << "\n";
    return 1;
  }
  std::printf(
      "{\"beats_acknowledged\":%lld,\"beats_durable\":%lld,\"seconds\":%.6f,\"beats_per_s\":%.0f,"
      "\"refusals\":%d,\"first_refusal\":%s}\n",
      static_cast<long long>(result->beats_acknowledged),
      static_cast<long long>(result->beats_durable), result->seconds,
      static_cast<double>(result->beats_acknowledged) / result->seconds, result->refusals,
      attune::JsonQuote(result->first_refusal).c_str());
  return result->refusals == 0 ? 0 : 1;
}
