// The percentage rules of the literature for a whole series of intervals (batch analysis only; the
// form that runs live is signal/screen.h). Each is worked on the raw series; rows are 0-based.
//
//   range     an interval outside 300..2000 ms.
//   Malik     row i + 1 if |rr_(i+1) - rr_i| > 0.2 rr_i (Malik et al. 1989).
//   Kamath    row i + 1 unless it is at most 32.5 % longer or 24.5 % shorter than row i (Kamath &
//             Fallen 1995).
//   Karlsson  row i + 1 if it is off the mean of rows i and i + 2 by 20 % of that mean or more
//             (Karlsson et al. 2012); never the first or last.
//   Acar      from row 9 on, off the mean of the accepted of the nine rows before by 20 % of that
//             mean or more (Acar et al. 2000).
//
// As hrv-analysis does them, which says what the papers leave open: Malik and Kamath accept the row
// after a removed one untested, and compare the next with the raw interval, removed or not. One
// fault of it is not kept: after nine removals in a row its Acar rule has nothing to compare with
// and removes all that follows; here the nine accepted last are used then.
#ifndef ATTUNE_SERVICES_SYNCHRONY_SIGNAL_PERCENT_RULES_H_
#define ATTUNE_SERVICES_SYNCHRONY_SIGNAL_PERCENT_RULES_H_

#include <cstddef>
#include <vector>

namespace attune::synchrony {

enum class PercentRule { kRange, kMalik, kKamath, kKarlsson, kAcar };

// Rows removed, ascending.
std::vector<size_t> RemovedRows(const std::vector<double>& rr_ms, PercentRule rule);

// The series with the rows on straight lines between their neighbours, after the last one held; NaN
// before the first row that is left.
std::vector<double> FillRows(std::vector<double> rr_ms, const std::vector<size_t>& rows);

// Out of range removed and filled, then the rule's rows removed and filled.
std::vector<double> NnIntervalsMs(const std::vector<double>& rr_ms, PercentRule rule);

}  // namespace attune::synchrony

#endif  // ATTUNE_SERVICES_SYNCHRONY_SIGNAL_PERCENT_RULES_H_
