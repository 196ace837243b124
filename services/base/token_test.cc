#include "services/base/token.h"

#include <gtest/gtest.h>

#include <string>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"

namespace attune {
namespace {

constexpr int64_t kSecond = 1'000'000;
constexpr int64_t kNow = 1'700'000'000 * kSecond;

KeyRing Ring() {
  KeyRing ring;
  ring.api = {{"key-1", std::string(32, 'x')}, {"key-2", std::string(32, 'y')}};
  return ring;
}

Claims Participant() {
  Claims claims;
  claims.session_id = "session-0123456789";
  claims.token_id = "token-01";
  claims.role = "participant";
  claims.participant = 7;
  claims.grants = {"follow", "erase"};
  claims.expires_utc_us = kNow + 60 * kSecond;
  claims.not_before_utc_us = kNow - kSecond;
  return claims;
}

std::string Message(const absl::Status& status) { return std::string(status.message()); }

// A token made by hand, as an attacker (who may know nothing but the format) would.
std::string Forge(const std::string& header, const std::string& payload, const std::string& sig) {
  return absl::StrCat(absl::WebSafeBase64Escape(header), ".", absl::WebSafeBase64Escape(payload),
                      ".", sig);
}

TEST(Token, RoundTrip) {
  const KeyRing ring = Ring();
  const auto token = SignToken(Participant(), ring.api[1]);
  ASSERT_TRUE(token.ok()) << token.status();
  const auto claims = VerifyToken(*token, ring, kNow);
  ASSERT_TRUE(claims.ok()) << claims.status();
  EXPECT_EQ(claims->key_id, "key-2");
  EXPECT_EQ(claims->session_id, "session-0123456789");
  EXPECT_EQ(claims->token_id, "token-01");
  EXPECT_EQ(claims->role, "participant");
  EXPECT_EQ(claims->participant, 7u);
  EXPECT_EQ(claims->grants, (std::vector<std::string>{"follow", "erase"}));
  EXPECT_EQ(claims->expires_utc_us, kNow + 60 * kSecond);
  EXPECT_EQ(claims->not_before_utc_us, kNow - kSecond);
}

TEST(Token, EveryRoleRoundTrips) {
  const KeyRing ring = Ring();
  for (const char* role : {"facilitator", "observer", "operator"}) {
    Claims claims;
    claims.role = role;
    if (claims.role != kRoleOperator) claims.session_id = "session-0123456789";
    claims.token_id = "token-02";
    claims.expires_utc_us = kNow + kSecond;
    const auto token = SignToken(claims, ring.api[0]);
    ASSERT_TRUE(token.ok()) << token.status();
    const auto read = VerifyToken(*token, ring, kNow);
    ASSERT_TRUE(read.ok()) << read.status();
    EXPECT_EQ(read->role, role);
    EXPECT_EQ(read->participant, 0u);
    EXPECT_EQ(read->not_before_utc_us, 0);
    EXPECT_TRUE(read->grants.empty());
  }
}

TEST(Token, ExpiryIsToldApart) {
  const KeyRing ring = Ring();
  const std::string token = *SignToken(Participant(), ring.api[0]);
  EXPECT_TRUE(VerifyToken(token, ring, kNow + 60 * kSecond - 1).ok());
  const absl::Status expired = VerifyToken(token, ring, kNow + 60 * kSecond).status();
  EXPECT_EQ(expired.code(), absl::StatusCode::kUnauthenticated);
  EXPECT_TRUE(IsTokenExpired(expired));
  const absl::Status early = VerifyToken(token, ring, kNow - 2 * kSecond).status();
  EXPECT_EQ(early.code(), absl::StatusCode::kUnauthenticated);
  EXPECT_FALSE(IsTokenExpired(early));
  EXPECT_NE(Message(early).find("not valid yet"), std::string::npos);
}

// The example of RFC 7515, appendix A.1: an independent HS256 signature that libjwt must accept
// (it is then refused for its claims, not for its signature).
TEST(Token, ChecksSignaturesAsTheStandardSays) {
  KeyRing ring;
  std::string secret;
  ASSERT_TRUE(absl::WebSafeBase64Unescape(
      "AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow",
      &secret));
  ring.api = {{"joe", secret}};
  const std::string signed_part =
      "eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9."
      "eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0"
      "cnVlfQ.";
  const absl::Status good =
      VerifyToken(signed_part + "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk", ring, kNow).status();
  EXPECT_NE(Message(good).find("role"), std::string::npos) << good;
  const absl::Status bad =
      VerifyToken(signed_part + "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXl", ring, kNow).status();
  EXPECT_NE(Message(bad).find("signature"), std::string::npos) << bad;
}

TEST(Token, RefusesForgeries) {
  const KeyRing ring = Ring();
  const std::string good = *SignToken(Participant(), ring.api[0]);
  const std::string payload =
      R"({"iss":"key-1","sid":"session-0123456789","jti":"token-01","role":"participant","pid":8,)"
      R"("exp":1800000000})";
  const std::string signature = good.substr(good.rfind('.') + 1);
  const std::string cases[] = {
      "",
      ".",
      "..",
      "a.b",
      "a.b.c",
      "not a token",
      std::string("a\0b", 3),
      good + "x",
      good.substr(0, good.size() - 2),
      std::string(kMaxTokenBytes + 1, 'a'),
      Forge(R"({"alg":"none"})", payload, ""),
      Forge(R"({"alg":"None","typ":"JWT"})", payload, ""),
      Forge(R"({"alg":"none"})", payload, signature),
      Forge(R"({"alg":"HS256","typ":"JWT"})", payload, signature),
      Forge(R"({"alg":"HS256","typ":"JWT"})", payload, ""),
      Forge(R"({"alg":"RS256","typ":"JWT"})", payload, signature),
      Forge(R"({"typ":"JWT"})", payload, signature),
      Forge("[]", "[]", signature),
      Forge(R"({"alg":"HS256"})", R"({"iss":{"a":1}})", signature),
  };
  for (const std::string& token : cases) {
    const auto claims = VerifyToken(token, ring, kNow);
    EXPECT_EQ(claims.status().code(), absl::StatusCode::kUnauthenticated) << token;
    EXPECT_FALSE(IsTokenExpired(claims.status())) << token;
  }
}

TEST(Token, RefusesOtherAlgorithmsUnderTheRightSecret) {
  const KeyRing ring = Ring();
  // HS512 of {"iss":"key-1","exp":1800000000} under 32 times 'x', computed with Python's hmac.
  const std::string token =
      "eyJhbGciOiJIUzUxMiIsInR5cCI6IkpXVCJ9.eyJpc3MiOiJrZXktMSIsImV4cCI6MTgwMDAwMDAwMH0."
      "56V4Hzh5_lq9gN33BM0g2dugufzb_PAJHCygLGNZ2gF"
      "QXoqWaWF6hwQr2YJ25IXpuX1v-nnpMp0yB4roRDYOHA";
  const absl::Status status = VerifyToken(token, ring, kNow).status();
  EXPECT_NE(Message(status).find("not HS256"), std::string::npos) << status;
}

TEST(Token, RefusesAnotherKeysSignatureUnderOurName) {
  KeyRing theirs = Ring();
  theirs.api[0].secret = std::string(32, 'z');
  const std::string token = *SignToken(Participant(), theirs.api[0]);
  EXPECT_EQ(VerifyToken(token, Ring(), kNow).status().code(), absl::StatusCode::kUnauthenticated);
  theirs.api[0].id = "key-3";
  const std::string unknown = *SignToken(Participant(), theirs.api[0]);
  EXPECT_NE(Message(VerifyToken(unknown, Ring(), kNow).status()).find("unknown key"),
            std::string::npos);
}

TEST(Token, SignsNoContradictions) {
  const KeyRing ring = Ring();
  const auto refused = [&](auto change) {
    Claims claims = Participant();
    change(claims);
    return !SignToken(claims, ring.api[0]).ok();
  };
  EXPECT_FALSE(refused([](Claims&) {}));
  EXPECT_TRUE(refused([](Claims& c) { c.role = "king"; }));
  EXPECT_TRUE(refused([](Claims& c) { c.session_id.clear(); }));
  EXPECT_TRUE(refused([](Claims& c) { c.participant = 0; }));
  EXPECT_TRUE(refused([](Claims& c) { c.role = "observer"; }));
  EXPECT_TRUE(refused([](Claims& c) { c.role = "operator", c.participant = 0; }));
  EXPECT_TRUE(refused([](Claims& c) { c.token_id = "short"; }));
  EXPECT_TRUE(refused([](Claims& c) { c.expires_utc_us = 0; }));
  EXPECT_TRUE(refused([](Claims& c) { c.grants = {"two words"}; }));
}

}  // namespace
}  // namespace attune
