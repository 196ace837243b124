// The live view as text: a pure function of what is known, the time and the size of the terminal.
#ifndef ATTUNE_EDGE_CTL_RENDER_H_
#define ATTUNE_EDGE_CTL_RENDER_H_

#include <cstdint>
#include <string>
#include <vector>

#include "edge/ctl/draw.h"
#include "edge/ctl/watch_model.h"

namespace attune::edge {

struct Screen {
  static constexpr int kMinColumns = 40;
  int columns = 80;
  int rows = 24;  // 0: as many as it takes
  Look look;
};

// Lines of at most `screen.columns` columns, at most `screen.rows` of them. Without room, details
// go first, then the log, then what is left out is counted ("2 more pairs").
std::vector<std::string> Render(const WatchModel& model, int64_t now_us, const Screen& screen);

}  // namespace attune::edge

#endif  // ATTUNE_EDGE_CTL_RENDER_H_
