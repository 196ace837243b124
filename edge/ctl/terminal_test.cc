#include "edge/ctl/terminal.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace attune::edge {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

TEST(RedrawTest, NothingNewWritesNothing) { EXPECT_EQ(Redraw({"a", "b"}, {"a", "b"}, false), ""); }

TEST(RedrawTest, OnlyWhatDiffersIsWritten) {
  const std::string bytes = Redraw({"first", "second", "third"}, {"first", "2nd", "third"}, false);
  EXPECT_THAT(bytes, HasSubstr("\x1b[2;1H2nd\x1b[K"));
  EXPECT_THAT(bytes, Not(HasSubstr("first")));
  EXPECT_THAT(bytes, Not(HasSubstr("\x1b[2J")));  // clearing first is what flickers
}

TEST(RedrawTest, ShorterAndWholeScreensClearWhatIsBelow) {
  EXPECT_THAT(Redraw({"a", "b"}, {"a"}, false), HasSubstr("\x1b[2;1H\x1b[J"));
  const std::string whole = Redraw({"a"}, {"a"}, true);
  EXPECT_THAT(whole, HasSubstr("\x1b[1;1Ha\x1b[K"));
  EXPECT_THAT(whole, HasSubstr("\x1b[2;1H\x1b[J"));
}

}  // namespace
}  // namespace attune::edge
