#include "edge/source/lsl_source.h"

#include <gtest/gtest.h>

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <vector>

namespace attune::edge {
namespace {

using Link = DeviceStatus::Link;

class LslSourceTest : public testing::Test {
 protected:
  void SetUp() override {
    auto library = LslLibrary::Load("edge/lsl/liblsl_stub.so");
    ASSERT_TRUE(library.ok()) << library.status();
    library_ = *std::move(library);
  }
  std::unique_ptr<Source> Make(const std::string& spec) {
    return MakeLslSource(library_, *ParseLslOptions(spec), clock_);
  }
  LslOutlet Outlet(const std::string& name) {
    return *LslOutlet::Make(library_, {.name = name, .type = "RR", .unit = "ms"});
  }
  // The source works on a thread of its own.
  bool Within5s(const std::function<bool()>& done) {
    for (int i = 0; i < 5000; ++i) {
      if (done()) return true;
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
    return false;
  }
  std::vector<SourceBeat> Take(Source& source, size_t count) {
    std::vector<SourceBeat> beats;
    Within5s([&] {
      source.Poll(clock_.SteadyMicros(), &beats);
      return beats.size() >= count;
    });
    return beats;
  }

  std::shared_ptr<const LslLibrary> library_;
  ManualClock clock_{50'000'000};  // the stand-in's clock stands at 1000 s
};

TEST_F(LslSourceTest, GivesIntervalsWithTheirArrival) {
  auto outlet = Outlet("belt a");
  auto source = Make("belt a");
  ASSERT_TRUE(Within5s([&] { return source->device().link == Link::kConnected; }));
  EXPECT_EQ(source->device().name, "belt a");
  outlet.Push(1000, 999.5);  // half a second old
  outlet.Push(500, 1000);
  const auto beats = Take(*source, 2);
  ASSERT_EQ(beats.size(), 2u);
  EXPECT_EQ(beats[0].rr_1024, 1024u);
  EXPECT_EQ(beats[0].time_us, 49'500'000);
  EXPECT_EQ(beats[1].rr_1024, 512u);
  EXPECT_EQ(beats[1].time_us, 50'000'000);
  EXPECT_FALSE(beats[1].gap_before);
}

TEST_F(LslSourceTest, SecondsAreAUnitToo) {
  auto outlet = Outlet("belt s");
  auto source = Make("belt s,unit=s");
  ASSERT_TRUE(Within5s([&] { return source->device().link == Link::kConnected; }));
  outlet.Push(0.75, 1000);
  const auto beats = Take(*source, 1);
  ASSERT_EQ(beats.size(), 1u);
  EXPECT_EQ(beats[0].rr_1024, 768u);
}

TEST_F(LslSourceTest, AStampThatIsNoArrivalGivesWayToTheReceipt) {
  auto outlet = Outlet("belt t");
  auto source = Make("belt t");
  ASSERT_TRUE(Within5s([&] { return source->device().link == Link::kConnected; }));
  outlet.Push(800, 900);   // 100 s old
  outlet.Push(800, 1100);  // not yet
  const auto beats = Take(*source, 2);
  ASSERT_EQ(beats.size(), 2u);
  EXPECT_EQ(beats[0].time_us, 50'000'000);
  EXPECT_EQ(beats[1].time_us, 50'000'000);
}

TEST_F(LslSourceTest, WhatIsNoIntervalIsCountedAndLeavesAGap) {
  auto outlet = Outlet("belt n");
  auto source = Make("belt n");
  ASSERT_TRUE(Within5s([&] { return source->device().link == Link::kConnected; }));
  outlet.Push(800, 1000);
  outlet.Push(-3, 1000);
  outlet.Push(810, 1000);
  const auto beats = Take(*source, 2);
  ASSERT_EQ(beats.size(), 2u);
  EXPECT_TRUE(beats[1].gap_before);
  EXPECT_EQ(source->refused(), 1u);
}

TEST_F(LslSourceTest, AStreamThatReturnsFollowsAGap) {
  auto outlet = std::make_unique<LslOutlet>(Outlet("belt r"));
  auto source = Make("belt r");
  ASSERT_TRUE(Within5s([&] { return source->device().link == Link::kConnected; }));
  outlet->Push(800, 1000);
  ASSERT_EQ(Take(*source, 1).size(), 1u);
  outlet.reset();
  ASSERT_TRUE(Within5s([&] { return source->device().link == Link::kLost; }));
  EXPECT_FALSE(source->device().trouble.empty());
  outlet = std::make_unique<LslOutlet>(Outlet("belt r"));
  ASSERT_TRUE(Within5s([&] { return source->device().link == Link::kConnected; }));
  EXPECT_TRUE(source->device().trouble.empty());
  outlet->Push(820, 1000);
  const auto beats = Take(*source, 1);
  ASSERT_EQ(beats.size(), 1u);
  EXPECT_TRUE(beats[0].gap_before);
  EXPECT_FALSE(source->finished());
}

TEST(LslOptionsTest, ReadsNamesTypesAndUnits) {
  EXPECT_EQ(ParseLslOptions("")->property, "type");
  EXPECT_EQ(ParseLslOptions("")->value, "RR");
  EXPECT_EQ(ParseLslOptions("my belt,unit=s")->value, "my belt");
  EXPECT_EQ(ParseLslOptions("type=ECG-RR")->value, "ECG-RR");
  EXPECT_FALSE(ParseLslOptions("a,b").ok());
  EXPECT_FALSE(ParseLslOptions("unit=min").ok());
}

}  // namespace
}  // namespace attune::edge
