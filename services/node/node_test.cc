// The whole way with a real server and a real journal: create, join, stream, watch, end, report.
#include <google/protobuf/util/message_differencer.h>
#include <gtest/gtest.h>

#include <map>
#include <string>

#include "services/node/node_fixture.h"

namespace attune::node {
namespace {

class NodeTest : public NodeFixture {
 protected:
  void SetUp() override { Start(); }

  // After the last of 100 beats.
  void End(const std::string& facilitator) {
    v1::EndSessionRequest end;
    end.set_at_session_us(85 * kSecond);
    end.set_request_id(RequestId());
    v1::EndSessionResponse ended;
    const grpc::Status status =
        Call(sessions_, &v1::SessionService::Stub::EndSession, facilitator, end, &ended);
    ASSERT_TRUE(status.ok()) << status.error_message();
    EXPECT_GT(ended.ended_session_us(), 0);
  }
  v1::GetReportResponse Report(const std::string& token) {
    v1::GetReportResponse report;
    EXPECT_TRUE(Eventually([&] {
      return Call(reports_, &v1::ReportService::Stub::GetReport, token, v1::GetReportRequest(),
                  &report)
          .ok();
    }));
    return report;
  }
};

TEST_F(NodeTest, ASessionFromBeginningToReport) {
  const auto created = Create(v1::SESSION_KIND_LAB);
  ASSERT_EQ(created.join_code().size(), 9u);
  const auto anna = Join(created.join_code(), "Anna");
  const auto bert = Join(created.join_code(), "Bert");
  EXPECT_EQ(anna.participant(), 1u);
  EXPECT_EQ(bert.participant(), 2u);

  WatchClient watch(channel_, created.facilitator_token());
  const auto snapshot = watch.Await([](const v1::WatchEvent& e) { return e.has_snapshot(); });
  ASSERT_TRUE(snapshot.has_snapshot());
  EXPECT_EQ(snapshot.snapshot().role(), v1::ROLE_FACILITATOR);
  EXPECT_GE(snapshot.snapshot().epoch(), 1u);

  EdgeClient hub(channel_);
  hub.Hello(anna.token(), 1);
  hub.Hello(bert.token(), 2);
  const auto welcome = hub.Await(v1::EdgeDown::kWelcome);
  ASSERT_TRUE(welcome.has_welcome());
  EXPECT_EQ(welcome.welcome().resume_seq(), 1u);
  EXPECT_EQ(welcome.welcome().durable_seq(), 0u);
  EXPECT_EQ(welcome.welcome().credit(), kCreditObservations);
  EXPECT_EQ(welcome.welcome().session().clock_rate(), 20);

  hub.Send(Beats(1, 100, 1, 1));
  hub.Send(Beats(1, 100, 2, 2));
  EXPECT_TRUE(hub.AwaitDurable(100, 1));
  EXPECT_TRUE(hub.AwaitDurable(100, 2));

  const auto event = watch.AwaitTick(30);
  ASSERT_TRUE(event.has_frame());
  EXPECT_EQ(event.frame().frame().people_size(), 2);
  EXPECT_EQ(event.frame().epoch(), snapshot.snapshot().epoch());
  EXPECT_EQ(event.frame().people_size(), 3) << "everybody sees who watches";

  for (const uint32_t handle : {1u, 2u}) {
    v1::EdgeUp bye;
    bye.set_handle(handle);
    bye.mutable_bye()->set_finished(true);
    hub.Send(bye);
  }
  End(created.facilitator_token());
  const auto closed = watch.Await([](const v1::WatchEvent& e) { return e.has_closed(); });
  ASSERT_TRUE(closed.has_closed());
  EXPECT_EQ(closed.closed().state(), v1::SESSION_STATE_CLOSED);
  EXPECT_EQ(closed.closed().report_revision(), 1u);
  EXPECT_TRUE(watch.Status().ok());
  const auto spool_done = hub.Await(v1::EdgeDown::kClosed);
  EXPECT_TRUE(spool_done.has_closed());
  EXPECT_FALSE(spool_done.closed().delete_raw());

  const auto report = Report(created.facilitator_token());
  EXPECT_EQ(report.report().revision(), 1u);
  ASSERT_EQ(report.report().people_size(), 2);
  EXPECT_EQ(report.report().people(0).quality().beats(), 100u);
  Restart();
  const auto again = Report(created.facilitator_token());
  EXPECT_EQ(again.report().SerializeAsString(), report.report().SerializeAsString());
}

TEST_F(NodeTest, RestartGoesOnWithTheSameFrames) {
  const auto created = Create(v1::SESSION_KIND_LAB);
  const auto anna = Join(created.join_code(), "Anna");
  std::map<uint64_t, std::string> seen;
  const auto collect = [&seen](WatchClient& watch) {
    for (const auto& event : watch.All()) {
      if (!event.has_frame()) continue;
      const auto& frame = event.frame().frame();
      const auto [at, fresh] = seen.emplace(frame.tick(), frame.SerializeAsString());
      EXPECT_EQ(at->second, frame.SerializeAsString()) << "tick " << frame.tick();
    }
  };
  uint64_t epoch = 0;
  for (int life = 0; life < 3; ++life) {
    WatchClient watch(channel_, created.facilitator_token());
    EdgeClient edge(channel_);
    edge.Hello(anna.token(), 1, 1 + static_cast<uint64_t>(life) * 20);
    const auto welcome = edge.Await(v1::EdgeDown::kWelcome).welcome();
    EXPECT_EQ(welcome.resume_seq(), 1 + static_cast<uint64_t>(life) * 20);
    EXPECT_EQ(welcome.durable_seq(), static_cast<uint64_t>(life) * 20);
    EXPECT_GT(welcome.epoch(), epoch);
    epoch = welcome.epoch();
    // The last beats of before are sent again: they are known and change nothing.
    const uint64_t first = welcome.resume_seq() > 5 ? welcome.resume_seq() - 5 : 1;
    const uint64_t last = static_cast<uint64_t>(life) * 20 + 20;
    edge.Send(Beats(first, static_cast<int>(last - first + 1)));
    EXPECT_TRUE(edge.AwaitDurable(last));
    const auto frame = watch.AwaitTick(static_cast<uint64_t>(life) * 15 + 8);
    ASSERT_TRUE(frame.has_frame());
    collect(watch);
    Restart();
  }
  // The same beats in a session that nothing happens to.
  const auto calm = Create(v1::SESSION_KIND_LAB);
  EdgeClient edge(channel_);
  edge.Hello(Join(calm.join_code(), "Anna").token());
  edge.Send(Beats(1, 60));
  ASSERT_TRUE(edge.AwaitDurable(60));
  v1::HistoryResponse history;
  ASSERT_TRUE(Eventually([&] {
    const grpc::Status status = Call(live_, &v1::LiveService::Stub::History,
                                     calm.facilitator_token(), v1::HistoryRequest(), &history);
    return status.ok() && history.frames_size() >= 38;
  }));
  size_t compared = 0;
  for (const v1::Frame& frame : history.frames()) {
    const auto known = seen.find(frame.tick());
    if (known == seen.end()) continue;
    EXPECT_EQ(known->second, frame.SerializeAsString()) << "tick " << frame.tick();
    ++compared;
  }
  EXPECT_GT(compared, 5u);
}

TEST_F(NodeTest, CallsMayBeRepeated) {
  v1::CreateSessionRequest create;
  create.set_request_id("the-same-wish");
  create.set_kind(v1::SESSION_KIND_COUPLES);
  v1::CreateSessionResponse first, second;
  const auto method = &v1::SessionService::Stub::CreateSession;
  ASSERT_TRUE(Call(sessions_, method, Token("operator"), create, &first).ok());
  ASSERT_TRUE(Call(sessions_, method, Token("operator"), create, &second).ok());
  EXPECT_EQ(first.session().session_id(), second.session().session_id());
  EXPECT_EQ(first.join_code(), second.join_code());

  v1::JoinSessionRequest join;
  join.set_request_id("join-once");
  std::string typed = first.join_code();
  typed.erase(typed.find('-'), 1);
  for (char& c : typed) c = static_cast<char>(tolower(c));
  join.set_join_code(typed);
  join.set_alias("Anna");
  v1::JoinSessionResponse joined, rejoined;
  ASSERT_TRUE(Call(sessions_, &v1::SessionService::Stub::JoinSession, "", join, &joined).ok());
  Restart();
  ASSERT_TRUE(Call(sessions_, &v1::SessionService::Stub::JoinSession, "", join, &rejoined).ok());
  EXPECT_EQ(joined.participant(), rejoined.participant());
  EXPECT_EQ(rejoined.session().people(), 1u);
  ASSERT_TRUE(Call(sessions_, method, Token("operator"), create, &second).ok());
  EXPECT_EQ(first.session().session_id(), second.session().session_id());

  v1::AnnotateRequest mark;
  mark.set_request_id("mark-once");
  mark.set_label("now");
  v1::AnnotateResponse marked, marked_again;
  const std::string facilitator = first.facilitator_token();
  const auto annotate = &v1::SessionService::Stub::Annotate;
  ASSERT_TRUE(Call(sessions_, annotate, facilitator, mark, &marked).ok());
  ASSERT_TRUE(Call(sessions_, annotate, facilitator, mark, &marked_again).ok());
  EXPECT_EQ(marked.annotation(), 1u);
  EXPECT_EQ(marked_again.annotation(), 1u);
}

TEST_F(NodeTest, AJoinCodeIsLookedUpWithoutATrace) {
  const auto created = Create(v1::SESSION_KIND_COUPLES);
  const auto anna = Join(created.join_code(), "Anna");
  const auto method = &v1::SessionService::Stub::GetSessionByCode;
  v1::GetSessionByCodeRequest request;
  std::string typed = created.join_code();
  for (char& c : typed) c = static_cast<char>(tolower(c));
  request.set_join_code(typed);
  v1::GetSessionByCodeResponse response;
  int64_t last_us = 0;
  for (int i = 0; i < 3; ++i) {
    const grpc::Status status = Call(sessions_, method, "", request, &response);
    ASSERT_TRUE(status.ok()) << status.error_message();
    EXPECT_GT(response.session().now_session_us(), last_us);
    last_us = response.session().now_session_us();
  }
  EXPECT_EQ(response.session().session_id(), created.session().session_id());
  EXPECT_EQ(response.session().kind(), v1::SESSION_KIND_COUPLES);
  EXPECT_EQ(response.session().people(), 1u) << "nobody joined by looking";

  v1::GetSessionResponse seen;
  ASSERT_TRUE(Call(sessions_, &v1::SessionService::Stub::GetSession, anna.token(), {}, &seen).ok());
  EXPECT_EQ(seen.session().people(), 1u);

  request.set_join_code("0000-0000");
  EXPECT_EQ(Call(sessions_, method, "", request, &response).error_code(),
            grpc::StatusCode::NOT_FOUND);
}

TEST_F(NodeTest, TeamSessionsKeepNoRawData) {
  const auto created = Create(v1::SESSION_KIND_TEAM);
  const auto anna = Join(created.join_code(), "Anna");
  EdgeClient edge(channel_);
  edge.Hello(anna.token());
  edge.Send(Beats(1, 100));
  EXPECT_TRUE(edge.AwaitDurable(100));
  v1::EdgeUp bye;
  bye.set_handle(1);
  bye.mutable_bye()->set_finished(true);
  edge.Send(bye);
  End(created.facilitator_token());
  EXPECT_TRUE(edge.Await(v1::EdgeDown::kClosed).closed().delete_raw());
  const auto own = Report(anna.token());
  ASSERT_EQ(own.report().people_size(), 1);
  EXPECT_EQ(Report(created.facilitator_token()).report().people_size(), 0);
  Restart();
  const auto own_again = Report(anna.token());
  ASSERT_EQ(own_again.report().people_size(), 1);
  EXPECT_EQ(own_again.report().people(0).SerializeAsString(),
            own.report().people(0).SerializeAsString());
  EXPECT_EQ(Report(created.facilitator_token()).report().people_size(), 0);
  size_t readable = 0;
  ASSERT_TRUE(journal_
                  ->Read(created.session().session_id(), 0,
                         [&](const journal::Entry& entry) {
                           if (!entry.subject.empty() && !entry.erased) ++readable;
                           return absl::OkStatus();
                         })
                  .ok());
  EXPECT_EQ(readable, 0u) << "a person's entries are still there";

  v1::EraseParticipantRequest erase;
  erase.set_request_id(RequestId());
  v1::EraseParticipantResponse erased;
  const grpc::Status status =
      Call(sessions_, &v1::SessionService::Stub::EraseParticipant, anna.token(), erase, &erased);
  ASSERT_TRUE(status.ok()) << status.error_message();
  EXPECT_EQ(Report(anna.token()).report().people_size(), 0) << "the own part is still there";
}

TEST_F(NodeTest, ErasingRemovesAPersonFromTheReport) {
  const auto created = Create(v1::SESSION_KIND_LAB);
  const auto anna = Join(created.join_code(), "Anna");
  const auto bert = Join(created.join_code(), "Bert");
  EdgeClient hub(channel_);
  hub.Hello(anna.token(), 1);
  hub.Hello(bert.token(), 2);
  hub.Send(Beats(1, 100, 1, 1));
  hub.Send(Beats(1, 100, 2, 2));
  EXPECT_TRUE(hub.AwaitDurable(100, 1));
  EXPECT_TRUE(hub.AwaitDurable(100, 2));
  for (const uint32_t handle : {1u, 2u}) {
    v1::EdgeUp bye;
    bye.set_handle(handle);
    bye.mutable_bye()->set_finished(true);
    hub.Send(bye);
  }
  End(created.facilitator_token());
  EXPECT_EQ(Report(created.facilitator_token()).report().people_size(), 2);
  v1::EraseParticipantRequest erase;
  erase.set_request_id(RequestId());
  v1::EraseParticipantResponse erased;
  const auto method = &v1::SessionService::Stub::EraseParticipant;
  const grpc::Status status = Call(sessions_, method, anna.token(), erase, &erased);
  ASSERT_TRUE(status.ok()) << status.error_message();
  EXPECT_EQ(erased.report_revision(), 2u);
  for (int life = 0; life < 2; ++life) {
    const auto report = Report(created.facilitator_token());
    EXPECT_EQ(report.report().revision(), 2u);
    ASSERT_EQ(report.report().people_size(), 1);
    EXPECT_EQ(report.report().people(0).participant(), 2u);
    EXPECT_EQ(report.report().pairs_size(), 0);
    EdgeClient late(channel_);
    late.Hello(anna.token(), 1, 101);
    EXPECT_EQ(late.AwaitRefusal().reason(), v1::REFUSAL_REASON_ERASED);
    Restart();
  }
}

TEST_F(NodeTest, AnswersOperators) {
  Create(v1::SESSION_KIND_TEAM);
  Create(v1::SESSION_KIND_COUPLES);
  v1::ListSessionsRequest list;
  list.set_page_size(1);
  v1::ListSessionsResponse page;
  const auto method = &v1::SessionService::Stub::ListSessions;
  ASSERT_TRUE(Call(sessions_, method, Token("operator"), list, &page).ok());
  ASSERT_EQ(page.sessions_size(), 1);
  list.set_page_token(page.next_page_token());
  v1::ListSessionsResponse next;
  ASSERT_TRUE(Call(sessions_, method, Token("operator"), list, &next).ok());
  ASSERT_EQ(next.sessions_size(), 1);
  EXPECT_NE(page.sessions(0).session_id(), next.sessions(0).session_id());
  const auto nodes = v1::NodeService::NewStub(channel_);
  v1::GetNodeStatusResponse status;
  ASSERT_TRUE(Call(nodes, &v1::NodeService::Stub::GetNodeStatus, Token("operator"),
                   v1::GetNodeStatusRequest(), &status)
                  .ok());
  EXPECT_EQ(status.status().sessions_open(), 2u);
  EXPECT_TRUE(status.status().serving());
}

TEST_F(NodeTest, AnswersClockProbesOnTheSessionsClock) {
  const auto created = Create(v1::SESSION_KIND_LAB);
  const auto anna = Join(created.join_code(), "Anna");
  EdgeClient edge(channel_);
  edge.Hello(anna.token());
  const auto welcome = edge.Await(v1::EdgeDown::kWelcome).welcome();
  v1::EdgeUp up;
  up.set_handle(1);
  up.mutable_probe()->set_id(7);
  up.mutable_probe()->set_t0_edge_us(123);
  edge.Send(up);
  const auto reply = edge.Await(v1::EdgeDown::kProbeReply).probe_reply();
  EXPECT_EQ(reply.id(), 7u);
  EXPECT_EQ(reply.t0_edge_us(), 123);
  EXPECT_GE(reply.t1_session_us(), welcome.session().now_session_us());
  EXPECT_GE(reply.t2_session_us(), reply.t1_session_us());
  EXPECT_LT(reply.t2_session_us() - reply.t1_session_us(), kSecond);
}

TEST_F(NodeTest, AnEdgeThatFollowsGetsWhatItHasMissed) {
  const auto created = Create(v1::SESSION_KIND_LAB);
  const auto anna = Join(created.join_code(), "Anna");
  const auto annotate = [&](const std::string& label) {
    v1::AnnotateRequest request;
    request.set_request_id(RequestId());
    request.set_label(label);
    v1::AnnotateResponse response;
    EXPECT_TRUE(Call(sessions_, &v1::SessionService::Stub::Annotate, created.facilitator_token(),
                     request, &response)
                    .ok());
  };
  v1::StartPracticeRequest start;
  start.set_request_id(RequestId());
  start.set_kind(v1::PRACTICE_KIND_PACED_BREATHING);
  start.mutable_pacer()->set_inhale_ms(4000);
  start.mutable_pacer()->set_exhale_ms(6000);
  v1::StartPracticeResponse started;
  ASSERT_TRUE(Call(sessions_, &v1::SessionService::Stub::StartPractice, created.facilitator_token(),
                   start, &started)
                  .ok());
  annotate("before");

  const auto entries = [](EdgeClient& edge, const std::string& last) {
    std::vector<v1::LogEntry> got;
    EXPECT_TRUE(edge.AwaitMessage([&](const v1::EdgeDown& down) {
                      return down.entry().annotation().label() == last;
                    })
                    .has_entry())
        << last;
    for (const v1::EdgeDown& down : edge.All()) {
      if (down.has_entry()) got.push_back(down.entry());
    }
    return got;
  };
  const auto follow = [&](EdgeClient& edge, uint64_t after) {
    edge.Hello(anna.token(), 1, 1, std::string(16, 'b'), true, nullptr, after);
    EXPECT_TRUE(edge.Await(v1::EdgeDown::kWelcome).has_welcome());
  };
  uint64_t cursor = 0;
  {
    EdgeClient fresh(channel_);
    follow(fresh, 0);
    annotate("now");
    const auto got = entries(fresh, "now");
    // Of the past only the practice that runs: a light must know how to breathe.
    ASSERT_EQ(got.size(), 2u);
    EXPECT_EQ(got[0].practice().pacer().inhale_ms(), 4000u);
    cursor = got[1].cursor();
  }
  annotate("missed");
  {
    EdgeClient again(channel_);
    follow(again, cursor);
    annotate("later");
    const auto got = entries(again, "later");
    std::vector<std::string> labels;
    for (const v1::LogEntry& entry : got) {
      EXPECT_GT(entry.cursor(), cursor);
      if (entry.has_annotation()) labels.push_back(entry.annotation().label());
    }
    EXPECT_EQ(labels, (std::vector<std::string>{"missed", "later"}));
  }
}

TEST_F(NodeTest, StoppingTellsEverybodyToComeAgain) {
  const auto created = Create(v1::SESSION_KIND_LAB);
  const auto anna = Join(created.join_code(), "Anna");
  EdgeClient edge(channel_);
  edge.Hello(anna.token());
  WatchClient watch(channel_, created.facilitator_token());
  ASSERT_TRUE(edge.Await(v1::EdgeDown::kWelcome).has_welcome());
  ASSERT_TRUE(watch.Await([](const auto& e) { return e.has_snapshot(); }).has_snapshot());
  const int64_t before = clock_.SteadyMicros();
  node_->Stop();
  EXPECT_LT(clock_.SteadyMicros() - before, 5 * kSecond);
  EXPECT_TRUE(edge.Await(v1::EdgeDown::kReconnect).has_reconnect());
  EXPECT_EQ(edge.Status().error_code(), grpc::StatusCode::UNAVAILABLE);
  EXPECT_EQ(watch.Status().error_code(), grpc::StatusCode::UNAVAILABLE);
}

TEST_F(NodeTest, ATicketOfANewerOwnerMovesTheSessionOn) {
  const auto created = Create(v1::SESSION_KIND_LAB);
  const auto anna = Join(created.join_code(), "Anna");
  const v1::EpochTicket newer =
      SignTicket(created.session().session_id(), 40, std::string(16, 'n'), options_.keys.ticket);
  EdgeClient first(channel_);
  first.Hello(anna.token(), 1, 1, std::string(16, 'b'), false, &newer);
  EXPECT_EQ(first.AwaitRefusal().reason(), v1::REFUSAL_REASON_STALE_OWNER);
  EXPECT_TRUE(Eventually([&] {
    EdgeClient again(channel_);
    again.Hello(anna.token(), 1, 1, std::string(16, 'b'), false, &newer);
    return again.Await(v1::EdgeDown::kWelcome).welcome().epoch() > 40;
  }));
}

}  // namespace
}  // namespace attune::node
