#include "edge/source/source.h"

#include <cmath>

namespace attune::edge {

uint32_t Rr1024FromMs(double rr_ms) {
  const double units = std::round(rr_ms * 1.024);
  if (!(units >= kLeastRr1024 && units <= kMostRr1024)) return 0;
  return static_cast<uint32_t>(units);
}

}  // namespace attune::edge
