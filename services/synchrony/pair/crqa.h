// Cross-recurrence: when does b visit a state that a visits, now or at another time?
// (Zbilut, Giuliani & Webber 1998; Marwan & Kurths 2002; counts as in cran/crqa.)
//
// Each series is z-scored (SD with n - 1) and embedded: the state at i is (x_i, x_(i + delay),
// ...), `dimension` values. Cell (i, j) is recurrent when the Euclidean distance of a's state i and
// b's state j is at most `radius`. The whole matrix counts, no band about the diagonal is left out.
// Lines: runs of at least `shortest_line` recurrent cells along a diagonal j - i = constant.
#ifndef ATTUNE_SERVICES_SYNCHRONY_PAIR_CRQA_H_
#define ATTUNE_SERVICES_SYNCHRONY_PAIR_CRQA_H_

#include <cstdint>
#include <span>
#include <vector>

namespace attune::synchrony {

struct CrqaShape {
  int dimension = 3;
  int delay = 4;        // samples
  double radius = 0.5;  // in SDs
  int shortest_line = 2;
  int max_lag = 20;  // samples, of the profile
};

struct Crqa {
  int states = 0;  // of each; 0: too short, or no variance: no result
  int64_t recurrent = 0;
  int64_t lines = 0;
  int64_t on_lines = 0;  // recurrent cells that belong to lines
  double rec_pct = 0;    // recurrent cells / all cells (n^2 of n states each)
  double det_pct = 0;    // on lines / recurrent; 0 when nothing recurs
  double line_mean = 0;  // samples; 0 when there is no line
  int line_max = 0;
  double entropy = 0;  // of the lengths of the lines, nats
  // Share of recurrent cells of each diagonal j - i = -max_lag..max_lag. Positive: b later.
  std::vector<double> profile;
  // The fullest diagonal of the profile; of equals the one nearest 0, the positive one first.
  // Positive: b follows a.
  int lag = 0;
};

// NaN samples are missing: a state that has one recurs with nothing and counts in no share, so a
// hole cuts the lines that cross it.
Crqa CrossRecurrence(std::span<const double> a, std::span<const double> b, const CrqaShape& shape);

}  // namespace attune::synchrony

#endif  // ATTUNE_SERVICES_SYNCHRONY_PAIR_CRQA_H_
