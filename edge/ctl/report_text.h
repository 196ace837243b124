// Reports as text: data quality first, then the values phase by phase, in neutral words. Pure.
#ifndef ATTUNE_EDGE_CTL_REPORT_TEXT_H_
#define ATTUNE_EDGE_CTL_REPORT_TEXT_H_

#include <string>

#include "attune/v1/analysis.pb.h"
#include "attune/v1/report.pb.h"

namespace attune::edge {

std::string ReportText(const v1::GetReportResponse& response);

// The same for recordings, with lags and the chance levels of the last tick.
std::string AnalysisText(const v1::Analysis& analysis);

}  // namespace attune::edge

#endif  // ATTUNE_EDGE_CTL_REPORT_TEXT_H_
