// Pieces of a terminal picture: a line of styled text, a chance band with the value marked on it, a
// sparkline. Pure; thread-safe.
#ifndef ATTUNE_EDGE_CTL_DRAW_H_
#define ATTUNE_EDGE_CTL_DRAW_H_

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "edge/ctl/watch_model.h"

namespace attune::edge {

enum class Style { kPlain, kDim, kBold, kHeading, kAccent, kCaution };

// What the terminal can show.
struct Look {
  bool colour = true;  // escape sequences for colour and weight; nothing is told by them alone
  bool ascii = false;
};

// One line, put together from the left. Text must be harmless already.
class Line {
 public:
  Line& Add(std::string_view text, Style style = Style::kPlain);
  // Blanks up to `column`, at least one when there is text before.
  Line& To(int column);
  int width() const { return width_; }
  // Cut to `columns`; escape sequences only with `look.colour`.
  std::string Finish(int columns, const Look& look) const;

 private:
  struct Piece {
    std::string text;
    Style style;
  };
  std::vector<Piece> pieces_;
  int width_ = 0;
};

// The scale of a measure.
struct Axis {
  double low = -1;
  double high = 1;
};

// `cells` wide: the axis, on it the chance band (when there is one), on that the value (when there
// is one). The zero of an axis that passes it is marked.
void AddBand(Line& line, int cells, const Axis& axis, std::optional<double> value,
             std::optional<Axis> band, bool above, const Look& look);

// `cells` wide, ending at `end_session_us` and reaching back WatchModel::kHistoryUs: each cell is
// the mean of its values; cells without any stay empty. Values outside the axis are drawn at its
// end.
std::string Sparkline(const Series& series, int64_t end_session_us, int cells, const Axis& axis,
                      const Look& look);

}  // namespace attune::edge

#endif  // ATTUNE_EDGE_CTL_DRAW_H_
