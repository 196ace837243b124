// The report: everything that was admitted, late beats too, through a fresh engine tick by tick.
//
// - Numbers are means over a phase's ticks of what the live value would have been, with the phase's
//   length as window and the mean coverage; absent with the most frequent reason when no tick has
//   a value. A mean's chance band is the mean of the ticks' bands; its p and shifts are not told;
//   `above` says that more than half of the ticks with a value were.
// - A tick counts for a person or pair only if every consent that stands now stood then; consents
//   that no longer stand never count. Whose MEASURE no longer stands has no values (NO_CONSENT).
// - A tick counts for the group (outside labs) only if the gate of project.h held in it for
//   somebody who does not contribute.
// - Beats after the end matter only as the horizon of the last ticks.
//
// Same Book, same bytes.
#ifndef ATTUNE_SERVICES_SESSION_REPORT_BUILDER_H_
#define ATTUNE_SERVICES_SESSION_REPORT_BUILDER_H_

#include <memory>

#include "attune/v1/report.pb.h"
#include "services/session/session_core.h"
#include "services/session/state.h"

namespace attune::session {

std::unique_ptr<SessionCore::ReportBuilder> MakeReportBuilder(const Book& book);

// The phases of a session up to its end, in order.
std::vector<v1::Phase> PhasesOf(const Book& book);

}  // namespace attune::session

#endif  // ATTUNE_SERVICES_SESSION_REPORT_BUILDER_H_
