// Frames of an analysis as CSV in long form: one line per number. Pure.
#ifndef ATTUNE_EDGE_CTL_ANALYSIS_CSV_H_
#define ATTUNE_EDGE_CTL_ANALYSIS_CSV_H_

#include <string>
#include <vector>

#include "attune/v1/live.pb.h"

namespace attune::edge {

// t_s,a,b,measure,value,absent,window_s,coverage,chance_low,chance_high,p,above - `a` and `b` are
// names; both empty: the group; `b` empty: one person. Fields that say nothing are empty.
std::string CsvHeader();
// `names[0]` is participant 1.
std::string CsvLines(const v1::Frame& frame, const std::vector<std::string>& names);

}  // namespace attune::edge

#endif  // ATTUNE_EDGE_CTL_ANALYSIS_CSV_H_
