#include "edge/client/channel.h"

#include <gtest/gtest.h>

namespace attune::edge {
namespace {

TEST(Channel, KnowsThisMachine) {
  for (const char* address :
       {"127.0.0.1:1", "127.5.0.9:80", "localhost:7400", "[::1]:7400", "unix:/tmp/x"}) {
    EXPECT_TRUE(IsLoopback(address)) << address;
  }
  for (const char* address : {"10.0.0.1:1", "127.example.org:80", "localhost.example.org:1",
                              "0.0.0.0:1", "[fe80::1]:1", "", "127.0.0.1"}) {
    EXPECT_FALSE(IsLoopback(address)) << address;
  }
}

TEST(Channel, PlaintextLeavesTheMachineOnlyWhenAskedTo) {
  const auto refused = MakeChannel("192.0.2.1:7400", {});
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.status().code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_NE(refused.status().message().find("--tls"), std::string::npos);
  ChannelOptions trusted;
  trusted.plaintext_on_network = true;
  EXPECT_TRUE(MakeChannel("192.0.2.1:7400", trusted).ok());
  ChannelOptions tls;
  tls.tls = true;
  EXPECT_TRUE(MakeChannel("192.0.2.1:7400", tls).ok());
  EXPECT_TRUE(MakeChannel("127.0.0.1:7400", {}).ok());
}

TEST(Channel, RefusesWhatIsNoAddressAndFilesThatAreNotThere) {
  for (const char* address : {"", "host", "host:", "host:0", "host:99999", "host:80x", "::1:80"}) {
    EXPECT_EQ(MakeChannel(address, {}).status().code(), absl::StatusCode::kInvalidArgument)
        << address;
  }
  ChannelOptions options;
  options.tls = true;
  options.ca_file = "/nowhere/ca.pem";
  EXPECT_EQ(MakeChannel("localhost:1", options).status().code(), absl::StatusCode::kNotFound);
  options.ca_file = "";
  options.client_cert_file = "/nowhere/cert.pem";
  EXPECT_EQ(MakeChannel("localhost:1", options).status().code(),
            absl::StatusCode::kInvalidArgument);
}

}  // namespace
}  // namespace attune::edge
