// The sections of the live view; see render.h. Each gives whole lines.
#ifndef ATTUNE_EDGE_CTL_RENDER_PARTS_H_
#define ATTUNE_EDGE_CTL_RENDER_PARTS_H_

#include <cstdint>
#include <vector>

#include "edge/ctl/draw.h"
#include "edge/ctl/render.h"
#include "edge/ctl/watch_model.h"

namespace attune::edge {

// What the sections share.
struct View {
  const WatchModel& model;
  int64_t now_us;
  Screen screen;
  bool fresh;  // values of the newest frame may be shown

  int columns() const { return screen.columns; }
  bool ascii() const { return screen.look.ascii; }
  // Columns of the first, naming column and of the drawn axes.
  int name_columns() const { return screen.columns >= 100 ? 32 : 27; }
  int axis_cells() const;
};

// The link as far as this view knows it: without fresh frames it knows nothing, and a "live" person
// whose newest beat is old is not live.
v1::LinkState ShownLink(const View& view, const v1::Presence& presence);

std::vector<Line> HeaderLines(const View& view);
std::vector<Line> PeopleLines(const View& view);
// As people, several to a line: for many, or where no values are visible.
std::vector<Line> PeopleDense(const View& view);
// Some person's values may be shown to this viewer.
bool AnyPersonVisible(const View& view);
// Heading first; then `lines_each` (1 or 2) for each pair.
std::vector<Line> PairLines(const View& view, int lines_each);
std::vector<Line> GroupLines(const View& view, int lines_each);
// A line a value; empty when the session asked for nothing beyond every frame's.
std::vector<Line> MoreLines(const View& view);
std::vector<Line> LogLines(const View& view, int most);
Line LegendLine(const View& view);

}  // namespace attune::edge

#endif  // ATTUNE_EDGE_CTL_RENDER_PARTS_H_
