#include "edge/lsl/library.h"

#include <dlfcn.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <utility>

#include "edge/lsl/testing.h"

namespace attune::edge {
namespace {

constexpr char kStub[] = "edge/lsl/liblsl_stub.so";

class LslTest : public testing::Test {
 protected:
  void SetUp() override {
    auto library = LslLibrary::Load(kStub);
    ASSERT_TRUE(library.ok()) << library.status();
    library_ = *std::move(library);
    handle_ = dlopen(kStub, RTLD_NOW | RTLD_NOLOAD);
    ASSERT_NE(handle_, nullptr);
  }
  template <typename F>
  F* Stub(F*, const char* name) {
    return reinterpret_cast<F*>(dlsym(handle_, name));
  }

  std::shared_ptr<const LslLibrary> library_;
  void* handle_ = nullptr;
};

#define STUB(name) (*Stub(static_cast<decltype(&name)>(nullptr), #name))

TEST_F(LslTest, PushesNumbersWithUnitAndTime) {
  auto outlet = LslOutlet::Make(
      library_, {.name = "push numbers", .type = "RR", .unit = "ms", .source_id = "a"});
  ASSERT_TRUE(outlet.ok()) << outlet.status();
  outlet->Push(812.5, 1000.25);
  double value = 0, at_s = 0;
  char words[32] = {};
  ASSERT_EQ(STUB(stub_lsl_pushed)("push numbers", 0, &value, &at_s, words, sizeof words), 1);
  EXPECT_EQ(value, 812.5);
  EXPECT_EQ(at_s, 1000.25);
  EXPECT_STREQ(words, "ms");
  EXPECT_EQ(STUB(stub_lsl_pushed)("push numbers", 1, &value, &at_s, words, sizeof words), 0);
}

TEST_F(LslTest, PushesWords) {
  auto outlet = LslOutlet::Make(library_, {.name = "push words", .type = "Markers", .words = true});
  ASSERT_TRUE(outlet.ok()) << outlet.status();
  outlet->Push("breathing begins", 7);
  double value = 0, at_s = 0;
  char words[32] = {};
  ASSERT_EQ(STUB(stub_lsl_pushed)("push words", 0, &value, &at_s, words, sizeof words), 1);
  EXPECT_STREQ(words, "breathing begins");
  EXPECT_EQ(at_s, 7);
}

TEST_F(LslTest, PullsWithTheSendersClockCorrected) {
  auto outlet = LslOutlet::Make(library_, {.name = "pull", .type = "pull-type"});
  auto inlet = LslInlet::Find(library_, "type", "pull-type", 0);
  ASSERT_TRUE(inlet.ok()) << inlet.status();
  EXPECT_EQ(inlet->name(), "pull");
  auto sample = inlet->Pull(0);
  ASSERT_TRUE(sample.ok());
  EXPECT_FALSE(sample->has_value());
  STUB(stub_lsl_set_remote_ahead)(500);
  outlet->Push(900, 1500.5);
  sample = inlet->Pull(0);
  STUB(stub_lsl_set_remote_ahead)(0);
  ASSERT_TRUE(sample.ok());
  ASSERT_TRUE(sample->has_value());
  EXPECT_EQ((*sample)->value, 900);
  EXPECT_DOUBLE_EQ((*sample)->at_s, 1000.5);
}

TEST_F(LslTest, SaysWhenTheStreamIsGoneOrNeverWasOrHoldsNoNumbers) {
  EXPECT_EQ(LslInlet::Find(library_, "name", "nobody", 0).status().code(),
            absl::StatusCode::kNotFound);
  auto marks = LslOutlet::Make(library_, {.name = "marks", .type = "Markers", .words = true});
  EXPECT_EQ(LslInlet::Find(library_, "name", "marks", 0).status().code(),
            absl::StatusCode::kInvalidArgument);
  auto outlet =
      std::make_unique<LslOutlet>(*LslOutlet::Make(library_, {.name = "going", .type = "RR"}));
  auto inlet = LslInlet::Find(library_, "name", "going", 0);
  ASSERT_TRUE(inlet.ok());
  outlet.reset();
  EXPECT_EQ(inlet->Pull(0).status().code(), absl::StatusCode::kUnavailable);
}

TEST(LslLibraryTest, SaysWhatToDoWhenItIsNotThere) {
  const auto none = LslLibrary::Load("/nowhere/liblsl.so");
  EXPECT_EQ(none.status().code(), absl::StatusCode::kNotFound);
  EXPECT_NE(std::string(none.status().message()).find("install liblsl"), std::string::npos);
  const auto other = LslLibrary::Load("libm.so.6");
  EXPECT_EQ(other.status().code(), absl::StatusCode::kFailedPrecondition);
}

}  // namespace
}  // namespace attune::edge
