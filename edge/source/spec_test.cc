#include "edge/source/spec.h"

#include <gtest/gtest.h>

#include <fstream>

namespace attune::edge {
namespace {

class Spec : public testing::Test {
 protected:
  auto Make(std::string_view spec) {
    return MakeSource(spec, {0, clock_, random_, "edge/lsl/liblsl_stub.so"});
  }
  ManualClock clock_;
  SeededRandom random_{1};
};

TEST_F(Spec, MakesEachSource) {
  const std::string path = ::testing::TempDir() + "/spec_test.rr";
  std::ofstream(path) << "800\n900\n1000\n";
  auto replay = Make("replay:" + path + ",at=30,from=0.5,seconds=60,loop");
  ASSERT_TRUE(replay.ok()) << replay.status();
  EXPECT_EQ((*replay)->info().start_session_us, 30'000'000);
  EXPECT_EQ((*replay)->info().sensor, v1::SENSOR_KIND_REPLAY);
  ASSERT_TRUE(Make("simulate").ok());
  const auto simulate = Make(
      "simulate:seed=1,hr=64,resp=0.25,couple_seed=2,strength=0.8,lag_ms=500,missed=0.01,"
      "extra=0.005,ectopic=0.01,dropout_every_s=60,dropout_s=5,at=0,seconds=600");
  ASSERT_TRUE(simulate.ok()) << simulate.status();
  EXPECT_EQ((*simulate)->info().start_session_us, 0);
  EXPECT_TRUE(Make("stdin").ok());
  EXPECT_TRUE(Make("lsl:my belt,unit=s").ok());
}

TEST_F(Spec, SaysWhatIsWrong) {
  const struct {
    const char* spec;
    const char* expected;
  } cases[] = {
      {"", "no source"},
      {"bluez:H10,loud", "no option 'loud'"},
      {"stdin:x", "no source"},
      {"lsl:a,b", "no option 'b'"},
      {"replay", "needs a file"},
      {"replay:", "needs a file"},
      {"replay:/nowhere.rr", "cannot read"},
      {"replay:/nowhere.rr,at=x", "wants a number"},
      {"replay:/nowhere.rr,at=-1", "at, from and seconds"},
      {"replay:/nowhere.rr,speed=2", "no option 'speed'"},
      {"simulate:hr=NaN", "wants a number"},
      {"simulate:seed=1.5", "whole number"},
      {"simulate:hr", "wants a number"},
      {"simulate:bpm=60", "no option 'bpm'"},
  };
  for (const auto& c : cases) {
    const auto source = Make(c.spec);
    ASSERT_FALSE(source.ok()) << c.spec;
    EXPECT_NE(source.status().message().find(c.expected), std::string::npos) << source.status();
  }
}

}  // namespace
}  // namespace attune::edge
