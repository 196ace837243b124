#include "edge/ctl/terminal.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace attune::edge {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

TEST(RedrawTest, NothingNewWritesNothing) {
  EXPECT_EQ(Redraw({"a", "b"}, {"a", "b"}, 80, false), "");
}

TEST(RedrawTest, OnlyWhatDiffersIsWritten) {
  const std::string bytes =
      Redraw({"first", "second", "third"}, {"first", "2nd", "third"}, 80, false);
  EXPECT_THAT(bytes, HasSubstr("\x1b[2;1H2nd\x1b[K"));
  EXPECT_THAT(bytes, Not(HasSubstr("first")));
  EXPECT_THAT(bytes, Not(HasSubstr("\x1b[2J")));  // clearing first is what flickers
}

TEST(RedrawTest, ShorterAndWholeScreensClearWhatIsBelow) {
  EXPECT_THAT(Redraw({"a", "b"}, {"a"}, 80, false), HasSubstr("\x1b[2;1H\x1b[J"));
  const std::string whole = Redraw({"a"}, {"a"}, 80, true);
  EXPECT_THAT(whole, HasSubstr("\x1b[1;1Ha\x1b[K"));
  EXPECT_THAT(whole, HasSubstr("\x1b[H\x1b[J"));
  EXPECT_THAT(whole, Not(HasSubstr("\x1b[2;1H")));  // there may be no second line
}

TEST(RedrawTest, AFullLineKeepsItsLastCharacter) {
  EXPECT_THAT(Redraw({}, {"\x1b[1m1234\x1b[0m5"}, 5, false), Not(HasSubstr("\x1b[K")));
  EXPECT_THAT(Redraw({}, {"\x1b[1m123\x1b[0m4"}, 5, false), HasSubstr("\x1b[K"));
}

}  // namespace
}  // namespace attune::edge
