// Admission of data: what an edge sent -> what goes into the journal.
//
// Sequence numbers belong to (participant, boot_id) and have no holes: what is known already is
// cut off, what would jump over the cursor is refused (a Gap moves it), so that a cumulative
// acknowledgement is always the truth. Any message that breaks a rule is refused whole.
//
//   kind given; arrays equally long; 1..512 values; percent 0..100; other values finite
//   first_seq >= 1; numbers stay below kSeqMost
//   times 0 .. now + kAheadUs, not decreasing within the message
//   rr 1..65535 (what a heart can do is judged later, by the engine: it must be seen to be counted)
//   gap_before ascending, within the message
//   jitter and offset bound at most 60 s
#ifndef ATTUNE_SERVICES_SESSION_ADMISSION_H_
#define ATTUNE_SERVICES_SESSION_ADMISSION_H_

#include <cstdint>
#include <optional>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "services/session/state.h"

namespace attune::session {

inline constexpr int kValuesMost = 512;
inline constexpr uint64_t kSeqMost = uint64_t{1} << 62;
inline constexpr size_t kBootIdBytes = 16;

// Is anything taken from this person now?
absl::Status CheckSource(const State& state, uint32_t participant);

// The rules above, without looking at any state. `latest_us`: of a stamp.
absl::Status CheckObservations(const v1::Observations& observations, int64_t latest_us);

// nullopt: all known.
absl::StatusOr<std::optional<v1::ObservationsAdmitted>> AdmitObservations(
    const State& state, uint32_t participant, std::string_view boot_id,
    const v1::Observations& observations, int64_t now_us);
absl::StatusOr<std::optional<v1::GapAdmitted>> AdmitGap(const State& state, uint32_t participant,
                                                        std::string_view boot_id,
                                                        const v1::Gap& gap);

const Spool* FindSpool(const Person& person, std::string_view boot_id);

}  // namespace attune::session

#endif  // ATTUNE_SERVICES_SESSION_ADMISSION_H_
