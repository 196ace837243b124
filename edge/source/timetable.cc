#include "edge/source/timetable.h"

namespace attune::edge {

int64_t Timetable::Poll(int64_t now_us, std::vector<SourceBeat>* beats) {
  size_t looked_at = 0;
  while (upcoming_ && upcoming_->time_us <= now_us) {
    if (looked_at++ >= kMostPerPoll) return upcoming_->time_us - 1;
    if (upcoming_->position > after_position_) beats->push_back(*upcoming_);
    upcoming_ = Next();
  }
  return now_us;
}

std::optional<int64_t> Timetable::NextDueUs() const {
  return upcoming_ ? std::optional(upcoming_->time_us) : std::nullopt;
}

void Timetable::Start(uint64_t after_position) {
  after_position_ = after_position;
  upcoming_ = Next();
}

}  // namespace attune::edge
