// attunectl node against a small fake of NodeService on loopback; what traces a call carries.
#include <gmock/gmock.h>
#include <google/protobuf/util/json_util.h>
#include <grpcpp/security/server_credentials.h>
#include <grpcpp/server.h>
#include <grpcpp/server_builder.h>
#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <optional>
#include <sstream>
#include <string>
#include <vector>

#include "attune/v1/node.grpc.pb.h"
#include "edge/ctl/command.h"
#include "services/base/keys.h"

namespace attune::edge {
namespace {

using ::testing::ContainsRegex;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

constexpr const char* kHostile = "Mallory\x1b[2J";

std::string Header(const grpc::ServerContext& context, const char* name) {
  const auto it = context.client_metadata().find(name);
  return it == context.client_metadata().end() ? ""
                                               : std::string(it->second.data(), it->second.size());
}

class FakeNodes final : public v1::NodeService::Service {
 public:
  grpc::Status GetNodeStatus(grpc::ServerContext*, const v1::GetNodeStatusRequest*,
                             v1::GetNodeStatusResponse* response) override {
    response->mutable_status()->set_node_id("node-1");
    response->mutable_status()->set_state(v1::NODE_STATE_SERVING);
    response->mutable_status()->set_address("10.0.0.1:7400");
    response->mutable_status()->set_cluster(true);
    response->mutable_status()->set_sessions_suspended(3);
    response->mutable_status()->set_durability(v1::DURABILITY_TIER_REDIS_WAIT);
    return grpc::Status::OK;
  }
  grpc::Status ListNodes(grpc::ServerContext* context, const v1::ListNodesRequest*,
                         v1::ListNodesResponse* response) override {
    authorization = Header(*context, "authorization");
    traceparent = Header(*context, "traceparent");
    ++lists;
    v1::NodeInfo* first = response->add_nodes();
    first->set_node_id("node-1");
    first->set_incarnation("one");
    first->set_address("10.0.0.1:7400");
    first->set_state(v1::NODE_STATE_SERVING);
    first->set_sessions(421);
    first->set_participants(3368);
    first->set_capacity(20'000);
    first->set_engine_version("3");
    first->set_age_us(400'000);
    if (!drain.node_id().empty() && lists > lists_until_gone) return grpc::Status::OK;
    v1::NodeInfo* second = response->add_nodes();
    second->set_node_id("node-2");
    second->set_incarnation("two");
    second->set_state(v1::NODE_STATE_DRAINING);
    second->set_engine_version(second_engine);
    second->set_build(kHostile);
    second->set_age_us(12'000'000);
    return grpc::Status::OK;
  }
  grpc::Status DrainNode(grpc::ServerContext*, const v1::DrainNodeRequest* request,
                         v1::DrainNodeResponse* response) override {
    drain = *request;
    response->set_sessions(7);
    if (request->node_id() == "nobody") return {grpc::StatusCode::NOT_FOUND, "no such node"};
    return grpc::Status::OK;
  }

  std::string authorization, traceparent;
  std::string second_engine = "3";
  int lists = 0;
  int lists_until_gone = 1'000'000;
  v1::DrainNodeRequest drain;
};

class CtlNodeTest : public ::testing::Test {
 protected:
  void SetUp() override {
    grpc::ServerBuilder builder;
    int port = 0;
    builder.AddListeningPort("127.0.0.1:0", grpc::InsecureServerCredentials(), &port);
    builder.RegisterService(&nodes_);
    server_ = builder.BuildAndStart();
    ASSERT_NE(server_, nullptr);
    address_ = "127.0.0.1:" + std::to_string(port);
    keys_ = ::testing::TempDir() + "/keys." + std::to_string(port);
    ASSERT_TRUE(CreateKeysFile(keys_, random_).ok());
  }

  int Call(std::vector<std::string> arguments) {
    arguments.push_back("--server=" + address_);
    out_.str("");
    err_.str("");
    Environment environment{
        .in = in_,
        .out = out_,
        .err = err_,
        .clock = clock_,
        .random = random_,
        .variable = [this](const std::string& name) -> std::optional<std::string> {
          const auto it = variables_.find(name);
          if (it == variables_.end()) return std::nullopt;
          return it->second;
        }};
    return RunCtl(arguments, environment);
  }
  std::string out() const { return out_.str(); }
  std::string err() const { return err_.str(); }

  SystemClock clock_;
  SeededRandom random_{11};
  std::istringstream in_;
  std::ostringstream out_, err_;
  std::map<std::string, std::string> variables_;
  FakeNodes nodes_;
  std::unique_ptr<grpc::Server> server_;
  std::string address_, keys_;
};

TEST_F(CtlNodeTest, NodesAreListed) {
  ASSERT_EQ(Call({"node", "list", "--keys=" + keys_}), kExitOk) << err();
  EXPECT_THAT(nodes_.authorization, StartsWith("Bearer "));
  EXPECT_THAT(out(), ContainsRegex("node-1 +serving +421 +3368 +20000 +10.0.0.1:7400"));
  EXPECT_THAT(out(), ContainsRegex("node-2 +draining +0 .* ! 12 s ago"));
  EXPECT_THAT(out(), Not(HasSubstr("\x1b")));
  EXPECT_THAT(out(), Not(HasSubstr("same version")));
  nodes_.second_engine = "4";
  ASSERT_EQ(Call({"node", "list", "--keys=" + keys_}), kExitOk) << err();
  EXPECT_THAT(out(), HasSubstr("Not all nodes compute the same version of the numbers"));

  ASSERT_EQ(Call({"node", "list", "--format=json", "--keys=" + keys_}), kExitOk) << err();
  v1::ListNodesResponse list;
  ASSERT_TRUE(google::protobuf::util::JsonStringToMessage(out(), &list).ok()) << out();
  ASSERT_EQ(list.nodes_size(), 2);
  EXPECT_EQ(list.nodes(0).sessions(), 421u);
}

TEST_F(CtlNodeTest, EveryCallCarriesATrace) {
  ASSERT_EQ(Call({"node", "list", "--keys=" + keys_}), kExitOk) << err();
  EXPECT_THAT(nodes_.traceparent, ContainsRegex("^00-[0-9a-f]{32}-[0-9a-f]{16}-00$"));
  variables_["TRACEPARENT"] = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
  ASSERT_EQ(Call({"node", "list", "--keys=" + keys_}), kExitOk) << err();
  EXPECT_THAT(nodes_.traceparent,
              ContainsRegex("^00-4bf92f3577b34da6a3ce929d0e0e4736-[0-9a-f]{16}-01$"));
  EXPECT_THAT(nodes_.traceparent, Not(HasSubstr("00f067aa0ba902b7"))) << "a span of its own";
}

TEST_F(CtlNodeTest, ANodeIsShown) {
  const std::vector<std::vector<std::string>> both{{"node"}, {"node", "show"}};
  for (const auto& words : both) {
    std::vector<std::string> command = words;
    command.push_back("--keys=" + keys_);
    ASSERT_EQ(Call(command), kExitOk) << err();
    EXPECT_THAT(out(), HasSubstr("10.0.0.1:7400, one node of a cluster"));
    EXPECT_THAT(out(), HasSubstr("3 sessions wait for Redis"));
    EXPECT_THAT(out(), HasSubstr("redis-wait (survives the death of the node and"));
  }
  EXPECT_EQ(Call({"node", "show", "node-1", "--keys=" + keys_}), kExitUsage);
  EXPECT_THAT(err(), HasSubstr("--server=HOST:PORT"));
  EXPECT_EQ(Call({"node", "stop", "--keys=" + keys_}), kExitUsage);
  EXPECT_THAT(err(), HasSubstr("list, show or drain"));
}

TEST_F(CtlNodeTest, ANodeIsDrained) {
  ASSERT_EQ(Call({"node", "drain", "node-2", "--keys=" + keys_}), kExitOk) << err();
  EXPECT_EQ(nodes_.drain.node_id(), "node-2");
  EXPECT_GE(nodes_.drain.request_id().size(), 8u);
  EXPECT_EQ(out(), "node-2 hands over 7 sessions, then stops.\n");
  ASSERT_EQ(Call({"node", "drain", "--keys=" + keys_}), kExitOk) << err();
  EXPECT_EQ(nodes_.drain.node_id(), "");

  nodes_.lists_until_gone = nodes_.lists + 3;
  ASSERT_EQ(Call({"node", "drain", "node-2", "--wait-s=20", "--keys=" + keys_}), kExitOk) << err();
  EXPECT_THAT(out(), HasSubstr("It has gone."));
  EXPECT_EQ(nodes_.lists, nodes_.lists_until_gone + 1);
  nodes_.lists_until_gone = 1'000'000;
  EXPECT_EQ(Call({"node", "drain", "node-2", "--wait-s=0.6", "--keys=" + keys_}), kExitFailed);
  EXPECT_THAT(err(), HasSubstr("has not gone within --wait-s"));

  EXPECT_EQ(Call({"node", "drain", "nobody", "--keys=" + keys_}), kExitFailed);
  EXPECT_THAT(err(), HasSubstr("no such node"));
  EXPECT_EQ(Call({"node", "list", "--wait-s=3", "--keys=" + keys_}), kExitUsage);
}

}  // namespace
}  // namespace attune::edge
