// What a replay comes to as a report of the contract. Pure; thread-safe.
#ifndef ATTUNE_SERVICES_MESSAGES_SUMMARY_H_
#define ATTUNE_SERVICES_MESSAGES_SUMMARY_H_

#include "attune/v1/report.pb.h"
#include "services/synchrony/replay/summary.h"

namespace attune::messages {

// Adds people, pairs and the group, in the summary's order. Names, dyads and answers are left to
// the caller.
void AddSummary(const synchrony::Summary& summary, v1::Report& report);

}  // namespace attune::messages

#endif  // ATTUNE_SERVICES_MESSAGES_SUMMARY_H_
