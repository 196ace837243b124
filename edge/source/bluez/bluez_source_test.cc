// Finding a strap, connecting, listening; against a fake org.bluez on a private bus.
#include "edge/source/bluez/bluez_source.h"

#include "edge/source/bluez/scan.h"
#include "edge/source/bluez/strap_fixture_for_test.h"

namespace attune::edge {
namespace {

using Link = DeviceStatus::Link;

class BluezSourceTest : public StrapTest {
 protected:
  BluezSourceTest() { MakeFake(); }
};

TEST_F(BluezSourceTest, BeatsWithTheirArrivalAndWhatTheStrapTellsOfItself) {
  fake_->AddStrap(HeartRateStrap(kAna, "Polar H10 00000001"));
  const auto source = Make(Quick(""));
  EXPECT_EQ(source->info().stamping, Stamping::kArrivalSteady);
  EXPECT_EQ(source->info().sensor, v1::SENSOR_KIND_CHEST_STRAP);
  ASSERT_TRUE(EventuallyConnected(*source)) << source->device().trouble;
  const int64_t before_us = clock_.SteadyMicros();
  Notify(kAna, HeartRateValue(60, {1024, 1000}));
  Notify(kAna, HeartRateValue(61, {}));
  Notify(kAna, HeartRateValue(61, {999}));
  ASSERT_TRUE(EventuallyBeats(*source, 3));
  EXPECT_EQ(Intervals(), (std::vector<uint32_t>{1024, 1000, 999}));
  EXPECT_EQ(Gaps(), (std::vector<bool>{true, false, false}));
  EXPECT_EQ(beats_[0].time_us, beats_[1].time_us);
  EXPECT_GE(beats_[0].time_us, before_us);
  EXPECT_LE(beats_[2].time_us, clock_.SteadyMicros());
  ASSERT_TRUE(Eventually([&] {
    const DeviceStatus device = source->device();
    return device.battery_percent && !device.body_location.empty() &&
           device.model.find("firmware") != std::string::npos;
  }));
  const DeviceStatus device = source->device();
  EXPECT_EQ(device.link, Link::kConnected);
  EXPECT_EQ(device.name, "Polar H10 00000001");
  EXPECT_EQ(device.address, kAna);
  EXPECT_EQ(device.model, "Polar Electro Oy H10, firmware 3.1.1");
  EXPECT_EQ(device.battery_percent, 87);
  EXPECT_EQ(device.body_location, "chest");
  EXPECT_EQ(device.contact, true);
  EXPECT_EQ(device.signal_dbm, -60);
  EXPECT_EQ(device.mode, "intervals");
  EXPECT_EQ(device.trouble, "");
  EXPECT_EQ(source->refused(), 0u);
  EXPECT_FALSE(source->finished());
}

// The time of arrival is that of the signal, however late the agent polls.
TEST_F(BluezSourceTest, ArrivalIsNotTheTimeOfThePoll) {
  fake_->AddStrap(HeartRateStrap(kAna, "Strap"));
  const auto source = Make(Quick("strap"));
  ASSERT_TRUE(EventuallyConnected(*source));
  Notify(kAna, HeartRateValue(60, {1024}));
  const int64_t sent_us = clock_.SteadyMicros();
  std::this_thread::sleep_for(std::chrono::milliseconds(400));
  Poll(*source);
  ASSERT_EQ(beats_.size(), 1u);
  EXPECT_LT(beats_[0].time_us, sent_us + 300'000);
}

TEST_F(BluezSourceTest, BurstsKeepTheirOrderAndLoseNothing) {
  fake_->AddStrap(HeartRateStrap(kAna, "Strap"));
  const auto source = Make(Quick(""));
  ASSERT_TRUE(EventuallyConnected(*source));
  std::vector<uint32_t> wanted;
  for (uint16_t i = 0; i < 1000; ++i) {
    const uint16_t rr = static_cast<uint16_t>(500 + i);
    Notify(kAna, HeartRateValue(60, {rr, rr}));
    wanted.insert(wanted.end(), {rr, rr});
  }
  ASSERT_TRUE(EventuallyBeats(*source, wanted.size()));
  EXPECT_EQ(Intervals(), wanted);
  for (size_t i = 1; i < beats_.size(); ++i) {
    EXPECT_GE(beats_[i].time_us, beats_[i - 1].time_us);
    EXPECT_FALSE(beats_[i].gap_before);
  }
}

TEST_F(BluezSourceTest, AcquiredNotifications) {
  fake_->AddStrap(HeartRateStrap(kAna, "Strap"));
  const auto source = Make(Quick(",acquire"));
  ASSERT_TRUE(EventuallyConnected(*source)) << source->device().trouble;
  EXPECT_TRUE(fake_->acquired(kAna, kHeartRateMeasurement));
  Notify(kAna, HeartRateValue(60, {1024}));
  Notify(kAna, HeartRateValue(60, {1025, 1026}));
  ASSERT_TRUE(EventuallyBeats(*source, 3));
  EXPECT_EQ(Intervals(), (std::vector<uint32_t>{1024, 1025, 1026}));
  // The socket ends: connected anew, after a gap.
  fake_->CloseAcquired(kAna, kHeartRateMeasurement);
  ASSERT_TRUE(Eventually([&] { return fake_->connects(kAna) == 2; }));
  Notify(kAna, HeartRateValue(60, {1027}));
  ASSERT_TRUE(EventuallyBeats(*source, 4));
  EXPECT_EQ(Gaps(), (std::vector<bool>{true, false, false, true}));
}

TEST_F(BluezSourceTest, WhereAcquireIsUnsupportedItSubscribes) {
  FakeStrap strap = HeartRateStrap(kAna, "Strap");
  strap.trouble.acquire_unsupported = true;
  fake_->AddStrap(strap);
  const auto source = Make(Quick("strap,acquire"));
  ASSERT_TRUE(EventuallyConnected(*source)) << source->device().trouble;
  EXPECT_FALSE(fake_->acquired(kAna, kHeartRateMeasurement));
  Notify(kAna, HeartRateValue(60, {1024}));
  ASSERT_TRUE(EventuallyBeats(*source, 1));
}

TEST_F(BluezSourceTest, SeveralStrapsAreListedNotGuessed) {
  fake_->AddStrap(HeartRateStrap(kAna, "Polar H10 A"));
  fake_->AddStrap(HeartRateStrap(kBen, "Polar H10 B\x1b[2J"));
  const auto source = Make(Quick("h10"));
  ASSERT_TRUE(EventuallyTrouble(*source, "2 straps match 'h10'"));
  const std::string words = source->device().trouble;
  EXPECT_NE(words.find("Polar H10 A (A0:9E:1A:00:00:01)"), std::string::npos) << words;
  EXPECT_NE(words.find("Polar H10 B"), std::string::npos) << words;
  EXPECT_NE(words.find("--source=bluez:A0:9E"), std::string::npos) << words;
  EXPECT_EQ(words.find('\x1b'), std::string::npos) << "a name must not steer the terminal";
  EXPECT_EQ(fake_->connects(kAna) + fake_->connects(kBen), 0);
  EXPECT_EQ(source->device().link, Link::kSearching);
  // One of them goes: the other is meant.
  fake_->RemoveStrap(kBen, /*gone=*/true);
  ASSERT_TRUE(EventuallyConnected(*source));
  EXPECT_EQ(source->device().address, kAna);
  EXPECT_EQ(source->device().trouble, "");
}

TEST_F(BluezSourceTest, ByAddressByPartByWholeName) {
  fake_->AddStrap(HeartRateStrap(kAna, "Strap 1"));
  fake_->AddStrap(HeartRateStrap(kBen, "Strap 12"));
  for (const auto& [spec, address] : std::vector<std::pair<std::string, std::string>>{
           {"a0:9e:1a:00:00:02", kBen}, {"P 12", kBen}, {"strap 1", kAna}}) {
    const auto source = Make(Quick(spec));
    ASSERT_TRUE(EventuallyConnected(*source)) << spec << ": " << source->device().trouble;
    EXPECT_EQ(source->device().address, address) << spec;
  }
}

TEST_F(BluezSourceTest, ANameMeansTheStrapNotTheHeadphones) {
  FakeStrap headphones = HeartRateStrap(kBen, "Polar headphones");
  headphones.advertised = {kBatteryService};
  fake_->AddStrap(headphones);
  fake_->AddStrap(HeartRateStrap(kAna, "Polar H10"));
  const auto source = Make(Quick("polar"));
  ASSERT_TRUE(EventuallyConnected(*source)) << source->device().trouble;
  EXPECT_EQ(source->device().address, kAna);
}

// People of one hub: each has a strap, nobody takes another's.
TEST_F(BluezSourceTest, TwoSourcesNeverShareAStrap) {
  fake_->AddStrap(HeartRateStrap(kAna, "Strap Ana"));
  const auto first = Make(Quick("strap"));
  ASSERT_TRUE(EventuallyConnected(*first));
  const auto second = Make(Quick(""));
  ASSERT_TRUE(EventuallyTrouble(*second, "no heart-rate strap in sight"));
  fake_->AddStrap(HeartRateStrap(kBen, "Strap Ben"));
  ASSERT_TRUE(EventuallyConnected(*second));
  EXPECT_EQ(second->device().address, kBen);
  Notify(kBen, HeartRateValue(60, {700}));
  ASSERT_TRUE(EventuallyBeats(*second, 1));
  std::vector<SourceBeat> of_first;
  first->Poll(clock_.SteadyMicros(), &of_first);
  EXPECT_TRUE(of_first.empty());
}

TEST_F(BluezSourceTest, AHubOfMany) {
  constexpr int kPeople = 20;
  std::vector<std::string> addresses;
  std::vector<std::unique_ptr<Source>> sources;
  for (int i = 0; i < kPeople; ++i) {
    addresses.push_back("A0:9E:1A:00:01:" + std::to_string(10 + i));
    fake_->AddStrap(HeartRateStrap(addresses[i], "Strap " + std::to_string(i)));
    sources.push_back(Make(Quick(addresses[i])));
  }
  for (const auto& source : sources) ASSERT_TRUE(EventuallyConnected(*source));
  for (int i = 0; i < kPeople; ++i) {
    Notify(addresses[i], HeartRateValue(60, {static_cast<uint16_t>(500 + i)}));
  }
  for (int i = 0; i < kPeople; ++i) {
    beats_.clear();
    ASSERT_TRUE(EventuallyBeats(*sources[i], 1));
    EXPECT_EQ(Intervals(), std::vector<uint32_t>{static_cast<uint32_t>(500 + i)});
    EXPECT_EQ(fake_->connects(addresses[i]), 1);
  }
  EXPECT_FALSE(fake_->discovering());
}

TEST_F(BluezSourceTest, LeavesTheStrapWhenItEnds) {
  fake_->AddStrap(HeartRateStrap(kAna, "Strap"));
  auto source = Make(Quick(""));
  ASSERT_TRUE(EventuallyConnected(*source));
  EXPECT_FALSE(fake_->discovering()) << "discovery rests while everybody is connected";
  source.reset();
  EXPECT_TRUE(Eventually([&] { return !fake_->connected(kAna); }));
}

TEST_F(BluezSourceTest, WithoutContactNothingIsPassedOn) {
  fake_->AddStrap(HeartRateStrap(kAna, "Strap"));
  const auto source = Make(Quick(""));
  ASSERT_TRUE(EventuallyConnected(*source));
  Notify(kAna, HeartRateValue(60, {1024}));
  Notify(kAna, {0x14, 60, 0x01, 0x04, 0x02, 0x04});  // contact lost, intervals all the same
  ASSERT_TRUE(EventuallyTrouble(*source, "no contact with the skin"));
  EXPECT_EQ(source->device().contact, false);
  Notify(kAna, HeartRateValue(60, {1027, 1028}));
  ASSERT_TRUE(EventuallyBeats(*source, 3));
  EXPECT_EQ(Intervals(), (std::vector<uint32_t>{1024, 1027, 1028}));
  EXPECT_EQ(Gaps(), (std::vector<bool>{true, true, false}));
  EXPECT_EQ(source->refused(), 2u);
  EXPECT_EQ(source->TakeWarnings().size(), 1u);
  EXPECT_EQ(source->device().contact, true);
  EXPECT_EQ(source->device().trouble, "");
}

TEST_F(BluezSourceTest, ASensorThatCannotTellContactIsBelieved) {
  fake_->AddStrap(HeartRateStrap(kAna, "Strap"));
  const auto source = Make(Quick(""));
  ASSERT_TRUE(EventuallyConnected(*source));
  Notify(kAna, {0x12, 60, 0x00, 0x04});  // "detected", but not supported
  ASSERT_TRUE(EventuallyBeats(*source, 1));
  EXPECT_EQ(source->device().contact, std::nullopt);
}

TEST_F(BluezSourceTest, WhatCannotBeReadIsCountedAndLeavesAGap) {
  fake_->AddStrap(HeartRateStrap(kAna, "Strap"));
  const auto source = Make(Quick(""));
  ASSERT_TRUE(EventuallyConnected(*source));
  Notify(kAna, HeartRateValue(60, {1}));
  Notify(kAna, {});                             // empty
  Notify(kAna, HeartRateValue(60, {2}));        // after it
  Notify(kAna, HeartRateValue(60, {3, 0, 4}));  // an interval of zero
  Notify(kAna, {0x16, 60, 0x05, 0x00, 0x99});   // half an interval
  Notify(kAna, HeartRateValue(60, {6}));
  Notify(kAna, {0x17, 60});  // shorter than its flags say
  Notify(kAna, HeartRateValue(60, {7, 8}));
  ASSERT_TRUE(EventuallyBeats(*source, 8));
  EXPECT_EQ(Intervals(), (std::vector<uint32_t>{1, 2, 3, 4, 5, 6, 7, 8}));
  EXPECT_EQ(Gaps(), (std::vector<bool>{true, true, false, true, false, true, true, false}));
  EXPECT_EQ(source->refused(), 4u);
  EXPECT_EQ(source->TakeWarnings().size(), 3u) << "each kind once";
}

TEST_F(BluezSourceTest, TheQueueIsBoundedOldestFirst) {
  fake_->AddStrap(HeartRateStrap(kAna, "Strap"));
  const auto source = Make(Quick(""));
  ASSERT_TRUE(EventuallyConnected(*source));
  const std::vector<uint16_t> nine(9, 1000);
  for (int i = 0; i < 460; ++i) Notify(kAna, HeartRateValue(60, nine));  // 4140
  Notify(kAna, HeartRateValue(60, {1}));
  ASSERT_TRUE(EventuallyBeats(*source, 1));
  EXPECT_TRUE(Eventually([&] {
    Poll(*source);
    return beats_.back().rr_1024 == 1;
  }));
  EXPECT_EQ(beats_.size() + source->refused(), 4141u);
  EXPECT_TRUE(beats_[0].gap_before);
}

TEST_F(BluezSourceTest, BatteryAsBluezTellsIt) {
  FakeStrap strap = HeartRateStrap(kAna, "Strap");
  strap.services.erase(strap.services.begin() + 1);  // BlueZ keeps 180F for itself
  strap.battery_percent = 55;
  fake_->AddStrap(strap);
  const auto source = Make(Quick(""));
  ASSERT_TRUE(Eventually([&] { return source->device().battery_percent == 55; }));
  fake_->SetBattery(kAna, 54);
  EXPECT_TRUE(Eventually([&] { return source->device().battery_percent == 54; }));
}

TEST_F(BluezSourceTest, BatteryNotifications) {
  fake_->AddStrap(HeartRateStrap(kAna, "Strap"));
  const auto source = Make(Quick(""));
  ASSERT_TRUE(Eventually([&] { return fake_->notifying(kAna, kBatteryLevel); }));
  ASSERT_TRUE(fake_->Notify(kAna, kBatteryLevel, {41}));
  ASSERT_TRUE(Eventually([&] { return source->device().battery_percent == 41; }));
  ASSERT_TRUE(fake_->Notify(kAna, kBatteryLevel, {200}));  // nonsense
  ASSERT_TRUE(fake_->Notify(kAna, kBatteryLevel, {40}));
  ASSERT_TRUE(Eventually([&] { return source->device().battery_percent == 40; }));
}

TEST_F(BluezSourceTest, ScanListsWhatIsInSight) {
  FakeStrap weak = HeartRateStrap(kAna, "Far");
  weak.rssi = -90;
  fake_->AddStrap(weak);
  FakeStrap nameless = HeartRateStrap(kBen, "");
  nameless.paired = true;
  fake_->AddStrap(nameless);
  FakeStrap other = HeartRateStrap("A0:9E:1A:00:00:03", "Headphones");
  other.advertised = {kBatteryService};
  fake_->AddStrap(other);
  FakeStrap remembered = HeartRateStrap("A0:9E:1A:00:00:04", "At home");
  remembered.known = remembered.trouble.hidden = true;
  fake_->AddStrap(remembered);
  const auto straps = ScanStraps(400'000, clock_, bus_.address());
  ASSERT_TRUE(straps.ok()) << straps.status();
  ASSERT_EQ(straps->size(), 2u);
  EXPECT_EQ((*straps)[0].address, kBen);
  EXPECT_EQ((*straps)[0].name, kBen);
  EXPECT_TRUE((*straps)[0].paired);
  EXPECT_EQ((*straps)[1].name, "Far");
  EXPECT_EQ((*straps)[1].signal_dbm, -90);
  EXPECT_FALSE((*straps)[1].connected);
  EXPECT_TRUE(Eventually([&] { return !fake_->discovering(); }));
  fake_->SetPowered(false);
  const auto off = ScanStraps(200'000, clock_, bus_.address());
  EXPECT_EQ(off.status().code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_NE(off.status().message().find("switched off"), std::string::npos) << off.status();
}

TEST(BluezOptionsTest, Parses) {
  EXPECT_EQ(ParseBluezOptions("")->target, "");
  EXPECT_EQ(ParseBluezOptions("AA:BB:CC:DD:EE:FF,ecg")->target, "AA:BB:CC:DD:EE:FF");
  EXPECT_TRUE(ParseBluezOptions("AA:BB:CC:DD:EE:FF,ecg")->ecg);
  EXPECT_TRUE(ParseBluezOptions("acquire")->acquire);
  EXPECT_EQ(ParseBluezOptions("acquire")->target, "");
  EXPECT_TRUE(ParseBluezOptions(",ecg,acquire")->acquire);
  EXPECT_FALSE(ParseBluezOptions("Polar").value().acquire);
  EXPECT_FALSE(ParseBluezOptions("Polar,loud").ok());
  EXPECT_FALSE(ParseBluezOptions("Polar,").ok());
}

}  // namespace
}  // namespace attune::edge
