// What a replay comes to as a report of the contract. Pure; thread-safe.
#ifndef ATTUNE_SERVICES_MESSAGES_SUMMARY_H_
#define ATTUNE_SERVICES_MESSAGES_SUMMARY_H_

#include <vector>

#include "attune/v1/analysis.pb.h"
#include "attune/v1/report.pb.h"
#include "services/synchrony/replay/summary.h"
#include "services/synchrony/replay/whole.h"

namespace attune::messages {

// Adds people, pairs and the group, in the summary's order. Names, dyads and answers are left to
// the caller.
void AddSummary(const synchrony::Summary& summary, v1::Report& report);

// Adds what measures over the whole length came to.
void AddWhole(const std::vector<synchrony::WholeNumbers>& whole, v1::Analysis& analysis);

}  // namespace attune::messages

#endif  // ATTUNE_SERVICES_MESSAGES_SUMMARY_H_
