#include "services/placement/local_directory.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>

#include "services/placement/conformance.h"

namespace attune::placement {
namespace {

class LocalUnderTest final : public DirectoryUnderTest {
 public:
  Directory& directory() override { return directory_; }

 private:
  SeededRandom random_{1};
  LocalDirectory directory_{"127.0.0.1:7000", random_};
};

INSTANTIATE_TEST_SUITE_P(Local, DirectoryConformance,
                         testing::Values(DirectoryCase{
                             "local", [] { return std::make_unique<LocalUnderTest>(); }}));

TEST(LocalDirectory, LeasesNeverEnd) {
  SeededRandom random(1);
  LocalDirectory directory("here", random);
  EXPECT_EQ(directory.Acquire("s", 0)->valid_until_steady_us, kNeverExpires);
}

TEST(LocalDirectory, ForgetsFreeSessionsWhenFullAndRefusesWhenNoneIsFree) {
  SeededRandom random(1);
  LocalDirectory directory("here", random, /*max_sessions=*/3);
  const auto a = directory.Acquire("a", 0);
  ASSERT_TRUE(a.ok() && directory.Acquire("b", 0).ok() && directory.Acquire("c", 0).ok());
  EXPECT_TRUE(absl::IsResourceExhausted(directory.Acquire("d", 0).status()));
  EXPECT_TRUE(directory.Acquire("b", 0).ok()) << "one's own may still be taken anew";
  ASSERT_TRUE(directory.Release(*a).ok());
  EXPECT_TRUE(directory.Acquire("d", 0).ok());
}

}  // namespace
}  // namespace attune::placement
