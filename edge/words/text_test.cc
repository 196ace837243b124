#include "edge/words/text.h"

#include <gtest/gtest.h>

namespace attune::edge {
namespace {

TEST(WidthTest, CountsTerminalColumns) {
  EXPECT_EQ(Width("abc"), 3);
  EXPECT_EQ(Width("é"), 1);
  EXPECT_EQ(Width("e\u0301"), 1);  // letter and combining accent
  EXPECT_EQ(Width("山田"), 4);
  EXPECT_EQ(Width("한"), 2);
  EXPECT_EQ(Width("🙂"), 2);
  EXPECT_EQ(Width("ｱ"), 1);  // half width
  EXPECT_EQ(Width("\xff\xfe"), 2);
}

TEST(HarmlessTest, EscapeSequencesLoseTheirTeeth) {
  for (const char* hostile : {"\x1b[2J\x1b[31mred", "a\x07\x08\x7f",
                              "b\xc2\x9b"
                              "31m",
                              "line\nbreak\r", "\x1b]0;title\x07"}) {
    const std::string out = Harmless(hostile);
    for (size_t i = 0; i < out.size(); ++i) {
      const auto byte = static_cast<unsigned char>(out[i]);
      EXPECT_TRUE(byte >= 0x20 && byte != 0x7f) << out;
    }
    EXPECT_EQ(out.find("\xc2\x9b"), std::string::npos);  // the one-character CSI
  }
}

TEST(HarmlessTest, DirectionAndInvisibleMarksGo) {
  EXPECT_EQ(Harmless("a\u202eb\u2066c\u200bd\ufeff"), "abcd");
}

TEST(HarmlessTest, InvalidBytesAreShownAsSuch) {
  EXPECT_EQ(Harmless("a\xff"), "a\uFFFD");
  EXPECT_EQ(Harmless("\xed\xa0\x80", true), "???");  // a surrogate is no character
  EXPECT_EQ(Harmless("\xc0\xaf", true), "??");       // over-long '/'
}

TEST(HarmlessTest, StacksOfMarksAreBounded) {
  std::string tower = "a";
  for (int i = 0; i < 50; ++i) tower += "\u0301";
  EXPECT_EQ(Harmless(tower).size(), 1u + 2 * 2);
  EXPECT_EQ(Harmless("\u0301x"), "x");
}

TEST(HarmlessTest, AsciiOnlyWhenAskedFor) {
  EXPECT_EQ(Harmless("Zoë 山", true), "Zo? ?");
  EXPECT_EQ(Harmless("Zoë 山"), "Zoë 山");
}

TEST(CutTest, NeverSplitsAWideCharacter) {
  EXPECT_EQ(Cut("山田太郎", 8), "山田太郎");
  EXPECT_EQ(Cut("山田太郎", 7), "山田太…");
  EXPECT_EQ(Cut("山田太郎", 6), "山田…");
  EXPECT_EQ(Width(Left("山田太郎", 6)), 6);
  EXPECT_EQ(Left("ab", 4), "ab  ");
  EXPECT_EQ(Right("ab", 4), "  ab");
  EXPECT_EQ(Cut("abcdef", 4, true), "abc~");
  EXPECT_EQ(Cut("abc", 0), "");
}

}  // namespace
}  // namespace attune::edge
