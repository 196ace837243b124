#include "edge/ctl/inspect.h"

#include <google/protobuf/struct.pb.h>
#include <google/protobuf/util/json_util.h>

#include <algorithm>
#include <vector>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "edge/words/text.h"
#include "edge/words/words.h"
#include "services/base/token.h"

namespace attune::edge {

absl::StatusOr<std::string> InspectToken(const std::string& token, const KeyRing* keys,
                                         int64_t now_utc_us) {
  const absl::Status no_token = absl::FailedPreconditionError(
      "this is not a token: a token is three words of letters and digits, joined by points.");
  if (token.size() > kMaxTokenBytes) return no_token;
  const std::vector<std::string> parts = absl::StrSplit(token, '.');
  std::string payload;
  google::protobuf::Struct claims;
  if (parts.size() != 3 || !absl::WebSafeBase64Unescape(parts[1], &payload) ||
      !google::protobuf::util::JsonStringToMessage(payload, &claims).ok()) {
    return no_token;
  }
  std::string out;
  const auto add = [&](const char* claim, const char* words) {
    const auto it = claims.fields().find(claim);
    if (it == claims.fields().end()) return;
    const auto& value = it->second;
    absl::StrAppend(
        &out, Left(words, 13),
        value.has_string_value() ? Harmless(value.string_value()) : Fixed(value.number_value(), 0),
        "\n");
  };
  add("role", "role");
  add("sid", "session");
  add("pid", "participant");
  add("scope", "grants");
  add("jti", "token id");
  add("iss", "signed by");
  const auto expiry = claims.fields().find("exp");
  if (expiry != claims.fields().end()) {
    const double left_s = std::clamp(
        expiry->second.number_value() - static_cast<double>(now_utc_us) / 1e6, -1e9, 1e9);
    const auto span = [](double s) { return ClockTime(static_cast<int64_t>(s * 1e6)); };
    absl::StrAppend(&out, Left("expires", 13),
                    left_s > 0 ? "in " + span(left_s) : span(-left_s) + " ago: expired", "\n");
  }
  if (keys == nullptr) {
    absl::StrAppend(&out, Left("signature", 13), "not checked (give --keys=FILE)\n");
    return out;
  }
  const auto verified = VerifyToken(token, *keys, now_utc_us);
  if (!verified.ok()) {
    return absl::UnauthenticatedError(absl::StrCat(
        "a server with these keys refuses this token: ", std::string(verified.status().message()),
        "\n", out));
  }
  absl::StrAppend(&out, Left("signature", 13), "valid\n");
  return out;
}

}  // namespace attune::edge
