// A source whose beats are known in advance, one after the other: recordings and simulated hearts.
// Whoever derives from it says which beat is next; this says when it is given.
//
// Not thread-safe.
#ifndef ATTUNE_EDGE_SOURCE_TIMETABLE_H_
#define ATTUNE_EDGE_SOURCE_TIMETABLE_H_

#include <cstdint>
#include <optional>
#include <vector>

#include "edge/source/source.h"

namespace attune::edge {

class Timetable : public Source {
 public:
  int64_t Poll(int64_t now_us, std::vector<SourceBeat>* beats) final;
  std::optional<int64_t> NextDueUs() const final;
  bool finished() const final { return !upcoming_; }

 protected:
  // The beat after the one returned last, times not decreasing; nullopt at the end.
  virtual std::optional<SourceBeat> Next() = 0;
  // Asks for the first beat. To be called once, at the end of Begin. Beats up to `after_position`
  // are passed over as their time comes.
  void Start(uint64_t after_position);

 private:
  uint64_t after_position_ = 0;
  std::optional<SourceBeat> upcoming_;
};

}  // namespace attune::edge

#endif  // ATTUNE_EDGE_SOURCE_TIMETABLE_H_
