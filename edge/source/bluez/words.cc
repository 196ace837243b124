#include "edge/source/bluez/words.h"

#include <algorithm>

#include "absl/strings/str_cat.h"

namespace attune::edge {
namespace {

constexpr size_t kMostNameBytes = 64;
constexpr size_t kMostListed = 8;
constexpr char kElsewhere[] =
    "Most straps talk to one app at a time: close the app that uses it or switch off that phone's "
    "Bluetooth. A Polar strap allows two connections when Polar's own app has been told so.";

bool Says(const absl::Status& why, std::string_view text) {
  return std::string(why.message()).find(text) != std::string_view::npos;
}

bool IsContinuation(char c) { return (static_cast<unsigned char>(c) & 0xc0) == 0x80; }

// Length of the UTF-8 character at the start; 0 when it is none, or a control character.
size_t CharacterAt(std::string_view text) {
  const auto first = static_cast<unsigned char>(text[0]);
  if (first >= 0x20 && first < 0x7f) return 1;
  const size_t length = first >= 0xf0 && first < 0xf5   ? 4
                        : first >= 0xe0 && first < 0xf0 ? 3
                        : first >= 0xc2 && first < 0xe0 ? 2
                                                        : 0;
  if (length == 0 || text.size() < length) return 0;
  for (size_t i = 1; i < length; ++i) {
    if (!IsContinuation(text[i])) return 0;
  }
  const auto second = static_cast<unsigned char>(text[1]);
  if (first == 0xc2 && second < 0xa0) return 0;  // C1 controls
  if ((first == 0xe0 && second < 0xa0) || (first == 0xf0 && second < 0x90)) return 0;  // overlong
  if ((first == 0xed && second > 0x9f) || (first == 0xf4 && second > 0x8f)) return 0;
  // Characters that turn the direction of what follows.
  if (first == 0xe2 && (second == 0x80 || second == 0x81)) {
    const auto third = static_cast<unsigned char>(text[2]);
    if (second == 0x80 ? third >= 0xa8 && third <= 0xae : third >= 0xa6) return 0;
  }
  return length;
}

}  // namespace

std::string CleanText(std::string_view text) {
  std::string clean;
  for (size_t at = 0; at < text.size();) {
    const size_t length = CharacterAt(text.substr(at));
    if (clean.size() + length > kMostNameBytes) break;
    clean += text.substr(at, length);
    at += std::max<size_t>(length, 1);
  }
  while (clean.ends_with(' ')) clean.pop_back();
  return clean;
}

std::string NameOf(const KnownDevice& device) {
  const std::string name = CleanText(device.name);
  return name.empty() ? device.address : name;
}

std::string RadioWords(BluezHost::Radio radio) {
  switch (radio) {
    case BluezHost::Radio::kNoBus:
      return "the system's message bus (D-Bus) cannot be reached, and Bluetooth goes through it: "
             "start dbus, or run this outside the container";
    case BluezHost::Radio::kNoBluez:
      return "the Bluetooth service does not run: start it with `sudo systemctl start bluetooth` "
             "(package bluez)";
    case BluezHost::Radio::kNoAnswer:
      return "the Bluetooth service does not answer: restart it with `sudo systemctl restart "
             "bluetooth`; if that does not help, this user may not use Bluetooth (group bluetooth)";
    case BluezHost::Radio::kNoAdapter:
      return "this computer has no Bluetooth adapter, or it is not plugged in: plug in a Bluetooth "
             "adapter";
    case BluezHost::Radio::kOff:
      return "Bluetooth is switched off: switch it on in the settings, or with `bluetoothctl power "
             "on`";
    case BluezHost::Radio::kBlocked:
      return "Bluetooth is blocked: leave flight mode, or run `rfkill unblock bluetooth`";
    case BluezHost::Radio::kUnknown:
    case BluezHost::Radio::kOn:
      return "";
  }
  return "";
}

std::string ConnectWords(const std::string& strap, const absl::Status& why) {
  const std::string error = DbusErrorName(why);
  if (error == "org.bluez.Error.InProgress" || Says(why, "br-connection-busy") ||
      Says(why, "already in progress")) {
    return absl::StrCat(strap,
                        " is busy: another program on this computer, another app or another "
                        "phone is connecting to it. ",
                        kElsewhere);
  }
  if (error == "org.bluez.Error.NotReady" || Says(why, "adapter-not-powered")) {
    return RadioWords(BluezHost::Radio::kOff);
  }
  if (error == "org.bluez.Error.Failed") {
    return absl::StrCat(strap, " did not let us connect (", CleanText(std::string(why.message())),
                        "). Another app or phone may hold it, or it is too far away. ", kElsewhere);
  }
  if (absl::IsDeadlineExceeded(why) || error == "org.freedesktop.DBus.Error.NoReply" ||
      error == "org.freedesktop.DBus.Error.Timeout") {
    return absl::StrCat(strap,
                        " does not answer: come nearer, wear it with wet electrodes, and "
                        "see that no other app or phone holds it. Trying again.");
  }
  if (absl::IsNotFound(why)) {
    return absl::StrCat(strap, " has gone out of sight; looking for it.");
  }
  return absl::StrCat(strap, ": no connection (", CleanText(std::string(why.message())),
                      "). Trying again.");
}

std::string NotifyWords(const std::string& strap, const absl::Status& why) {
  const std::string error = DbusErrorName(why);
  if (error == "org.bluez.Error.InProgress" || error == "org.bluez.Error.NotPermitted") {
    return absl::StrCat(strap,
                        " is connected, but another program on this computer takes its "
                        "heartbeats: close that program (a browser page, a training app).");
  }
  if (error == "org.bluez.Error.NotAuthorized" || Says(why, "Insufficient")) {
    return absl::StrCat(strap,
                        " wants to be paired first: pair it in the Bluetooth settings, or "
                        "with `bluetoothctl pair`.");
  }
  return absl::StrCat(strap, " is connected but gives no heartbeats (",
                      CleanText(std::string(why.message())), "). Trying again.");
}

std::string UnseenWords(const std::string& target, bool known) {
  if (known) {
    return absl::StrCat(target,
                        " is known here but does not advertise. Wear it with wet "
                        "electrodes; if you do, another app or phone holds it. ",
                        kElsewhere);
  }
  const std::string what =
      target.empty() ? "no heart-rate strap" : absl::StrCat("no strap '", CleanText(target), "'");
  return absl::StrCat(what,
                      " in sight. Wear it with wet electrodes (it sleeps otherwise), come "
                      "near, and see that no other app or phone holds it.");
}

std::string SeveralWords(const std::string& target, const std::vector<KnownDevice>& straps) {
  std::string words = absl::StrCat(straps.size(), " straps");
  if (!target.empty()) absl::StrAppend(&words, " match '", CleanText(target), "'");
  absl::StrAppend(&words, target.empty() ? " in sight: " : ": ");
  for (size_t i = 0; i < std::min(straps.size(), kMostListed); ++i) {
    absl::StrAppend(&words, i == 0 ? "" : ", ", NameOf(straps[i]), " (", straps[i].address, ")");
  }
  if (straps.size() > kMostListed) absl::StrAppend(&words, " ...");
  return absl::StrCat(words, ". Say which one: --source=bluez:", straps[0].address);
}

std::string SilentWords(const std::string& strap) {
  return absl::StrCat(strap,
                      " is connected but sends nothing: see that it sits on the skin with "
                      "wet electrodes. It is connected anew when it stays silent.");
}

std::string NoContactWords(const std::string& strap) {
  return absl::StrCat(strap,
                      " has no contact with the skin: wet the electrodes and tighten the "
                      "strap. No heartbeats are passed on meanwhile.");
}

std::string NoHeartRateWords(const std::string& strap) {
  return absl::StrCat(strap,
                      " has no heart rate service: it is no strap, or wants to be set up in "
                      "its maker's app first. Name another device.");
}

std::string LostWords(const std::string& strap, const absl::Status& why) {
  return absl::StrCat("the connection to ", strap, " ended (",
                      CleanText(std::string(why.message())),
                      "): looking for it. What it measured meanwhile is lost.");
}

}  // namespace attune::edge
