// Exports of sessions as plans that can be replayed, and back. Pure; thread-safe.
#ifndef ATTUNE_SERVICES_MESSAGES_PLAN_H_
#define ATTUNE_SERVICES_MESSAGES_PLAN_H_

#include <cstdint>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "attune/v1/live.pb.h"
#include "attune/v1/report.pb.h"
#include "services/synchrony/replay/plan.h"

namespace attune::messages {

// Nobody exports more: a year of ticks would keep any reader busy.
inline constexpr int64_t kExportLengthMostUs = int64_t{31} * 86'400 * 1'000'000;
inline constexpr int kExportPeopleMost = 1000;

// The practices among these that are a common cause, in the order given.
std::vector<synchrony::PlanCause> CausesOf(
    const google::protobuf::RepeatedPtrField<v1::Practice>& practices);

// Sets what the group is compared with: the time of the first practice of kind BASELINE, else the
// first phase that is called "baseline" in any case, else nothing.
void SetBaseline(const google::protobuf::RepeatedPtrField<v1::Practice>& practices,
                 const google::protobuf::RepeatedPtrField<v1::Phase>& phases,
                 synchrony::Plan& plan);

// A time from which on something holds, as exports tell it: -1 for never.
int64_t FromToProto(int64_t from_us);

// Everything of the plan but the beats. INVALID_ARGUMENT, with what is wrong, for anything that no
// session can have been.
absl::StatusOr<synchrony::Plan> PlanOf(const v1::ExportHead& head);

// Adds one beat of a participant of the plan. INVALID_ARGUMENT as above.
absl::Status AddBeat(uint32_t participant, const synchrony::TimedBeat& beat, synchrony::Plan& plan);

}  // namespace attune::messages

#endif  // ATTUNE_SERVICES_MESSAGES_PLAN_H_
