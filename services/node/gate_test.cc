// The output gate: a journal that keeps its answers to itself, as a full disk makes it do.
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "services/node/node_fixture.h"

namespace attune::node {
namespace {

// Passes everything on; while it holds, appends wait and its health says why.
class HoldingJournal final : public journal::Journal {
 public:
  explicit HoldingJournal(journal::Journal& real) : real_(real) {}

  void Hold(bool hold) {
    std::vector<std::function<void()>> waiting;
    {
      MutexLock lock(mu_);
      hold_ = hold;
      if (!hold) waiting.swap(waiting_);
    }
    for (const auto& one : waiting) one();
  }
  size_t waiting() const {
    MutexLock lock(mu_);
    return waiting_.size();
  }

  journal::Tier tier() const override { return real_.tier(); }
  absl::Status Open(const journal::SessionId& session, const journal::Fence& fence) override {
    return real_.Open(session, fence);
  }
  void Append(const journal::SessionId& session, const journal::Fence& fence,
              std::vector<journal::Entry> entries, Done done, journal::Urgency urgency) override {
    {
      MutexLock lock(mu_);
      if (hold_) {
        waiting_.push_back([=, this] { real_.Append(session, fence, entries, done, urgency); });
        return;
      }
    }
    real_.Append(session, fence, std::move(entries), std::move(done), urgency);
  }
  absl::Status Read(const journal::SessionId& session, uint64_t from, const Sink& sink) override {
    return real_.Read(session, from, sink);
  }
  absl::StatusOr<journal::Position> Last(const journal::SessionId& session) override {
    return real_.Last(session);
  }
  void WriteBlob(const journal::SessionId& session, const journal::Fence& fence,
                 const std::string& name, uint64_t revision, const journal::Subject& subject,
                 std::string bytes, Done done) override {
    real_.WriteBlob(session, fence, name, revision, subject, std::move(bytes), std::move(done));
  }
  absl::StatusOr<journal::Blob> ReadBlob(const journal::SessionId& session,
                                         const std::string& name) override {
    return real_.ReadBlob(session, name);
  }
  void DeleteBlob(const journal::SessionId& session, const journal::Fence& fence,
                  const std::string& name, Done done) override {
    real_.DeleteBlob(session, fence, name, std::move(done));
  }
  void SetLabel(const journal::SessionId& session, const journal::Fence& fence,
                const std::string& label, Done done) override {
    real_.SetLabel(session, fence, label, std::move(done));
  }
  void Trim(const journal::SessionId& session, const journal::Fence& fence, uint64_t up_to,
            Done done) override {
    real_.Trim(session, fence, up_to, std::move(done));
  }
  void EraseSubject(const journal::SessionId& session, const journal::Fence& fence,
                    const journal::Subject& subject, Done done) override {
    real_.EraseSubject(session, fence, subject, std::move(done));
  }
  void DeleteSession(const journal::SessionId& session, const journal::Fence& fence,
                     Done done) override {
    real_.DeleteSession(session, fence, std::move(done));
  }
  absl::StatusOr<journal::Listing> List(std::string_view cursor, size_t limit) override {
    return real_.List(cursor, limit);
  }
  void SetOnLost(OnLost on_lost) override { real_.SetOnLost(std::move(on_lost)); }
  void Restore(const journal::SessionId& session, const journal::Fence& fence, uint64_t last_number,
               Done done) override {
    real_.Restore(session, fence, last_number, std::move(done));
  }
  void Close(const journal::SessionId& session, const journal::Fence& fence) override {
    real_.Close(session, fence);
  }
  journal::Health GetHealth() const override {
    journal::Health health = real_.GetHealth();
    MutexLock lock(mu_);
    if (hold_) {
      health.ok = false;
      health.degraded_reason = "the disk is full";
    }
    return health;
  }
  absl::Status BackupTo(const std::string& path) override { return real_.BackupTo(path); }

 private:
  journal::Journal& real_;
  mutable Mutex mu_;
  bool hold_ = false;
  std::vector<std::function<void()>> waiting_;
};

class GateTest : public NodeFixture {
 protected:
  journal::Journal& Wrap(journal::Journal& journal) override {
    holding_ = std::make_unique<HoldingJournal>(journal);
    return *holding_;
  }
  void TearDown() override {
    holding_->Hold(false);
    Stop();
  }
  std::unique_ptr<HoldingJournal> holding_;
};

TEST_F(GateTest, NothingLeavesBeforeItIsDurable) {
  Start();
  const auto created = Create(v1::SESSION_KIND_LAB);
  const auto anna = Join(created.join_code(), "Anna");
  WatchClient watch(channel_, created.facilitator_token());
  ASSERT_TRUE(watch.Await([](const auto& e) { return e.has_snapshot(); }).has_snapshot());
  EdgeClient edge(channel_);
  edge.Hello(anna.token(), 1, 1, std::string(16, 'b'), true);
  edge.Send(Beats(1, 10));
  ASSERT_TRUE(edge.AwaitDurable(10));
  const auto frames = [&] {
    size_t count = 0;
    for (const auto& event : watch.All()) count += event.has_frame();
    for (const auto& down : edge.All()) count += down.has_frame();
    return count;
  };
  const auto acks = [&] {
    uint64_t durable = 0;
    for (const auto& down : edge.All()) durable = std::max(durable, down.ack().durable_seq());
    return durable;
  };

  holding_->Hold(true);
  ASSERT_TRUE(Eventually([&] { return holding_->waiting() > 0; })) << "nothing to hold back";
  std::this_thread::sleep_for(std::chrono::milliseconds(300));
  const size_t frames_before = frames();
  edge.Send(Beats(11, 10));
  v1::AnnotateRequest mark;
  mark.set_request_id(RequestId());
  mark.set_label("unheard");
  v1::AnnotateResponse marked;
  grpc::ClientContext context;
  context.set_deadline(std::chrono::system_clock::now() + std::chrono::milliseconds(700));
  context.AddMetadata("authorization", "Bearer " + created.facilitator_token());
  EXPECT_FALSE(sessions_->Annotate(&context, mark, &marked).ok());
  // A new edge hears of nothing that is not durable either.
  EXPECT_EQ(acks(), 10u);
  EXPECT_EQ(frames(), frames_before) << "a frame left although its record is not durable";
  for (const auto& event : watch.All()) EXPECT_FALSE(event.entry().has_annotation());

  bool ok = true;
  EXPECT_NE(node_->HealthJson(ok).find("the disk is full"), std::string::npos);
  EXPECT_FALSE(ok);
  EXPECT_NE(node_->MetricsText().find("attune_journal_degraded 1"), std::string::npos);

  holding_->Hold(false);
  EXPECT_TRUE(edge.AwaitDurable(20));
  EXPECT_TRUE(Eventually([&] { return frames() > frames_before; }));
  EXPECT_TRUE(watch.Await([](const auto& e) { return e.entry().has_annotation(); }).has_entry())
      << "the mark was in the journal's queue and came through";
  node_->HealthJson(ok);
  EXPECT_TRUE(ok);
}

}  // namespace
}  // namespace attune::node
