// The report: everything that was admitted, late beats too, replayed tick by tick (plan.h says what
// counts, services/synchrony/replay how it is summed up).
//
// Numbers are means over a phase's ticks of what the live value would have been. Whose MEASURE no
// longer stands has no values (NO_CONSENT). Beats after the end matter only as the horizon of the
// last ticks. Same Book, same bytes.
#ifndef ATTUNE_SERVICES_SESSION_REPORT_BUILDER_H_
#define ATTUNE_SERVICES_SESSION_REPORT_BUILDER_H_

#include <memory>

#include "services/session/session_core.h"
#include "services/session/state.h"

namespace attune::session {

std::unique_ptr<SessionCore::ReportBuilder> MakeReportBuilder(const Book& book);

}  // namespace attune::session

#endif  // ATTUNE_SERVICES_SESSION_REPORT_BUILDER_H_
