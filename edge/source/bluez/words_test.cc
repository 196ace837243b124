#include "edge/source/bluez/words.h"

#include <gtest/gtest.h>

#include "edge/source/bluez/strap_feed.h"

namespace attune::edge {
namespace {

TEST(CleanText, KeepsNamesAndDropsWhatSteersATerminal) {
  EXPECT_EQ(CleanText("Polar H10 A1B2C3D4"), "Polar H10 A1B2C3D4");
  EXPECT_EQ(CleanText("Zoë’s Gürtel 心"), "Zoë’s Gürtel 心");
  EXPECT_EQ(CleanText("a\x1b[2J\nb\x7f\t"), "a[2Jb");
  EXPECT_EQ(CleanText(std::string("3.1.1\0\0", 7)), "3.1.1");
  EXPECT_EQ(CleanText("\xc2\x9b"
                      "2J"),
            "2J")
      << "CSI as one C1 control";
  EXPECT_EQ(CleanText("ab\xe2\x80\xae"
                      "cd"),
            "abcd")
      << "right-to-left override";
  EXPECT_EQ(CleanText("\xc0\xaf\xff\xed\xa0\x80x\xe2\x82"), "x") << "no UTF-8";
  EXPECT_EQ(CleanText(""), "");
}

TEST(CleanText, IsBoundedAtACharacter) {
  std::string text;
  for (int i = 0; i < 40; ++i) text += "ü";
  EXPECT_EQ(CleanText(text).size(), 64u);
  EXPECT_EQ(CleanText("a" + text).size(), 63u);
}

// Each says what is wrong and what to do.
TEST(Words, OfEveryRadioStateButOn) {
  using Radio = BluezHost::Radio;
  EXPECT_EQ(RadioWords(Radio::kOn), "");
  for (const Radio radio : {Radio::kNoBus, Radio::kNoBluez, Radio::kNoAnswer, Radio::kNoAdapter,
                            Radio::kOff, Radio::kBlocked}) {
    EXPECT_NE(RadioWords(radio).find(": "), std::string::npos) << RadioWords(radio);
  }
}

TEST(Words, ListOfStrapsIsBounded) {
  std::vector<KnownDevice> straps(30);
  for (auto& strap : straps) {
    strap.address = "AA:BB:CC:DD:EE:FF";
    strap.name = std::string(200, 'x');
  }
  EXPECT_LT(SeveralWords("", straps).size(), 1000u);
}

TEST(StrapFeed, NothingComesBeforeWhatWasPromised) {
  StrapFeed feed;
  std::vector<SourceBeat> beats;
  feed.AddInterval(1000, 500, true);
  feed.AddInterval(1001, 2'000, false);
  EXPECT_EQ(feed.Take(1'000, &beats), 1'000) << "what arrived later waits";
  ASSERT_EQ(beats.size(), 1u);
  feed.AddInterval(1002, 900, false);  // the clock was read just before the poll
  EXPECT_EQ(feed.Take(3'000, &beats), 3'000);
  ASSERT_EQ(beats.size(), 3u);
  EXPECT_EQ(beats[1].time_us, 2'000);
  EXPECT_EQ(beats[2].time_us, 2'000);
  feed.AddInterval(1003, 2'500, false);
  EXPECT_EQ(feed.Take(4'000, &beats), 4'000);
  EXPECT_EQ(beats[3].time_us, 3'001);
}

}  // namespace
}  // namespace attune::edge
