// What strangers and broken clients do. Each gets a clear error; the node lives on.
#include <gtest/gtest.h>

#include <string>
#include <thread>

#include "services/node/node_fixture.h"

namespace attune::node {
namespace {

class HostileTest : public NodeFixture {
 protected:
  void SetUp() override {
    Start();
    created_ = Create(v1::SESSION_KIND_LAB);
    anna_ = Join(created_.join_code(), "Anna");
  }
  // The node still does its work.
  void TearDown() override {
    EdgeClient edge(channel_);
    edge.Hello(Join(created_.join_code(), "Zoe").token());
    edge.Send(Beats(1, 3));
    EXPECT_TRUE(edge.AwaitDurable(3)) << "the node does not serve any more";
  }
  // The refusal of a stream whose first words after a good Hello are `up`.
  v1::Refusal RefusalOf(const v1::EdgeUp& up) {
    EdgeClient edge(channel_);
    edge.Hello(anna_.token());
    edge.Send(up);
    return edge.AwaitRefusal();
  }

  v1::CreateSessionResponse created_;
  v1::JoinSessionResponse anna_;
};

TEST_F(HostileTest, TokensThatAreNotGood) {
  const std::string session = created_.session().session_id();
  const struct {
    std::string token;
    v1::RefusalReason reason;
  } cases[] = {
      {"", v1::REFUSAL_REASON_TOKEN_INVALID},
      {"rubbish", v1::REFUSAL_REASON_TOKEN_INVALID},
      {Token("participant", session, 1, -kSecond), v1::REFUSAL_REASON_TOKEN_EXPIRED},
      {Token("facilitator", session), v1::REFUSAL_REASON_TOKEN_INVALID},
      {Token("operator"), v1::REFUSAL_REASON_TOKEN_INVALID},
      {Token("participant", "no-such-session-0", 1), v1::REFUSAL_REASON_UNKNOWN_SESSION},
      {Token("participant", session, 99), v1::REFUSAL_REASON_LEFT},
  };
  EdgeClient edge(channel_);
  uint32_t handle = 0;
  for (const auto& c : cases) {
    edge.Hello(c.token, ++handle);
    const v1::Refusal refusal = edge.AwaitRefusal(handle);
    EXPECT_EQ(refusal.reason(), c.reason) << c.token << ": " << refusal.message();
    EXPECT_FALSE(refusal.message().empty());
  }
  edge.Hello(anna_.token(), ++handle);
  EXPECT_TRUE(edge.Await(v1::EdgeDown::kWelcome).has_welcome())
      << "the trouble of some harms nobody else on the stream";
}

TEST_F(HostileTest, CallsWithoutTheRight) {
  v1::GetSessionResponse session;
  const auto get = &v1::SessionService::Stub::GetSession;
  const auto code = [&](const std::string& token) {
    return Call(sessions_, get, token, v1::GetSessionRequest(), &session).error_code();
  };
  EXPECT_EQ(code(""), grpc::StatusCode::UNAUTHENTICATED);
  EXPECT_EQ(code("rubbish"), grpc::StatusCode::UNAUTHENTICATED);
  EXPECT_EQ(code(Token("operator")), grpc::StatusCode::PERMISSION_DENIED);
  EXPECT_EQ(code(Token("observer", "no-such-session-0")), grpc::StatusCode::NOT_FOUND);
  EXPECT_EQ(code(anna_.token()), grpc::StatusCode::OK);
  v1::EndSessionRequest end;
  end.set_request_id(RequestId());
  v1::EndSessionResponse ended;
  EXPECT_EQ(Call(sessions_, &v1::SessionService::Stub::EndSession, anna_.token(), end, &ended)
                .error_code(),
            grpc::StatusCode::PERMISSION_DENIED)
      << "a participant ends the session";
}

TEST_F(HostileTest, MessagesThatBreakTheRules) {
  v1::EdgeUp rr_zero = Beats(1, 3);
  rr_zero.mutable_observations()->mutable_beats()->set_rr_1024(1, 0);
  EXPECT_EQ(RefusalOf(rr_zero).reason(), v1::REFUSAL_REASON_BAD_MESSAGE);
  v1::EdgeUp rr_long = Beats(1, 3);
  rr_long.mutable_observations()->mutable_beats()->set_rr_1024(1, 66'560);  // 65 s
  EXPECT_EQ(RefusalOf(rr_long).reason(), v1::REFUSAL_REASON_BAD_MESSAGE);
  v1::EdgeUp uneven = Beats(1, 3);
  uneven.mutable_observations()->mutable_beats()->add_rr_1024(800);
  EXPECT_EQ(RefusalOf(uneven).reason(), v1::REFUSAL_REASON_BAD_MESSAGE);
  EXPECT_EQ(RefusalOf(Beats(50, 3)).reason(), v1::REFUSAL_REASON_SEQUENCE);
  v1::EdgeUp end_of_numbers = Beats(1, 3);
  end_of_numbers.mutable_observations()->set_first_seq(~uint64_t{0});
  EXPECT_EQ(RefusalOf(end_of_numbers).reason(), v1::REFUSAL_REASON_SEQUENCE);
  v1::EdgeUp empty;
  empty.set_handle(1);
  EXPECT_EQ(RefusalOf(empty).reason(), v1::REFUSAL_REASON_BAD_MESSAGE);
}

TEST_F(HostileTest, SequenceNumbersThatGoBack) {
  {
    EdgeClient edge(channel_);
    edge.Hello(anna_.token());
    edge.Send(Beats(1, 20));
    EXPECT_TRUE(edge.AwaitDurable(20));
  }
  EdgeClient rewound(channel_);
  rewound.Hello(anna_.token(), 1, 10);
  EXPECT_EQ(rewound.AwaitRefusal().reason(), v1::REFUSAL_REASON_SEQUENCE);
}

TEST_F(HostileTest, DataBeforeHello) {
  EdgeClient edge(channel_);
  edge.Send(Beats(1, 3));
  EXPECT_EQ(edge.AwaitRefusal().reason(), v1::REFUSAL_REASON_BAD_MESSAGE);
  EXPECT_EQ(edge.All().size(), 1u);
  edge.Hello(anna_.token());
  EXPECT_TRUE(edge.Await(v1::EdgeDown::kWelcome).has_welcome());
}

TEST_F(HostileTest, MoreThanTheCredit) {
  EdgeClient edge(channel_);
  edge.Hello(anna_.token());
  ASSERT_TRUE(edge.Await(v1::EdgeDown::kWelcome).has_welcome());
  v1::EdgeUp up = Beats(1, 10);
  up.mutable_observations()->set_first_seq(kCreditObservations);
  edge.Send(up);
  const v1::Refusal refusal = edge.AwaitRefusal();
  EXPECT_EQ(refusal.reason(), v1::REFUSAL_REASON_BAD_MESSAGE);
  EXPECT_NE(refusal.message().find("credit"), std::string::npos);
}

TEST_F(HostileTest, TheSamePersonTwice) {
  EdgeClient first(channel_), second(channel_);
  first.Hello(anna_.token());
  ASSERT_TRUE(first.Await(v1::EdgeDown::kWelcome).has_welcome());
  second.Hello(anna_.token());
  EXPECT_TRUE(second.Await(v1::EdgeDown::kWelcome).has_welcome());
  EXPECT_EQ(first.AwaitRefusal().reason(), v1::REFUSAL_REASON_REPLACED);
}

TEST_F(HostileTest, BytesThatAreNoMessage) {
  // The same path with bytes as request type: whatever is written goes out as it is.
  using RawStream = grpc::ClientReaderWriter<grpc::ByteBuffer, grpc::ByteBuffer>;
  const auto send = [&](const std::string& bytes) {
    grpc::ClientContext context;
    const grpc::internal::RpcMethod method("/attune.v1.EdgeService/Stream",
                                           grpc::internal::RpcMethod::BIDI_STREAMING, channel_);
    const std::unique_ptr<RawStream> stream(
        grpc::internal::ClientReaderWriterFactory<grpc::ByteBuffer, grpc::ByteBuffer>::Create(
            channel_.get(), method, &context));
    const grpc::Slice slice(bytes);
    stream->Write(grpc::ByteBuffer(&slice, 1));
    grpc::ByteBuffer down;
    while (stream->Read(&down)) {
    }
    return stream->Finish();
  };
  EXPECT_EQ(send(std::string(100, '\xff')).error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  const grpc::Status oversized = send(std::string(kMaxMessageBytes + 1, 'x'));
  EXPECT_EQ(oversized.error_code(), grpc::StatusCode::RESOURCE_EXHAUSTED)
      << oversized.error_message();
}

TEST_F(HostileTest, WrongJoinCodesAreLimitedAndCheap) {
  v1::JoinSessionRequest join;
  join.set_alias("Guess");
  v1::JoinSessionResponse response;
  const auto method = &v1::SessionService::Stub::JoinSession;
  int not_found = 0, limited = 0;
  const int64_t before = clock_.SteadyMicros();
  for (int i = 0; i < 10'000; ++i) {
    join.set_request_id(RequestId());
    join.set_join_code("0000-" + std::to_string(1000 + i % 9000));
    const auto code = Call(sessions_, method, "", join, &response).error_code();
    not_found += code == grpc::StatusCode::NOT_FOUND;
    limited += code == grpc::StatusCode::RESOURCE_EXHAUSTED;
  }
  EXPECT_LT(clock_.SteadyMicros() - before, 60 * kSecond);
  EXPECT_EQ(not_found + limited, 10'000);
  EXPECT_LT(not_found, 100) << "guesses that were looked at";
  // Looking a code up is no way around.
  v1::GetSessionByCodeRequest look;
  v1::GetSessionByCodeResponse looked;
  const auto by_code = &v1::SessionService::Stub::GetSessionByCode;
  look.set_join_code(created_.join_code());
  EXPECT_EQ(Call(sessions_, by_code, "", look, &looked).error_code(),
            grpc::StatusCode::RESOURCE_EXHAUSTED);
  // This address has to wait; TearDown joins from the same one, after the wait.
  EXPECT_TRUE(Eventually([&] {
    join.set_request_id(RequestId());
    join.set_join_code(created_.join_code());
    return Call(sessions_, method, "", join, &response).ok();
  }));
}

TEST_F(HostileTest, AnExpiredTokenEndsLiveStreams) {
  const std::string session = created_.session().session_id();
  EdgeClient edge(channel_);
  edge.Hello(Token("participant", session, 1, 2 * kSecond));
  WatchClient watch(channel_, Token("facilitator", session, 0, 2 * kSecond));
  ASSERT_TRUE(edge.Await(v1::EdgeDown::kWelcome).has_welcome());
  ASSERT_TRUE(watch.Await([](const auto& e) { return e.has_snapshot(); }).has_snapshot());
  EXPECT_EQ(edge.AwaitRefusal().reason(), v1::REFUSAL_REASON_TOKEN_EXPIRED);
  EXPECT_EQ(watch.Status().error_code(), grpc::StatusCode::UNAUTHENTICATED);
}

TEST_F(HostileTest, ARefreshedTokenGoesOn) {
  const std::string session = created_.session().session_id();
  EdgeClient edge(channel_);
  edge.Hello(Token("participant", session, 1, 2 * kSecond));
  ASSERT_TRUE(edge.Await(v1::EdgeDown::kWelcome).has_welcome());
  v1::EdgeUp up;
  up.set_handle(1);
  up.mutable_token()->set_token(anna_.token());
  edge.Send(up);
  std::this_thread::sleep_for(std::chrono::milliseconds(2600));
  edge.Send(Beats(1, 3));
  EXPECT_TRUE(edge.AwaitDurable(3));
  up.mutable_token()->set_token(Token("participant", session, 2));
  edge.Send(up);
  EXPECT_EQ(edge.AwaitRefusal().reason(), v1::REFUSAL_REASON_TOKEN_INVALID) << "writing as another";
}

TEST_F(HostileTest, ARevokedTokenEndsLiveStreams) {
  const std::string session = created_.session().session_id();
  EdgeClient edge(channel_);
  edge.Hello(Token("participant", session, 1, 3600 * kSecond, "token-to-revoke"));
  ASSERT_TRUE(edge.Await(v1::EdgeDown::kWelcome).has_welcome());
  v1::RevokeTokenRequest revoke;
  revoke.set_request_id(RequestId());
  revoke.set_token_id("token-to-revoke");
  v1::RevokeTokenResponse revoked;
  ASSERT_TRUE(Call(sessions_, &v1::SessionService::Stub::RevokeToken, created_.facilitator_token(),
                   revoke, &revoked)
                  .ok());
  EXPECT_EQ(edge.AwaitRefusal().reason(), v1::REFUSAL_REASON_TOKEN_INVALID);
}

TEST_F(HostileTest, AStreamThatNeverSaysHello) {
  EdgeClient silent(channel_);
  const grpc::Status status = silent.Status();
  EXPECT_EQ(status.error_code(), grpc::StatusCode::DEADLINE_EXCEEDED);
  EXPECT_NE(status.error_message().find("Hello"), std::string::npos);
}

TEST_F(HostileTest, AWatcherThatNeverReads) {
  // A connection of its own with a small, fixed window: what is not read soon holds up the stream.
  grpc::ChannelArguments arguments;
  arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
  arguments.SetInt(GRPC_ARG_HTTP2_BDP_PROBE, 0);
  arguments.SetInt(GRPC_ARG_HTTP2_STREAM_LOOKAHEAD_BYTES, 16 * 1024);
  const auto own = grpc::CreateCustomChannel(node_->grpc_address(),
                                             grpc::InsecureChannelCredentials(), arguments);
  grpc::ClientContext context;
  context.AddMetadata("authorization", "Bearer " + created_.facilitator_token());
  const auto stub = v1::LiveService::NewStub(own);
  const auto stream = stub->Watch(&context, v1::WatchRequest());
  ASSERT_TRUE(Eventually([&] { return metrics_->watchers.Value() == 1; }));
  v1::AnnotateRequest mark;
  mark.set_label(std::string(80, 'x'));
  v1::AnnotateResponse marked;
  int marks = 0;
  for (; marks < 1900; ++marks) {
    mark.set_request_id(RequestId());
    const grpc::Status status = Call(sessions_, &v1::SessionService::Stub::Annotate,
                                     created_.facilitator_token(), mark, &marked);
    if (!status.ok()) break;
  }
  EXPECT_GT(marks, 1000) << "somebody who does not read holds up the others";
  EXPECT_TRUE(Eventually([&] { return metrics_->watchers.Value() == 0; }) ||
              Eventually([&] { return metrics_->watchers.Value() == 0; }))
      << "the watcher is still there";
  context.TryCancel();
  v1::WatchEvent event;
  while (stream->Read(&event)) {
  }
  EXPECT_FALSE(stream->Finish().ok());
}

TEST_F(HostileTest, AForgedEpochTicket) {
  const v1::EpochTicket forged =
      SignTicket(created_.session().session_id(), 1000, std::string(16, 'n'), "not the key");
  EdgeClient edge(channel_);
  edge.Hello(anna_.token(), 1, 1, std::string(16, 'b'), false, &forged);
  EXPECT_EQ(edge.AwaitRefusal().reason(), v1::REFUSAL_REASON_BAD_MESSAGE);
  edge.Hello(anna_.token(), 2);
  EXPECT_LT(edge.Await(v1::EdgeDown::kWelcome).welcome().epoch(), 1000u);
}

}  // namespace
}  // namespace attune::node
