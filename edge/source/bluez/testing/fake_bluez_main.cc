// fake_bluez: org.bluez with straps on a private bus, steered by lines on standard input; for tests
// that run programs.
//
// First line out: the bus's address, for DBUS_SYSTEM_BUS_ADDRESS. Then each line in is answered by
// one line out: "ok", "yes", "no", a number, or "error WHY". Ends with its input.
//
//   strap ADDRESS NAME...      a heart-rate strap that advertises
//   notify ADDRESS HEX         a heart rate notification; "no" when nobody listens
//   rr ADDRESS RR...           one with these intervals, 1/1024 s
//   drop ADDRESS               the link breaks off
//   hide ADDRESS, show ADDRESS      stops, starts advertising
//   busy ADDRESS, free ADDRESS      Connect is refused, is let
//   power on|off               of the adapter
//   restart                    bluetoothd goes and comes back
//   connected ADDRESS, notifying ADDRESS, connects ADDRESS, discovering
#include <iostream>
#include <map>
#include <memory>
#include <sstream>
#include <string>
#include <vector>

#include "edge/source/bluez/testing/fake_bluez.h"
#include "edge/source/bluez/testing/private_bus.h"
#include "edge/source/bluez/uuids.h"

namespace {

using attune::edge::FakeBluez;
using attune::edge::FakeBytes;
using attune::edge::FakeStrap;
using attune::edge::FakeTrouble;
using attune::edge::kHeartRateMeasurement;

class Steering {
 public:
  Steering() { Start(); }
  const std::string& address() const { return bus_.address(); }

  std::string Do(const std::string& line) {
    std::istringstream words(line);
    std::string command, address;
    words >> command >> address;
    if (command == "power") return fake_->SetPowered(address == "on"), "ok";
    if (command == "restart") return fake_.reset(), Start(), "ok";
    if (command == "discovering") return fake_->discovering() ? "yes" : "no";
    if (command == "strap") {
      std::string name;
      std::getline(words >> std::ws, name);
      straps_[address] = attune::edge::HeartRateStrap(address, name);
      return fake_->AddStrap(straps_[address]), "ok";
    }
    if (!straps_.contains(address)) return "error no such strap or command: " + line;
    if (command == "notify" || command == "rr") {
      const FakeBytes value = command == "rr" ? Intervals(words) : Hex(words);
      return fake_->Notify(address, kHeartRateMeasurement, value) ? "ok" : "no";
    }
    if (command == "drop") return fake_->DropLink(address), "ok";
    if (command == "connected") return fake_->connected(address) ? "yes" : "no";
    if (command == "connects") return std::to_string(fake_->connects(address));
    if (command == "notifying") {
      return fake_->notifying(address, kHeartRateMeasurement) ? "yes" : "no";
    }
    FakeTrouble trouble;
    trouble.hidden = command == "hide";
    if (command == "busy") {
      trouble.connect_error = "org.bluez.Error.Failed";
      trouble.connect_error_text = "le-connection-abort-by-local";
    } else if (command != "hide" && command != "show" && command != "free") {
      return "error no such command: " + line;
    }
    return fake_->SetTrouble(address, trouble), "ok";
  }

 private:
  void Start() {
    fake_ = std::make_unique<FakeBluez>(bus_.address());
    for (const auto& [address, strap] : straps_) fake_->AddStrap(strap);
  }
  static FakeBytes Intervals(std::istream& words) {
    std::vector<uint16_t> rr;
    for (int one = 0; words >> one;) rr.push_back(static_cast<uint16_t>(one));
    return attune::edge::HeartRateValue(rr.empty() ? 60 : 61440 / std::max<int>(rr[0], 241), rr);
  }
  static FakeBytes Hex(std::istream& words) {
    std::string text;
    words >> text;
    FakeBytes bytes;
    for (size_t i = 0; i + 1 < text.size(); i += 2) {
      bytes.push_back(static_cast<uint8_t>(std::stoi(text.substr(i, 2), nullptr, 16)));
    }
    return bytes;
  }

  attune::edge::PrivateBus bus_;
  std::map<std::string, FakeStrap> straps_;
  std::unique_ptr<FakeBluez> fake_;
};

}  // namespace

int main() {
  Steering steering;
  std::cout << steering.address() << std::endl;
  for (std::string line; std::getline(std::cin, line);) {
    std::cout << steering.Do(line) << std::endl;
  }
}
