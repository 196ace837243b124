// Everything that goes wrong with straps and Bluetooth: survived, said in words, and what was lost
// is a gap.
#include <sdbus-c++/sdbus-c++.h>

#include "edge/source/bluez/strap_fixture_for_test.h"

namespace attune::edge {
namespace {

using Link = DeviceStatus::Link;

class BluezTroubleTest : public StrapTest {
 protected:
  BluezTroubleTest() { MakeFake(); }
  // One more beat, which must follow a gap.
  void ExpectBeatAfterGap(Source& source, uint16_t rr) {
    const size_t had = beats_.size();
    Notify(kAna, HeartRateValue(60, {rr}));
    ASSERT_TRUE(EventuallyBeats(source, had + 1)) << source.device().trouble;
    EXPECT_EQ(beats_.back().rr_1024, rr);
    EXPECT_TRUE(beats_.back().gap_before);
    EXPECT_EQ(source.device().trouble, "");
    EXPECT_EQ(source.device().link, Link::kConnected);
  }
  void SetTrouble(const FakeTrouble& trouble) { fake_->SetTrouble(kAna, trouble); }
};

// Always nearly the longest wait.
class LongWait final : public RandomSource {
 public:
  std::string Bytes(size_t count) override { return std::string(count, '\xff'); }
};

TEST_F(BluezTroubleTest, LostLinksAreGapsAndComeBackWithoutEnd) {
  fake_->AddStrap(HeartRateStrap(kAna, "Strap"));
  BluezOptions options = Quick("");
  options.unseen_us = 20'000'000;  // words about the loss stay that long
  const auto source = Make(options);
  ASSERT_TRUE(EventuallyConnected(*source));
  for (uint16_t i = 1; i <= 6; ++i) {
    ExpectBeatAfterGap(*source, i);
    Notify(kAna, HeartRateValue(60, {i}));
    ASSERT_TRUE(EventuallyBeats(*source, 2u * i));
    EXPECT_FALSE(beats_.back().gap_before);
    SetTrouble({.hidden = true});  // so that it does not come back before we look
    fake_->DropLink(kAna);
    ASSERT_TRUE(EventuallyTrouble(*source, "the connection to Strap ended"));
    EXPECT_EQ(source->device().link, Link::kLost);
    EXPECT_EQ(source->device().contact, std::nullopt) << "no old news";
    SetTrouble({});
  }
  ExpectBeatAfterGap(*source, 100);
  EXPECT_EQ(source->refused(), 0u);
}

TEST_F(BluezTroubleTest, BluetoothdGoesAndComesBack) {
  fake_->AddStrap(HeartRateStrap(kAna, "Strap"));
  const auto source = Make(Quick(""));
  ASSERT_TRUE(EventuallyConnected(*source));
  ExpectBeatAfterGap(*source, 1);
  fake_.reset();
  ASSERT_TRUE(EventuallyTrouble(*source, "systemctl start bluetooth"));
  EXPECT_EQ(source->device().link, Link::kLost);
  MakeFake();
  fake_->AddStrap(HeartRateStrap(kAna, "Strap"));
  ExpectBeatAfterGap(*source, 2);
}

TEST_F(BluezTroubleTest, TheBusGoesAndComesBack) {
  fake_->AddStrap(HeartRateStrap(kAna, "Strap"));
  const auto source = Make(Quick(""));
  ASSERT_TRUE(EventuallyConnected(*source));
  ExpectBeatAfterGap(*source, 1);
  bus_.Kill();
  ASSERT_TRUE(EventuallyTrouble(*source, "message bus"));
  bus_.Start();
  fake_.reset();
  MakeFake();
  fake_->AddStrap(HeartRateStrap(kAna, "Strap"));
  ExpectBeatAfterGap(*source, 2);
}

TEST_F(BluezTroubleTest, BluetoothSwitchedOffAndOn) {
  fake_->AddStrap(HeartRateStrap(kAna, "Strap"));
  const auto source = Make(Quick(""));
  ASSERT_TRUE(EventuallyConnected(*source));
  ExpectBeatAfterGap(*source, 1);
  fake_->SetPowered(false);
  ASSERT_TRUE(EventuallyTrouble(*source, "bluetoothctl power on"));
  fake_->SetPowered(true);
  ExpectBeatAfterGap(*source, 2);
  fake_->SetPowered(false, /*blocked=*/true);
  ASSERT_TRUE(EventuallyTrouble(*source, "rfkill unblock bluetooth"));
  fake_->SetPowered(true);
  ExpectBeatAfterGap(*source, 3);
  fake_->SetAdapter(false);
  ASSERT_TRUE(EventuallyTrouble(*source, "no Bluetooth adapter"));
  fake_->SetAdapter(true);
  ExpectBeatAfterGap(*source, 4);
}

TEST_F(BluezTroubleTest, StartedBeforeAnythingIsThere) {
  fake_.reset();
  bus_.Kill();
  const auto source = Make(Quick(""));
  ASSERT_TRUE(EventuallyTrouble(*source, "message bus"));
  bus_.Start();
  ASSERT_TRUE(EventuallyTrouble(*source, "systemctl start bluetooth"));
  MakeFake();
  ASSERT_TRUE(EventuallyTrouble(*source, "no heart-rate strap in sight"));
  fake_->AddStrap(HeartRateStrap(kAna, "Strap"));
  ExpectBeatAfterGap(*source, 1);
}

TEST_F(BluezTroubleTest, BluetoothdDoesNotAnswer) {
  fake_.reset();
  auto mute = sdbus::createSessionBusConnectionWithAddress(bus_.address());
  mute->requestName("org.bluez");
  mute->enterEventLoopAsync();
  const auto source = Make(Quick(""));
  ASSERT_TRUE(EventuallyTrouble(*source, "does not answer"));
  mute.reset();
  MakeFake();
  fake_->AddStrap(HeartRateStrap(kAna, "Strap"));
  ExpectBeatAfterGap(*source, 1);
}

TEST_F(BluezTroubleTest, TheDeviceIsRemovedFromTheComputer) {
  fake_->AddStrap(HeartRateStrap(kAna, "Strap"));
  const auto source = Make(Quick(""));
  ASSERT_TRUE(EventuallyConnected(*source));
  ExpectBeatAfterGap(*source, 1);
  fake_->RemoveStrap(kAna, /*gone=*/false);
  ExpectBeatAfterGap(*source, 2);
  EXPECT_EQ(fake_->connects(kAna), 2);
}

// Of a paired device BlueZ keeps subscriptions over a lost link and answers InProgress at first.
TEST_F(BluezTroubleTest, APairedStrapKeepsOldSubscriptions) {
  FakeStrap strap = HeartRateStrap(kAna, "Strap");
  strap.paired = true;
  fake_->AddStrap(strap);
  const auto source = Make(Quick(""));
  ASSERT_TRUE(EventuallyConnected(*source));
  ExpectBeatAfterGap(*source, 1);
  fake_->DropLink(kAna);
  ExpectBeatAfterGap(*source, 2);
  EXPECT_EQ(fake_->connects(kAna), 2);
}

TEST_F(BluezTroubleTest, ConnectHangs) {
  FakeStrap strap = HeartRateStrap(kAna, "Strap");
  strap.trouble.connect_hangs = true;
  fake_->AddStrap(strap);
  const auto source = Make(Quick(""));
  ASSERT_TRUE(EventuallyTrouble(*source, "Strap does not answer"));
  ASSERT_TRUE(Eventually([&] { return fake_->connects(kAna) >= 2; })) << "tries again";
  SetTrouble({});
  ExpectBeatAfterGap(*source, 1);
}

TEST_F(BluezTroubleTest, ServicesAreNeverResolved) {
  FakeStrap strap = HeartRateStrap(kAna, "Strap");
  strap.trouble.resolve_hangs = true;
  fake_->AddStrap(strap);
  const auto source = Make(Quick(""));
  ASSERT_TRUE(EventuallyTrouble(*source, "Strap does not answer"));
  SetTrouble({});
  ExpectBeatAfterGap(*source, 1);
}

TEST_F(BluezTroubleTest, SlowServicesAreWaitedFor) {
  FakeStrap strap = HeartRateStrap(kAna, "Strap");
  strap.trouble.resolve_delay_us = 200'000;
  fake_->AddStrap(strap);
  const auto source = Make(Quick(""));
  ExpectBeatAfterGap(*source, 1);
  EXPECT_EQ(fake_->connects(kAna), 1);
}

TEST_F(BluezTroubleTest, AnotherAppHoldsIt) {
  fake_->AddStrap(HeartRateStrap(kAna, "Strap"));
  for (const auto& [error, text] : std::vector<std::pair<std::string, std::string>>{
           {"org.bluez.Error.Failed", "le-connection-abort-by-local"},
           {"org.bluez.Error.Failed", "br-connection-busy"},
           {"org.bluez.Error.Failed", "Software caused connection abort"},
           {"org.bluez.Error.InProgress", "Operation already in progress"}}) {
    FakeTrouble trouble;
    trouble.connect_error = error;
    trouble.connect_error_text = text;
    SetTrouble(trouble);
    beats_.clear();
    const auto source = Make(Quick(""));
    ASSERT_TRUE(EventuallyTrouble(*source, "close the app that uses it")) << text;
    EXPECT_NE(source->device().trouble.find("Polar"), std::string::npos);
    ASSERT_TRUE(Eventually([&] { return fake_->connects(kAna) >= 2; })) << "tries again";
    SetTrouble({});
    ExpectBeatAfterGap(*source, 1);
  }
}

TEST_F(BluezTroubleTest, ItsHeartbeatsAreTakenByAnotherProgram) {
  FakeStrap strap = HeartRateStrap(kAna, "Strap");
  fake_->AddStrap(strap);
  for (const char* error : {"org.bluez.Error.InProgress", "org.bluez.Error.NotPermitted"}) {
    FakeTrouble trouble;
    trouble.notify_error = error;
    SetTrouble(trouble);
    beats_.clear();
    const auto source = Make(Quick(""));
    ASSERT_TRUE(EventuallyTrouble(*source, "another program on this computer takes"));
    SetTrouble({});
    ExpectBeatAfterGap(*source, 1);
  }
}

// Connected to a phone: known here, and does not advertise.
TEST_F(BluezTroubleTest, KnownButConnectedElsewhere) {
  FakeStrap strap = HeartRateStrap(kAna, "Strap");
  strap.known = strap.trouble.hidden = true;
  fake_->AddStrap(strap);
  const auto source = Make(Quick("strap"));
  ASSERT_TRUE(EventuallyTrouble(*source, "Strap is known here but does not advertise"));
  EXPECT_NE(source->device().trouble.find("switch off that phone's Bluetooth"), std::string::npos);
  EXPECT_EQ(fake_->connects(kAna), 0);
  SetTrouble({});
  ExpectBeatAfterGap(*source, 1);
}

TEST_F(BluezTroubleTest, ConnectedAndSilent) {
  fake_->AddStrap(HeartRateStrap(kAna, "Strap"));
  BluezOptions options = Quick("");
  options.silent_us = 100'000;
  options.restart_us = 600'000;
  const auto source = Make(options);
  ASSERT_TRUE(EventuallyConnected(*source));
  SetTrouble({.silent = true});
  ASSERT_TRUE(EventuallyTrouble(*source, "connected but sends nothing"));
  EXPECT_EQ(source->device().link, Link::kConnected);
  ASSERT_TRUE(Eventually([&] { return fake_->connects(kAna) == 2; })) << "connected anew";
  SetTrouble({});
  ExpectBeatAfterGap(*source, 1);
}

TEST_F(BluezTroubleTest, NoHeartRateService) {
  FakeStrap strap = HeartRateStrap(kAna, "Thermometer");
  strap.advertised = {};
  strap.services.erase(strap.services.begin());
  fake_->AddStrap(strap);
  const auto source = Make(Quick("thermo"));
  EXPECT_TRUE(EventuallyTrouble(*source, "Thermometer has no heart rate service"));
}

// A strap that was connected is this person's: another one in sight is somebody else's.
TEST_F(BluezTroubleTest, StaysWithItsStrap) {
  fake_->AddStrap(HeartRateStrap(kAna, "Strap"));
  const auto source = Make(Quick(""));
  ASSERT_TRUE(EventuallyConnected(*source));
  fake_->AddStrap(HeartRateStrap(kBen, "Strap"));
  SetTrouble({.hidden = true});
  fake_->DropLink(kAna);
  ASSERT_TRUE(EventuallyTrouble(*source, "does not advertise"));
  EXPECT_EQ(fake_->connects(kBen), 0);
  SetTrouble({});
  ExpectBeatAfterGap(*source, 1);
  EXPECT_EQ(source->device().address, kAna);
}

// A controller connects one device at a time; one that hangs must not keep the others out.
TEST_F(BluezTroubleTest, OnesTroubleDelaysTheOthersNoLongerThanItsDeadline) {
  FakeStrap strap = HeartRateStrap(kAna, "Ana");
  strap.trouble.connect_hangs = true;
  fake_->AddStrap(strap);
  fake_->AddStrap(HeartRateStrap(kBen, "Ben"));
  const auto ana = Make(Quick(kAna));
  ASSERT_TRUE(Eventually([&] { return fake_->connects(kAna) >= 1; }));
  const auto ben = Make(Quick(kBen));
  ASSERT_TRUE(EventuallyConnected(*ben));
  // Ana's attempts go on, and Ben's beats come meanwhile.
  const int attempts = fake_->connects(kAna);
  ASSERT_TRUE(Eventually([&] { return fake_->connects(kAna) > attempts; }));
  Notify(kBen, HeartRateValue(60, {1024}));
  ASSERT_TRUE(EventuallyBeats(*ben, 1));
  EXPECT_EQ(fake_->connects(kBen), 1);
}

TEST_F(BluezTroubleTest, WaitsBetweenAttemptsAsRandomnessSays) {
  FakeStrap strap = HeartRateStrap(kAna, "Strap");
  strap.trouble.connect_error = "org.bluez.Error.Failed";
  fake_->AddStrap(strap);
  BluezOptions options = Quick("");
  options.backoff_first_us = options.backoff_most_us = 60'000'000;
  const auto source = MakeBluezSource(SharedHost(), options, std::make_unique<LongWait>());
  ASSERT_TRUE(EventuallyTrouble(*source, "did not let us connect"));
  std::this_thread::sleep_for(std::chrono::milliseconds(300));
  EXPECT_EQ(fake_->connects(kAna), 1);
}

TEST_F(BluezTroubleTest, EndsAtOnceWhateverIsUnderWay) {
  FakeStrap strap = HeartRateStrap(kAna, "Strap");
  strap.trouble.connect_hangs = true;
  fake_->AddStrap(strap);
  BluezOptions options = Quick("");
  options.times = {};
  auto source = Make(options);
  ASSERT_TRUE(Eventually([&] { return fake_->connects(kAna) == 1; }));
  const int64_t before_us = clock_.SteadyMicros();
  source.reset();
  host_.reset();
  EXPECT_LT(clock_.SteadyMicros() - before_us, 2'000'000);
}

}  // namespace
}  // namespace attune::edge
