// The public contract of this tree: compatible with the committed one, and explained throughout.

#include <gmock/gmock.h>
#include <google/protobuf/util/message_differencer.h>
#include <gtest/gtest.h>

#include <fstream>

#include "tests/contracts/compatibility.h"
#include "tests/contracts/documentation.h"

namespace attune::contracts {
namespace {

using google::protobuf::FileDescriptorSet;
using testing::IsEmpty;

FileDescriptorSet Read(const std::string& path) {
  FileDescriptorSet set;
  std::ifstream file(path, std::ios::binary);
  EXPECT_TRUE(file && set.ParseFromIstream(&file)) << path;
  return set;
}

FileDescriptorSet Committed() { return Read("proto/attune_v1.descriptor.binpb"); }

FileDescriptorSet Current() { return Read("proto/current.descriptor.binpb"); }

TEST(ContractTest, CommittedContractIsNotEmpty) {
  const FileDescriptorSet committed = Committed();
  int messages = 0;
  int services = 0;
  for (const auto& file : committed.file()) {
    messages += file.message_type_size();
    services += file.service_size();
  }
  EXPECT_GE(messages, 50);
  EXPECT_GE(services, 4);  // Edge, Session, Live, Report.
}

TEST(ContractTest, NoIncompatibleChange) {
  EXPECT_THAT(IncompatibleChanges(Committed(), Current()), IsEmpty())
      << "Peers and stored journals would break. Add instead of changing; mark as deprecated "
         "instead of removing.";
}

TEST(ContractTest, CommittedDescriptorIsUpToDate) {
  FileDescriptorSet current = Current();
  for (auto& file : *current.mutable_file()) file.clear_source_code_info();
  EXPECT_TRUE(google::protobuf::util::MessageDifferencer::Equals(Committed(), current))
      << "proto/attune_v1.descriptor.binpb does not hold the additions yet, so nothing protects "
         "them. Run proto/update_descriptor and commit the file.";
}

TEST(ContractTest, EverythingIsExplained) {
  EXPECT_THAT(Undocumented(Current()), IsEmpty())
      << "Say in a comment what it is, its unit and range, and what its absence means.";
}

TEST(ContractTest, MutatingCallsCarryRequestId) {
  EXPECT_THAT(MutatingWithoutRequestId(Current()), IsEmpty())
      << "Without a request_id a repeated call cannot be told from a second one.";
}

}  // namespace
}  // namespace attune::contracts
