#include "services/synchrony/replay/contributors.h"

#include <algorithm>

namespace attune::synchrony {
namespace {

bool HasBegun(const std::vector<Attendee>& attendees, int person) {
  const auto it = std::lower_bound(
      attendees.begin(), attendees.end(), person,
      [](const Attendee& attendee, int number) { return attendee.person < number; });
  return it != attendees.end() && it->person == person && it->last_beat_us.has_value();
}

}  // namespace

void SelectContributors(const std::vector<Attendee>& attendees,
                        const std::vector<std::pair<int, int>>& pairs, size_t open_people_most,
                        int64_t tick_end_us, Selection* selection) {
  std::vector<int> open;
  for (const Attendee& attendee : attendees) {
    if (!attendee.last_beat_us.has_value()) continue;
    if (tick_end_us - *attendee.last_beat_us <= kAbsentUs) {
      selection->people.push_back(attendee.person);
    }
    if (attendee.group) selection->group.push_back(attendee.person);
    if (attendee.open) open.push_back(attendee.person);
  }
  for (const auto& [a, b] : pairs) {
    if (HasBegun(attendees, a) && HasBegun(attendees, b)) selection->pairs.emplace_back(a, b);
  }
  if (open.size() <= open_people_most) {
    for (size_t i = 0; i < open.size(); ++i) {
      for (size_t j = i + 1; j < open.size(); ++j) selection->pairs.emplace_back(open[i], open[j]);
    }
  }
  std::sort(selection->pairs.begin(), selection->pairs.end());
  selection->pairs.erase(std::unique(selection->pairs.begin(), selection->pairs.end()),
                         selection->pairs.end());
}

}  // namespace attune::synchrony
