// Calls at a node that does not own the session: passed on as they are, and answered as the owner
// answers. Most tests put a stand-in where the owner would be, which sees the bytes; some two
// nodes.
#include <google/protobuf/descriptor.h>
#include <gtest/gtest.h>

#include <map>
#include <set>
#include <string>

#include "services/node/fake_owner_for_test.h"
#include "services/node/hop.h"
#include "services/node/node_fixture.h"
#include "services/node/raw_call_for_test.h"
#include "services/placement/codes.h"
#include "services/placement/nodes.h"

namespace attune::node {
namespace {

constexpr char kWatch[] = "/attune.v1.LiveService/Watch";
constexpr char kStream[] = "/attune.v1.EdgeService/Stream";
// A field that no message of ours has: 4000 = "not known here".
const std::string kUnknownField = std::string("\x82\xfa\x01\x0e", 4) + "not known here";

// Every session belongs to somebody else.
class TheirDirectory final : public placement::Directory {
 public:
  explicit TheirDirectory(std::string address) : address_(std::move(address)) {}
  absl::StatusOr<placement::Lease> Acquire(const std::string& session, uint64_t) override {
    return Owner(session);
  }
  absl::StatusOr<placement::Lease> Renew(const placement::Lease&) override {
    return absl::FailedPreconditionError("not ours");
  }
  absl::Status Release(const placement::Lease&) override {
    return absl::FailedPreconditionError("not ours");
  }
  absl::Status HandOff(const placement::Lease&, const std::string&, const std::string&) override {
    return absl::FailedPreconditionError("not ours");
  }
  absl::StatusOr<placement::Lease> Owner(const std::string& session) override {
    placement::Lease lease;
    lease.session = session;
    lease.epoch = 7;
    lease.owner_address = address_;
    return lease;
  }

 private:
  const std::string address_;
};

// New sessions go to one node of another name.
class TheirNodes final : public placement::NodeList {
 public:
  explicit TheirNodes(std::string address) : address_(std::move(address)) {}
  absl::Status Announce(placement::NodeRecord) override { return absl::OkStatus(); }
  absl::Status Beat() override { return absl::OkStatus(); }
  absl::Status Withdraw() override { return absl::OkStatus(); }
  absl::StatusOr<std::vector<placement::NodeRecord>> List() override { return {{Record()}}; }
  absl::StatusOr<placement::NodeRecord> Pick(const placement::Needs&) override { return Record(); }

 private:
  placement::NodeRecord Record() const {
    placement::NodeRecord record;
    record.node_id = "theirs";
    record.incarnation = "theirs#1";
    record.address = address_;
    record.state = placement::NodeState::kServing;
    return record;
  }
  const std::string address_;
};

class ForwardTest : public NodeFixture {
 protected:
  void StartFront(const std::string& owner) {
    their_directory_ = std::make_unique<TheirDirectory>(owner);
    their_nodes_ = std::make_unique<TheirNodes>(owner);
    front_metrics_ = std::make_unique<Metrics>("test", "1");
    Options options = options_;
    options.cluster = true;
    options.node_id = "front";
    auto front = Node::Start(options, {clock_, log_, random_, *front_metrics_, *journal_,
                                       *keystore_, *their_directory_, their_nodes_.get(), &codes_});
    ASSERT_TRUE(front.ok()) << front.status();
    front_ = *std::move(front);
  }
  // `node_` is there for what both share; the owner is the stand-in.
  void StartBeforeFake() {
    Start();
    session_ = Create(v1::SESSION_KIND_LAB).session().session_id();
    StartFront(owner_.address());
  }
  void TearDown() override {
    if (front_ != nullptr) front_->Stop(true);
    owner_.Die();
    front_.reset();
  }
  // `role` empty: without a token.
  std::unique_ptr<RawCall> At(const std::string& role) {
    return std::make_unique<RawCall>(front_->grpc_address(),
                                     role.empty() ? ""
                                                  : Token(role, role == "operator" ? "" : session_,
                                                          role == "participant" ? 1 : 0));
  }
  // A unary call in bytes, from beginning to end.
  struct Answer {
    grpc::Status status;
    std::string bytes;
  };
  static Answer Ask(RawCall& call, const std::string& method, const std::string& request) {
    call.Begin(method.c_str());
    call.Write(request);
    call.HalfClose();
    Answer answer;
    answer.status = call.Status();
    const auto messages = call.Await(0);
    if (!messages.empty()) answer.bytes = messages[0];
    return answer;
  }
  std::string HelloBytes(uint32_t handle = 1) {
    v1::EdgeUp up;
    up.set_handle(handle);
    up.mutable_hello()->set_token(Token("participant", session_, handle));
    return up.SerializeAsString() + kUnknownField;
  }

  FakeOwner owner_;
  std::string session_;
  std::unique_ptr<TheirDirectory> their_directory_;
  std::unique_ptr<TheirNodes> their_nodes_;
  placement::LocalCodes codes_{clock_};
  std::unique_ptr<Metrics> front_metrics_;
  std::unique_ptr<Node> front_;
};

// Who answers a call, and who may make it.
enum class By { kOwner, kOwnerOfCode, kChosen, kAsked };
struct Rule {
  By by;
  std::string role;
};
const std::map<std::string, Rule>& Rules() {
  static const auto* rules = new std::map<std::string, Rule>{
      {"EdgeService.Stream", {By::kOwner, ""}},
      {"LiveService.Watch", {By::kOwner, "facilitator"}},
      {"LiveService.History", {By::kOwner, "observer"}},
      {"ReportService.GetReport", {By::kOwner, "observer"}},
      {"ReportService.GetExport", {By::kOwner, "facilitator"}},
      {"SessionService.CreateSession", {By::kChosen, "operator"}},
      {"SessionService.JoinSession", {By::kOwnerOfCode, ""}},
      {"SessionService.GetSessionByCode", {By::kOwnerOfCode, ""}},
      {"SessionService.GetSession", {By::kOwner, "participant"}},
      {"SessionService.ListSessions", {By::kAsked, "operator"}},
      {"SessionService.SetConsent", {By::kOwner, "participant"}},
      {"SessionService.LeaveSession", {By::kOwner, "participant"}},
      {"SessionService.EraseParticipant", {By::kOwner, "participant"}},
      {"SessionService.StartPractice", {By::kOwner, "facilitator"}},
      {"SessionService.StopPractice", {By::kOwner, "facilitator"}},
      {"SessionService.Annotate", {By::kOwner, "facilitator"}},
      {"SessionService.SubmitMeasure", {By::kOwner, "participant"}},
      {"SessionService.DissolveDyad", {By::kOwner, "facilitator"}},
      {"SessionService.EndSession", {By::kOwner, "facilitator"}},
      {"SessionService.RevokeToken", {By::kOwner, "facilitator"}},
      {"NodeService.GetNodeStatus", {By::kAsked, "operator"}},
      {"NodeService.ListNodes", {By::kAsked, "operator"}},
      // Named in the request, not found by a session (node_service.h).
      {"NodeService.DrainNode", {By::kAsked, "operator"}},
      {"NodeService.Adopt", {By::kAsked, "operator"}},
  };
  return *rules;
}

std::vector<const google::protobuf::MethodDescriptor*> AllMethods() {
  std::vector<const google::protobuf::MethodDescriptor*> methods;
  for (const auto* file :
       {v1::EdgeUp::descriptor()->file(), v1::WatchRequest::descriptor()->file(),
        v1::GetReportRequest::descriptor()->file(), v1::SessionInfo::descriptor()->file(),
        v1::NodeStatus::descriptor()->file()}) {
    for (int s = 0; s < file->service_count(); ++s) {
      for (int m = 0; m < file->service(s)->method_count(); ++m) {
        methods.push_back(file->service(s)->method(m));
      }
    }
  }
  return methods;
}

// What the front has to see of a request; the rest is none of its business.
std::string RequestBytes(By by, const google::protobuf::MethodDescriptor& method) {
  if (by == By::kOwnerOfCode) {
    const std::string code = "ABCD-2345";
    v1::GetSessionByCodeRequest look;
    look.set_join_code(code);
    v1::JoinSessionRequest join;
    join.set_join_code(code);
    return (method.name() == "JoinSession" ? join.SerializeAsString() : look.SerializeAsString()) +
           kUnknownField;
  }
  if (by == By::kChosen) {
    v1::CreateSessionRequest create;
    create.set_request_id("request-of-somebody");
    create.set_kind(v1::SESSION_KIND_LAB);
    return create.SerializeAsString() + kUnknownField;
  }
  return kUnknownField;
}

std::string NameOf(const google::protobuf::MethodDescriptor& method) {
  return method.service()->name() + "." + method.name();
}

TEST_F(ForwardTest, EveryCallOfASessionReachesItsOwnerUntouched) {
  StartBeforeFake();
  ASSERT_TRUE(codes_.Claim("ABCD-2345", session_, 3600 * kSecond).ok());
  const std::string answer = "an answer that is no message of ours \xff\xfe";
  size_t known = 0;
  for (const auto* method : AllMethods()) {
    const std::string name = NameOf(*method);
    SCOPED_TRACE(name);
    const auto rule = Rules().find(name);
    ASSERT_NE(rule, Rules().end()) << "a new call: say here who answers it";
    ++known;
    if (rule->second.by == By::kAsked) continue;
    const std::string path = "/" + method->service()->full_name() + "/" + method->name();
    const bool edge = method->client_streaming();
    OwnerScript script;
    script.messages = {answer};
    owner_.Script(script);
    const size_t before = owner_.Calls().size();
    const auto call = At(rule->second.role);
    call->context.AddMetadata("traceparent", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa-01");
    call->context.AddMetadata("some-bin", std::string("\0\x01\xff", 3));
    if (edge) call->context.AddMetadata(kFollowRedirectsKey, "no");
    const std::string request = edge ? HelloBytes() : RequestBytes(rule->second.by, *method);
    const Answer got = Ask(*call, path, request);
    EXPECT_TRUE(got.status.ok()) << got.status.error_message();
    EXPECT_EQ(got.bytes, answer);
    const auto calls = owner_.Calls();
    ASSERT_EQ(calls.size(), before + 1);
    const SeenCall& seen = calls.back();
    EXPECT_EQ(seen.method, path);
    ASSERT_EQ(seen.messages.size(), 1u);
    EXPECT_EQ(seen.messages[0], request);
    const auto sent = [&seen](const std::string& key) {
      const auto found = seen.metadata.find(key);
      return found == seen.metadata.end() ? std::string("(none)") : found->second;
    };
    EXPECT_EQ(sent("traceparent"), "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa-01");
    EXPECT_EQ(sent("some-bin"), std::string("\0\x01\xff", 3));
    EXPECT_EQ(sent("authorization").substr(0, 6), rule->second.role.empty() ? "(none)" : "Bearer");
    EXPECT_EQ(sent("attune-forwarded"), "1");
  }
  EXPECT_EQ(known, Rules().size()) << "a call that is no longer there";
}

TEST_F(ForwardTest, WhoMayNotCallIsRefusedAtTheFront) {
  StartBeforeFake();
  for (const std::string& token :
       {std::string(), std::string("rubbish"), Token("observer", session_), Token("operator")}) {
    RawCall call(front_->grpc_address(), token);
    const auto status = Ask(call, "/attune.v1.SessionService/EndSession", "").status;
    EXPECT_TRUE(status.error_code() == grpc::StatusCode::UNAUTHENTICATED ||
                status.error_code() == grpc::StatusCode::PERMISSION_DENIED)
        << status.error_message();
  }
  EXPECT_TRUE(owner_.Calls().empty());
}

TEST_F(ForwardTest, StatusDetailsAndMetadataComeBackAsTheyWere) {
  StartBeforeFake();
  OwnerScript script;
  script.messages = {"once"};
  script.status = grpc::Status(grpc::StatusCode::ABORTED, "said \xc3\xa4 100%\nso", "d\0tails");
  script.initial = {{"begun", "well"}};
  script.trailing = {{"retry-after-ms", "1234"}, {"twice", "a"}, {"twice", "b"}, {"x-bin", "\xff"}};
  for (const std::string method : {"/attune.v1.SessionService/GetSession", kWatch, kStream}) {
    SCOPED_TRACE(method);
    if (method == "/attune.v1.SessionService/GetSession")
      script.messages = {};
    else
      script.messages = {"once"};
    owner_.Script(script);
    const auto call = At("participant");
    call->context.AddMetadata(kFollowRedirectsKey, "no");
    const Answer got = Ask(*call, method, method == kStream ? HelloBytes() : "");
    EXPECT_EQ(got.status.error_code(), grpc::StatusCode::ABORTED);
    EXPECT_EQ(got.status.error_message(), script.status.error_message());
    EXPECT_EQ(got.status.error_details(), script.status.error_details());
    std::multimap<std::string, std::string> trailing;
    for (const auto& [key, value] : call->context.GetServerTrailingMetadata()) {
      if (key.starts_with("grpc-")) continue;
      trailing.emplace(std::string(key.data(), key.size()),
                       std::string(value.data(), value.size()));
    }
    EXPECT_EQ(trailing, script.trailing);
    const auto& initial = call->context.GetServerInitialMetadata();
    EXPECT_EQ(initial.count("begun"), 1u);
  }
}

TEST_F(ForwardTest, OneHopIsTheMost) {
  StartBeforeFake();
  for (const std::string method : {"/attune.v1.SessionService/GetSession", kWatch}) {
    const auto call = At("participant");
    call->context.AddMetadata("attune-forwarded", "1");
    EXPECT_EQ(Ask(*call, method, "").status.error_code(), grpc::StatusCode::UNAVAILABLE);
    EXPECT_EQ(call->context.GetServerTrailingMetadata().count("retry-after-ms"), 1u);
  }
  for (const char* follows : {"no", "yes"}) {
    const auto call = At("participant");
    call->context.AddMetadata("attune-forwarded", "1");
    call->context.AddMetadata(kFollowRedirectsKey, follows);
    call->Begin(kStream);
    call->Write(HelloBytes());
    const auto messages = call->Await(1);
    ASSERT_FALSE(messages.empty());
    v1::EdgeDown down;
    ASSERT_TRUE(down.ParseFromString(messages[0]));
    EXPECT_EQ(down.refusal().reason(), v1::REFUSAL_REASON_OVERLOADED);
    EXPECT_GT(down.refusal().retry_after_ms(), 0u);
  }
  EXPECT_TRUE(owner_.Calls().empty());
}

TEST_F(ForwardTest, ACancelledCallIsCancelledAtTheOwner) {
  StartBeforeFake();
  OwnerScript script;
  script.hold = true;
  owner_.Script(script);
  size_t calls = 0;
  for (const std::string method : {"/attune.v1.SessionService/GetSession", kWatch, kStream}) {
    SCOPED_TRACE(method);
    const auto call = At("participant");
    call->context.AddMetadata(kFollowRedirectsKey, "no");
    call->Begin(method.c_str());
    call->Write(method == kStream ? HelloBytes() : "");
    if (method != kStream) call->HalfClose();
    ++calls;
    ASSERT_TRUE(Eventually(
        [&] { return owner_.Calls().size() == calls && owner_.Last().messages.size() == 1; }));
    EXPECT_FALSE(owner_.Last().cancelled);
    call->context.TryCancel();
    EXPECT_TRUE(Eventually([&] { return owner_.Last().over; }));
    EXPECT_TRUE(owner_.Last().cancelled);
    EXPECT_EQ(call->Status().error_code(), grpc::StatusCode::CANCELLED);
  }
  EXPECT_TRUE(Eventually([&] { return front_metrics_->forwarded_open.Value() == 0; }));
}

TEST_F(ForwardTest, ADeadlineGoesAlong) {
  StartBeforeFake();
  OwnerScript script;
  script.hold = true;
  owner_.Script(script);
  for (const std::string method : {"/attune.v1.SessionService/GetSession", kWatch}) {
    SCOPED_TRACE(method);
    const auto call = At("participant");
    const auto deadline = std::chrono::system_clock::now() + std::chrono::seconds(3);
    call->context.set_deadline(deadline);
    EXPECT_EQ(Ask(*call, method, "").status.error_code(), grpc::StatusCode::DEADLINE_EXCEEDED);
    ASSERT_TRUE(Eventually([&] { return owner_.Last().over; }));
    EXPECT_LT(owner_.Last().deadline, deadline + std::chrono::milliseconds(500));
  }
  // A unary call without one does not wait for ever for an owner that is frozen.
  script.hold = false;
  owner_.Script(script);
  const auto call = At("participant");
  EXPECT_EQ(Ask(*call, "/attune.v1.SessionService/GetSession", "").status.error_code(),
            grpc::StatusCode::INTERNAL)
      << "the owner said OK and nothing else";
  EXPECT_LT(owner_.Last().deadline, std::chrono::system_clock::now() +
                                        std::chrono::microseconds(kForwardedCallUs) +
                                        std::chrono::seconds(2))
      << "gRPC rounds up";
}

TEST_F(ForwardTest, AReaderThatDoesNotReadHoldsUpTheOwner) {
  StartBeforeFake();
  OwnerScript script;
  script.messages = {std::string(16 * 1024, 'f')};
  script.repeat = 4096;  // 64 MiB
  owner_.Script(script);
  const auto call = At("observer");
  call->Begin(kWatch, /*read=*/false);
  call->Write("");
  call->HalfClose();
  // It writes until everything between is full, and no further.
  size_t written = 0;
  ASSERT_TRUE(Eventually([&] {
    const size_t before = std::exchange(written, owner_.Last().written);
    std::this_thread::sleep_for(std::chrono::milliseconds(300));
    return written > 0 && written == before && owner_.Last().written == written;
  }));
  EXPECT_LT(written, 64u) << "1 MiB is on its way and nobody reads";
  // And goes on when somebody reads.
  call->ReadOn();
  EXPECT_EQ(call->Await(4096).size(), 4096u);
  EXPECT_TRUE(call->Status().ok());
}

TEST_F(ForwardTest, AnOwnerThatDoesNotReadHoldsUpTheEdge) {
  StartBeforeFake();
  OwnerScript script;
  script.read = false;
  owner_.Script(script);
  const auto call = At("");
  call->context.AddMetadata(kFollowRedirectsKey, "no");
  call->Begin(kStream);
  ASSERT_TRUE(call->Write(HelloBytes()));
  v1::EdgeUp up = Beats(1, 3);
  const std::string bytes = up.SerializeAsString() + kUnknownField;
  std::string padded = bytes;
  while (padded.size() < 32 * 1024) padded += kUnknownField;
  size_t sent = 0;
  for (; sent < 2048; ++sent) {  // 64 MiB
    if (!call->Write(padded, 1000)) break;
  }
  EXPECT_LT(sent, 1024u) << "32 MiB are on their way and nobody reads";
}

TEST_F(ForwardTest, AnEdgesMessagesGoBothWaysInOrder) {
  StartBeforeFake();
  OwnerScript script;
  script.echo = true;
  owner_.Script(script);
  const auto call = At("");
  call->context.AddMetadata(kFollowRedirectsKey, "no");
  call->Begin(kStream);
  std::vector<std::string> sent;
  for (uint32_t i = 0; i < 300; ++i) {
    // Two people, one owner: one way for both.
    sent.push_back(i < 2 ? HelloBytes(i + 1)
                         : Beats(i * 3, 3, 1, 1 + i % 2).SerializeAsString() + kUnknownField);
    ASSERT_TRUE(call->Write(sent.back()));
  }
  EXPECT_EQ(call->Await(300), sent);
  call->HalfClose();
  EXPECT_TRUE(call->Status().ok());
  ASSERT_EQ(owner_.Calls().size(), 1u);
  EXPECT_EQ(owner_.Last().messages, sent);
  EXPECT_TRUE(owner_.Last().half_closed);
}

TEST_F(ForwardTest, WhenTheOwnerDiesCallsAreUnavailable) {
  StartBeforeFake();
  OwnerScript script;
  script.hold = true;
  owner_.Script(script);
  const auto unary = At("participant"), watch = At("observer"), edge = At("");
  edge->context.AddMetadata(kFollowRedirectsKey, "no");
  unary->Begin("/attune.v1.SessionService/GetSession");
  unary->Write("");
  unary->HalfClose();
  watch->Begin(kWatch);
  watch->Write("");
  watch->HalfClose();
  edge->Begin(kStream);
  edge->Write(HelloBytes());
  ASSERT_TRUE(Eventually([&] { return owner_.Calls().size() == 3; }));
  EXPECT_EQ(front_metrics_->forwarded_open.Value(), 3);
  owner_.Die();
  for (RawCall* call : {unary.get(), watch.get(), edge.get()}) {
    const auto code = call->Status().error_code();
    EXPECT_TRUE(code == grpc::StatusCode::UNAVAILABLE || code == grpc::StatusCode::CANCELLED)
        << code;
  }
  // Nobody is there: at once, not after half a minute.
  const auto again = At("participant");
  const int64_t before = clock_.SteadyMicros();
  EXPECT_EQ(Ask(*again, "/attune.v1.SessionService/GetSession", "").status.error_code(),
            grpc::StatusCode::UNAVAILABLE);
  EXPECT_LT(clock_.SteadyMicros() - before, 15 * kSecond);
  EXPECT_TRUE(Eventually([&] { return front_metrics_->forwarded_open.Value() == 0; }));
}

TEST_F(ForwardTest, StoppingEndsWhatIsPassedOn) {
  StartBeforeFake();
  OwnerScript script;
  script.hold = true;
  owner_.Script(script);
  const auto watch = At("observer"), edge = At("");
  edge->context.AddMetadata(kFollowRedirectsKey, "no");
  watch->Begin(kWatch);
  watch->Write("");
  watch->HalfClose();
  edge->Begin(kStream);
  edge->Write(HelloBytes());
  ASSERT_TRUE(Eventually([&] { return owner_.Calls().size() == 2; }));
  front_->Stop();
  EXPECT_EQ(watch->Status().error_code(), grpc::StatusCode::UNAVAILABLE);
  EXPECT_EQ(edge->Status().error_code(), grpc::StatusCode::UNAVAILABLE);
  EXPECT_TRUE(Eventually([&] { return owner_.Last().over; }));
}

TEST_F(ForwardTest, NothingLeavesTheMachineInPlaintextUnlessAllowed) {
  Options options;
  Peers peers(options, clock_);
  for (const char* near : {"127.0.0.1:1", "localhost:1", "[::1]:1", "127.3.2.1:7400"}) {
    EXPECT_TRUE(peers.To(near).ok()) << near;
  }
  EXPECT_EQ(peers.size(), 4u);
  for (const char* far : {"10.0.0.1:1", "node-2:7400", "localhost.example.org:1", "[fe80::1]:1"}) {
    EXPECT_EQ(peers.To(far).status().code(), absl::StatusCode::kFailedPrecondition) << far;
  }
  Options allowed;
  allowed.plaintext_peers = true;
  EXPECT_TRUE(Peers(allowed, clock_).To("10.0.0.1:1").ok());
}

TEST_F(ForwardTest, TwoNodesServeOneSession) {
  Start();
  StartFront(node_->grpc_address());
  const auto created = Create(v1::SESSION_KIND_LAB);
  const auto anna = Join(created.join_code(), "Anna");
  const auto front =
      grpc::CreateChannel(front_->grpc_address(), grpc::InsecureChannelCredentials());
  // An edge that can follow is told where to go.
  EdgeClient follower(front);
  follower.Hello(anna.token());
  const v1::Redirect redirect = follower.Await(v1::EdgeDown::kRedirect).redirect();
  EXPECT_EQ(redirect.address(), node_->grpc_address());
  EXPECT_EQ(redirect.epoch_ticket().epoch(), 7u);
  // One that cannot is served here.
  EdgeClient edge(front, {{kFollowRedirectsKey, "no"}});
  WatchClient watch(front, created.facilitator_token());
  edge.Hello(anna.token());
  EXPECT_TRUE(edge.Await(v1::EdgeDown::kWelcome).has_welcome());
  edge.Send(Beats(1, 30));
  EXPECT_TRUE(edge.AwaitDurable(30));
  EXPECT_TRUE(watch.AwaitTick(5).has_frame());
  sessions_ = v1::SessionService::NewStub(front);
  v1::EndSessionRequest end;
  end.set_request_id(RequestId());
  v1::EndSessionResponse ended;
  EXPECT_TRUE(Call(sessions_, &v1::SessionService::Stub::EndSession, created.facilitator_token(),
                   end, &ended)
                  .ok());
  EXPECT_TRUE(
      watch.Await([](const v1::WatchEvent& event) { return event.has_closed(); }).has_closed());
  reports_ = v1::ReportService::NewStub(front);
  v1::GetReportResponse report;
  EXPECT_TRUE(Call(reports_, &v1::ReportService::Stub::GetReport, created.facilitator_token(),
                   v1::GetReportRequest(), &report)
                  .ok());
  EXPECT_GT(front_metrics_->forwarded_ok.Value(), 0);
}

}  // namespace
}  // namespace attune::node
