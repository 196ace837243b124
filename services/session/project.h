// What one viewer may see. The only way out for frames, history, log, presence and reports.
//
// "now" is the consent as it stands, "then" as it stood when the frame was made: a value leaves
// only under both. "both" means both partners, M is PURPOSE_MEASURE of whom the value is about.
//
// kind     role         people[]                pairs[]                          group
// -------- ------------ ----------------------- -------------------------------- -----------------
// team     participant  own (M)                 -                                gated, rounded
// team     facilitator  - (own, if one)         -                                gated, rounded
// couples  participant  own (M)                 own pair: PAIR/PARTNER of both,  gated, rounded
//                                               else listed with NO_CONSENT
// couples  facilitator  - (own, if one)         dyads: PAIR/FACILITATOR of both  gated, rounded
// lab      participant  own (M)                 as couples                       gated, rounded
// lab      facilitator  INDIVIDUAL/FACILITATOR  both INDIVIDUAL/FACILITATOR and  as computed
//                       of the person           no refusal of PAIR/FACILITATOR;
//                                               dyads also as couples
// any      observer     -                       -                                gated, rounded
// any      operator     -                       -                                -
//
// A participant who left, was erased or is unknown sees no values at all.
//
// gated: contributors besides the viewer >= k_min, the set of contributors has been the same for a
//   whole window, and every contributor still grants GROUP/SESSION. Otherwise both values are
//   absent (TOO_FEW_PEOPLE, or NOT_ENOUGH_DATA) without coverage, and `people` is 0.
// rounded: value, coverage and chance band to 0.05; p, z, the number of shifts and what says how
//   good the ground is are not told, nor are measures asked for beyond the core (measures.h).
//
// Beside the frame:
//   presence      participants and facilitators: alias, link, pair. data_age: to the person;
//   outside
//                 team sessions also to facilitators and, with PAIR/PARTNER of both, to the
//                 partner. observers, operators: none.
//   log           as presence for joined, left and pairs; practices, phases and marks about
//                 everybody to all but operators; marks about one person to that person and to
//                 facilitators; prompts to their addressee; erased and state to everybody.
//   counts        late_beats: 0 in team sessions (to anyone).
//   report        people: own; in lab to facilitators with INDIVIDUAL/FACILITATOR and REPORT/SELF.
//                 pairs: as in frames, and REPORT/SELF of both.
//                 group: as in frames, by phase, gate held in every tick counted; any participant
//                 counts as a contributor. In lab to facilitators only.
//   export        raw beats: own, whatever was agreed to, also after leaving. In lab to
//   facilitators
//                 with INDIVIDUAL/FACILITATOR and REPORT/SELF: the beats that values stand on which
//                 they could see, so none that lie further back than a value's reach before
//                 MEASURE and INDIVIDUAL were given. Nobody's else, of no erased person, and in
//                 team sessions none once the report is stored. Pairs: as in reports. Consents:
//                 own; of others those that let their beats be seen. Observers and operators: none.
#ifndef ATTUNE_SERVICES_SESSION_PROJECT_H_
#define ATTUNE_SERVICES_SESSION_PROJECT_H_

#include <cstdint>
#include <optional>
#include <vector>

#include "absl/status/statusor.h"
#include "attune/v1/live.pb.h"
#include "attune/v1/report.pb.h"
#include "services/session/state.h"

namespace attune::session {

inline constexpr double kRoundingSteps = 20;  // per unit: 0.05

// `ground`: of the frame's tick; null when no longer known, then only the tick's head is shown.
v1::Frame Project(const Book& book, const Grants& now, const FrameGround* ground,
                  const v1::Frame& frame, const Viewer& viewer);

// `entry` as kept: the alias of who joined is filled in here.
std::optional<v1::LogEntry> Project(const Book& book, const v1::LogEntry& entry,
                                    const Viewer& viewer);

std::vector<v1::Presence> ProjectPresence(const State& state, const Viewer& viewer, int64_t now_us);

v1::Snapshot ProjectSnapshot(const State& state, const Viewer& viewer, int64_t now_us);

v1::Report Project(const Book& book, const Grants& now, const v1::Report& report,
                   const Viewer& viewer);

// One page. PERMISSION_DENIED when there is nothing for this viewer; FAILED_PRECONDITION when raw
// beats are deleted or erased; INVALID_ARGUMENT for a page token that is none; ABORTED when the
// person whose page it was may no longer be exported.
absl::StatusOr<v1::GetExportResponse> ProjectExport(const State& state,
                                                    const v1::GetExportRequest& request,
                                                    const Viewer& viewer);
inline constexpr int kExportPageBeats = 20'000;

// To the nearest 1 / kRoundingSteps; never -0.
double Rounded(double value);

// What somebody who only watches is called.
const char* ViewerAlias(v1::Role role);

}  // namespace attune::session

#endif  // ATTUNE_SERVICES_SESSION_PROJECT_H_
