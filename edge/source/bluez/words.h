// What is wrong with a strap or with Bluetooth, in plain words that end with what to do. For
// DeviceStatus::trouble and for error messages.
#ifndef ATTUNE_EDGE_SOURCE_BLUEZ_WORDS_H_
#define ATTUNE_EDGE_SOURCE_BLUEZ_WORDS_H_

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "edge/source/bluez/host.h"

namespace attune::edge {

// "" when Bluetooth can be used.
std::string RadioWords(BluezHost::Radio radio);

// Why a connection did not come to be. BlueZ says the same for a strap that another phone or app
// holds and for one that is too far away; the words name both.
std::string ConnectWords(const std::string& strap, const absl::Status& why);
// Why it is connected but notifications were refused.
std::string NotifyWords(const std::string& strap, const absl::Status& why);
// Looked for without success. `target`: what was asked for, "" anything; `known`: this computer has
// met it before, so that it exists and merely does not advertise.
std::string UnseenWords(const std::string& target, bool known);
// More than one could be meant.
std::string SeveralWords(const std::string& target, const std::vector<KnownDevice>& straps);

std::string SilentWords(const std::string& strap);
std::string NoContactWords(const std::string& strap);
std::string NoHeartRateWords(const std::string& strap);
std::string LostWords(const std::string& strap, const absl::Status& why);

// Text of a device as it may be shown: no control characters, at most 64 bytes, valid UTF-8.
std::string CleanText(std::string_view text);
// Its name, or its address when it has none.
std::string NameOf(const KnownDevice& device);

}  // namespace attune::edge

#endif  // ATTUNE_EDGE_SOURCE_BLUEZ_WORDS_H_
