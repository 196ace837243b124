// A device with a service that nobody else here knows: written to, read, listened to, beside heart
// rate on the same connection.
#include "edge/source/bluez/gatt_device.h"

#include "edge/source/bluez/strap_fixture_for_test.h"

namespace attune::edge {
namespace {

constexpr char kService[] = "fb005c80-02e7-f387-1cad-8acd2d8df0c8";
constexpr char kControl[] = "fb005c81-02e7-f387-1cad-8acd2d8df0c8";
constexpr char kData[] = "fb005c82-02e7-f387-1cad-8acd2d8df0c8";

using Bytes = std::vector<uint8_t>;

class GattDeviceTest : public StrapTest {
 protected:
  GattDeviceTest() {
    MakeFake();
    FakeStrap strap = HeartRateStrap(kAna, "Strap");
    strap.known = true;
    FakeCharacteristic control{kControl, {"read", "write", "indicate"}, {0x0f, 0x05}, {}};
    control.written = [this](const FakeBytes& value) -> std::string {
      if (value.empty()) return "org.bluez.Error.InvalidValueLength";
      fake_->Notify(kAna, kControl, {0xf0, value[0], 0});
      if (value[0] == 2) fake_->Notify(kAna, kData, {1, 2, 3});
      return "";
    };
    strap.services.push_back({kService, {control, {kData, {"notify"}, {}, {}}}});
    fake_->AddStrap(std::move(strap));
  }
  ~GattDeviceTest() override {
    if (host_ != nullptr) On([&] { device_.reset(); });
  }
  void On(const std::function<void()>& task) { SharedHost()->PostAndWait(task); }

  // What happened, in order; host's thread.
  std::vector<std::string> log_;
  std::unique_ptr<GattDevice> device_;
  bool Logged(const std::string& words) {
    bool found = false;
    On([&] { found = std::find(log_.begin(), log_.end(), words) != log_.end(); });
    return found;
  }
  bool EventuallyLogged(const std::string& words) {
    return Eventually([&] { return Logged(words); });
  }
  void Connect() {
    const std::string path = "/org/bluez/hci0/dev_A0_9E_1A_00_00_01";
    ASSERT_TRUE(Eventually([&] {
      bool there = false;
      On([&] { there = SharedHost()->Device(path).has_value(); });
      return there;
    }));
    On([&] {
      device_ = std::make_unique<GattDevice>(
          *host_, path, GattTimes{400'000, 400'000, 400'000},
          GattDevice::Events{.ready = [this] { log_.push_back("ready"); },
                             .ended =
                                 [this](const absl::Status& why) {
                                   log_.push_back("ended: " + std::string(why.message()));
                                 }});
      device_->Connect();
    });
    ASSERT_TRUE(EventuallyLogged("ready"));
  }
  static std::string Hex(std::span<const uint8_t> bytes) {
    std::string text;
    for (const uint8_t byte : bytes) {
      text += "0123456789abcdef"[byte >> 4];
      text += "0123456789abcdef"[byte & 15];
    }
    return text;
  }
  GattDevice::OnValue LogValue(const std::string& what) {
    return [this, what](int64_t arrival_us, std::span<const uint8_t> value) {
      EXPECT_LE(arrival_us, clock_.SteadyMicros());
      log_.push_back(what + " " + Hex(value));
    };
  }
  GattDevice::OnDone LogDone(const std::string& what) {
    return [this, what](const absl::Status& status) {
      log_.push_back(what + (status.ok() ? " ok" : " " + DbusErrorName(status)));
    };
  }
};

TEST_F(GattDeviceTest, WritesReadsAndListens) {
  Connect();
  On([&] {
    EXPECT_TRUE(device_->Has(kControl));
    EXPECT_TRUE(device_->Can(kControl, "indicate"));
    EXPECT_FALSE(device_->Can(kData, "write"));
    EXPECT_FALSE(device_->Has("0000ffff-0000-1000-8000-00805f9b34fb"));
    device_->Subscribe(kHeartRateMeasurement, NotifyWay::kStart, LogValue("heart"),
                       LogDone("heart"));
    device_->Subscribe(kControl, NotifyWay::kStart, LogValue("control"), LogDone("control"));
    device_->Subscribe(kData, NotifyWay::kAcquire, LogValue("data"), LogDone("data"));
    device_->Read(kControl, [&](absl::StatusOr<Bytes> value) {
      log_.push_back(value.ok() ? "read " + Hex(*value) : "no read");
    });
  });
  ASSERT_TRUE(EventuallyLogged("read 0f05"));
  ASSERT_TRUE(EventuallyLogged("data ok"));
  ASSERT_TRUE(Logged("control ok"));
  On([&] { device_->Write(kControl, {2, 0}, LogDone("write")); });
  ASSERT_TRUE(EventuallyLogged("data 010203"));
  ASSERT_TRUE(EventuallyLogged("write ok"));
  EXPECT_TRUE(Logged("control f00200"));
  Notify(kAna, {0x16, 60});
  EXPECT_TRUE(EventuallyLogged("heart 163c"));
  On([&] { device_->Write(kControl, {}, LogDone("empty")); });
  EXPECT_TRUE(EventuallyLogged("empty org.bluez.Error.InvalidValueLength"));
  On([&] {
    device_->Unsubscribe(kData);
    device_->Unsubscribe(kControl);
  });
  EXPECT_TRUE(Eventually([&] { return !fake_->notifying(kAna, kControl); }));
}

TEST_F(GattDeviceTest, TheEndIsToldOnceAndLaterCallsAnswer) {
  Connect();
  fake_->DropLink(kAna);
  ASSERT_TRUE(EventuallyLogged("ended: the link was lost"));
  On([&] {
    EXPECT_FALSE(device_->ready());
    EXPECT_FALSE(device_->Has(kControl));
    device_->Write(kControl, {1}, [&](const absl::Status& status) {
      log_.push_back(absl::IsNotFound(status) ? "late write refused" : "?");
    });
  });
  EXPECT_TRUE(Logged("late write refused"));
  // The same object connects again.
  On([&] {
    EXPECT_EQ(std::count(log_.begin(), log_.end(), "ended: the link was lost"), 1);
    log_.clear();
    device_->Connect();
  });
  EXPECT_TRUE(EventuallyLogged("ready"));
}

TEST_F(GattDeviceTest, MayBeDestroyedInItsCallbacks) {
  Connect();
  On([&] {
    device_->Subscribe(
        kControl, NotifyWay::kAcquire,
        [&](int64_t, std::span<const uint8_t>) {
          log_.push_back("destroyed");
          device_.reset();
        },
        LogDone("control"));
  });
  ASSERT_TRUE(EventuallyLogged("control ok"));
  ASSERT_TRUE(fake_->Notify(kAna, kControl, {1}));
  EXPECT_TRUE(EventuallyLogged("destroyed"));
  EXPECT_TRUE(Eventually([&] { return !fake_->connected(kAna); })) << "and leaves the device";
}

}  // namespace
}  // namespace attune::edge
