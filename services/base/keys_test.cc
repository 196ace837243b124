#include "services/base/keys.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <fstream>
#include <string>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"

namespace attune {
namespace {

const std::string kSecret(40, 's');
const std::string kHex(64, 'a');
const std::string kGood =
    absl::StrCat("# a comment\n\napi key-1 ", kSecret, "\r\n kek k1\t", kHex, "\nticket ", kHex);

std::string TempPath(const std::string& name) {
  const std::string path = testing::TempDir() + "/" + name;
  std::remove(path.c_str());
  return path;
}

TEST(Keys, ParsesWhatIsDocumented) {
  const auto ring = ParseKeys(kGood);
  ASSERT_TRUE(ring.ok()) << ring.status();
  ASSERT_EQ(ring->api.size(), 1u);
  EXPECT_EQ(ring->api[0].id, "key-1");
  EXPECT_EQ(ring->api[0].secret, kSecret);
  ASSERT_EQ(ring->kek.size(), 1u);
  EXPECT_EQ(ring->kek[0].bytes, std::string(32, '\xaa'));
  EXPECT_EQ(ring->ticket, std::string(32, '\xaa'));
  EXPECT_EQ(ring->FindApi("key-1"), &ring->api[0]);
  EXPECT_EQ(ring->FindApi("key-2"), nullptr);
}

TEST(Keys, ErrorsNameTheLineAndNoSecret) {
  const std::string secret = "this-is-very-secret";
  const struct {
    std::string text;
    std::string line;
  } cases[] = {
      {"\napi a " + secret, "line 2"},
      {"api a", "line 1"},
      {"api a/b " + kSecret, "line 1"},
      {"api a " + kSecret + "\napi a " + kSecret, "line 2"},
      {"kek k " + secret, "line 1"},
      {"kek k " + std::string(63, 'a') + "g", "line 1"},
      {"ticket " + kHex + "\n#\nticket " + kHex, "line 3"},
      {secret, "line 1"},
      {"kek k " + kHex + "\nticket " + kHex, "no `api"},
      {"api a " + kSecret + "\nticket " + kHex, "no `kek"},
      {"api a " + kSecret + "\nkek k " + kHex, "no `ticket"},
      {std::string(kMaxKeysFileBytes + 1, '#'), "larger"},
  };
  for (const auto& c : cases) {
    const auto ring = ParseKeys(c.text);
    ASSERT_EQ(ring.status().code(), absl::StatusCode::kInvalidArgument) << c.text;
    const std::string message(ring.status().message());
    EXPECT_TRUE(absl::StrContains(message, c.line)) << message;
    EXPECT_FALSE(absl::StrContains(message, secret)) << message;
  }
}

TEST(Keys, CreatedFileIsPrivateAndLoads) {
  const std::string path = TempPath("created.keys");
  SystemRandom random;
  ASSERT_TRUE(CreateKeysFile(path, random).ok());
  struct stat about;
  ASSERT_EQ(stat(path.c_str(), &about), 0);
  EXPECT_EQ(about.st_mode & 0777, 0600u);
  const auto ring = LoadKeysFile(path);
  ASSERT_TRUE(ring.ok()) << ring.status();
  EXPECT_NE(ring->ticket, ring->kek[0].bytes);
  EXPECT_EQ(CreateKeysFile(path, random).code(), absl::StatusCode::kAlreadyExists);
  EXPECT_EQ(LoadKeysFile(path)->ticket, ring->ticket) << "the existing file was touched";
}

TEST(Keys, RefusesAFileThatOthersMayRead) {
  const std::string path = TempPath("open.keys");
  std::ofstream(path) << kGood;
  ASSERT_EQ(chmod(path.c_str(), 0640), 0);
  const auto ring = LoadKeysFile(path);
  EXPECT_EQ(ring.status().code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_TRUE(absl::StrContains(std::string(ring.status().message()), "chmod 600"));
  ASSERT_EQ(chmod(path.c_str(), 0400), 0);
  EXPECT_TRUE(LoadKeysFile(path).ok());
}

TEST(Keys, MissingFileIsNotFound) {
  EXPECT_EQ(LoadKeysFile(TempPath("none.keys")).status().code(), absl::StatusCode::kNotFound);
}

}  // namespace
}  // namespace attune
