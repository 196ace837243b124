#include "edge/source/line_source.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include "services/base/random.h"

namespace attune::edge {
namespace {

class Pipe {
 public:
  Pipe() { EXPECT_EQ(pipe(fds_), 0); }
  ~Pipe() {
    close(fds_[0]);
    Close();
  }
  int reading() const { return fds_[0]; }
  void Write(std::string_view text) {
    ASSERT_EQ(write(fds_[1], text.data(), text.size()), static_cast<ssize_t>(text.size()));
  }
  void Close() {
    if (fds_[1] >= 0) close(fds_[1]);
    fds_[1] = -1;
  }

 private:
  int fds_[2] = {-1, -1};
};

TEST(LineSource, TakesTheThreeForms) {
  EXPECT_EQ(ParseLiveLine("812.5")->rr_1024, 832u);
  EXPECT_EQ(ParseLiveLine(" 12.25 , 1000 ")->arrival_s, 12.25);
  EXPECT_EQ(ParseLiveLine("{\"rr_ms\":1000}")->rr_1024, 1024u);
  const auto json = ParseLiveLine("{ \"id\": \"a,b\", \"arrival_s\": 3, \"rr_ms\": 500 }");
  ASSERT_TRUE(json.ok()) << json.status();
  EXPECT_EQ(json->arrival_s, 3);
  EXPECT_EQ(json->rr_1024, 512u);
}

TEST(LineSource, RefusesEverythingElse) {
  for (const char* line : {"", "x", "NaN", "inf", "-1", "0", "65000", "1,", ",1", "1,2,3", "{}",
                           "{", "{\"rr_ms\":}", "{\"rr_ms\":1000", "{\"rr_ms\":\"1000\"}",
                           "{\"rr_ms\":1000,}", "{\"other\":1}", "[1000]", "1e300,800"}) {
    EXPECT_FALSE(ParseLiveLine(line).ok()) << line;
  }
  EXPECT_FALSE(ParseLiveLine(std::string(5000, '1')).ok());
  SeededRandom random(4);
  const std::string alphabet = "{}\":,rr_msarrival_0123456789.eE-+ \\";
  for (int trial = 0; trial < 50'000; ++trial) {
    std::string line = trial % 2 == 0 ? "{" : "";
    const uint64_t length = random.Below(40);
    for (uint64_t i = 0; i < length; ++i) line += alphabet[random.Below(alphabet.size())];
    const auto parsed = ParseLiveLine(line);
    if (parsed.ok()) {
      EXPECT_GE(parsed->rr_1024, 1u);
    }
  }
}

TEST(LineSource, ReadsWithoutBlockingAndSkipsBadLines) {
  Pipe pipe;
  const auto source = MakeLineSource(pipe.reading());
  std::vector<SourceBeat> beats;
  source->Poll(100, &beats);
  EXPECT_TRUE(beats.empty());
  pipe.Write("1000\n10");
  source->Poll(200, &beats);
  ASSERT_EQ(beats.size(), 1u);
  EXPECT_EQ(beats[0].time_us, 200);
  pipe.Write("24\nrubbish\n" + std::string(100'000 / 4, 'x') + "\n900\n");
  source->Poll(300, &beats);
  ASSERT_EQ(beats.size(), 3u);
  EXPECT_EQ(beats[1].rr_1024, Rr1024FromMs(1024));
  EXPECT_FALSE(beats[1].gap_before);
  EXPECT_TRUE(beats[2].gap_before);
  EXPECT_EQ(source->refused(), 2u);
  EXPECT_EQ(source->TakeWarnings().size(), 2u);
  pipe.Write("800");  // no newline at the end
  pipe.Close();
  EXPECT_FALSE(source->finished());
  source->Poll(400, &beats);
  EXPECT_EQ(beats.size(), 4u);
  EXPECT_TRUE(source->finished());
}

TEST(LineSource, TheWritersClockIsPinnedByItsFirstLine) {
  Pipe pipe;
  const auto source = MakeLineSource(pipe.reading());
  std::vector<SourceBeat> beats;
  pipe.Write("1000.5,800\n");
  source->Poll(7'000'000, &beats);
  pipe.Write("1001.5,800\n900.0,800\n");
  source->Poll(8'900'000, &beats);
  ASSERT_EQ(beats.size(), 3u);
  EXPECT_EQ(beats[0].time_us, 7'000'000);
  EXPECT_EQ(beats[1].time_us, 8'000'000);
  EXPECT_EQ(beats[2].time_us, 8'000'000) << "time does not go back";
}

}  // namespace
}  // namespace attune::edge
