#include "services/synchrony/replay/contributors.h"

#include <gtest/gtest.h>

#include <optional>
#include <utility>
#include <vector>

namespace attune::synchrony {
namespace {

constexpr int64_t kEndUs = 100'000'000;
using Pairs = std::vector<std::pair<int, int>>;

Attendee At(int person, std::optional<int64_t> last_beat_us) {
  return {.person = person, .last_beat_us = last_beat_us, .group = true, .open = true};
}

Selection Of(const std::vector<Attendee>& attendees, const Pairs& pairs, size_t open_people_most) {
  Selection selection;
  SelectContributors(attendees, pairs, open_people_most, kEndUs, &selection);
  return selection;
}

TEST(ContributorsTest, NobodyCountsBeforeTheFirstBeat) {
  const Selection selection = Of({At(1, kEndUs), At(2, std::nullopt)}, {{1, 2}}, 64);
  EXPECT_EQ(selection.people, std::vector<int>{1});
  EXPECT_EQ(selection.group, std::vector<int>{1});
  EXPECT_TRUE(selection.pairs.empty());
}

TEST(ContributorsTest, WhoIsSilentForLongIsNotShownButStillLookedAt) {
  const Selection selection =
      Of({At(1, kEndUs - kAbsentUs), At(2, kEndUs - kAbsentUs - 1)}, {{1, 2}}, 0);
  EXPECT_EQ(selection.people, std::vector<int>{1});
  EXPECT_EQ(selection.group, (std::vector<int>{1, 2}));
  EXPECT_EQ(selection.pairs, (Pairs{{1, 2}}));
}

TEST(ContributorsTest, PairsOfOpenPeopleUpToTheLimitEachOnce) {
  std::vector<Attendee> attendees = {At(1, 0), At(2, 0), At(3, 0), At(5, std::nullopt)};
  EXPECT_EQ(Of(attendees, {{2, 3}, {1, 4}}, 3).pairs, (Pairs{{1, 2}, {1, 3}, {2, 3}}));
  EXPECT_EQ(Of(attendees, {{2, 3}, {1, 4}}, 2).pairs, (Pairs{{2, 3}}));
  attendees[0].open = false;
  EXPECT_EQ(Of(attendees, {}, 2).pairs, (Pairs{{2, 3}}));
  attendees[1].group = false;
  EXPECT_EQ(Of(attendees, {}, 2).group, (std::vector<int>{1, 3}));
}

}  // namespace
}  // namespace attune::synchrony
