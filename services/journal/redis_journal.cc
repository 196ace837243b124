#include "services/journal/redis_journal.h"

#include <atomic>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "services/base/status_macros.h"
#include "services/base/strands.h"
#include "services/journal/redis_scripts.h"
#include "services/journal/redis_timers.h"
#include "services/journal/redis_writer.h"

namespace attune::journal {
namespace {

// One chunk of Read.
constexpr const char* kReadEntries = "512";
constexpr const char* kReadBytes = "262144";

uint64_t Unsigned(const redis::Reply& reply) {
  if (reply.kind == redis::Reply::Kind::kInteger) return static_cast<uint64_t>(reply.integer);
  uint64_t number = 0;
  return absl::SimpleAtoi(reply.text, &number) ? number : 0;
}

absl::Status Away(const absl::Status& why) {
  return absl::UnavailableError(
      absl::StrCat("the journal cannot be read: ", std::string(why.message())));
}

class RedisJournal final : public Journal {
 public:
  RedisJournal(redis::Client& client, RedisJournalOptions options)
      : tier_(options.tier),
        clock_(options.clock),
        client_(client),
        timers_(options.run_after ? nullptr : std::make_unique<RedisTimers>(*options.clock)) {
    RunAfter run_after = options.run_after;
    if (!run_after) {
      run_after = [timers = timers_.get()](int64_t after_us, std::function<void()> call) {
        timers->After(after_us, std::move(call));
      };
    }
    writer_ = std::make_shared<RedisWriter>(client, std::move(options), std::move(run_after));
    writer_->Start();
  }
  ~RedisJournal() override { writer_->Stop(); }

  Tier tier() const override { return tier_; }

  absl::Status Open(const SessionId& session, const Fence& fence) override {
    absl::Status opened;
    Latch answered(*clock_);
    Submit(session, fence, OpenOp{}, [&](absl::Status status) {
      opened = std::move(status);
      answered.Open();
    });
    answered.Wait();
    return opened;
  }
  void Append(const SessionId& session, const Fence& fence, std::vector<Entry> entries, Done done,
              Urgency urgency) override {
    Submit(session, fence, AppendOp{std::move(entries)}, std::move(done), urgency);
  }
  absl::Status Read(const SessionId& session, uint64_t from_number, const Sink& sink) override;
  absl::StatusOr<Position> Last(const SessionId& session) override;
  void WriteBlob(const SessionId& session, const Fence& fence, const std::string& name,
                 uint64_t revision, const Subject& subject, std::string bytes, Done done) override {
    Submit(session, fence, WriteBlobOp{name, revision, subject, std::move(bytes)}, std::move(done));
  }
  absl::StatusOr<Blob> ReadBlob(const SessionId& session, const std::string& name) override;
  void DeleteBlob(const SessionId& session, const Fence& fence, const std::string& name,
                  Done done) override {
    Submit(session, fence, DeleteBlobOp{name}, std::move(done));
  }
  void SetLabel(const SessionId& session, const Fence& fence, const std::string& label,
                Done done) override {
    Submit(session, fence, SetLabelOp{label}, std::move(done));
  }
  void Trim(const SessionId& session, const Fence& fence, uint64_t up_to_number,
            Done done) override {
    Submit(session, fence, TrimOp{up_to_number}, std::move(done));
  }
  void EraseSubject(const SessionId& session, const Fence& fence, const Subject& subject,
                    Done done) override {
    Submit(session, fence, EraseOp{subject}, std::move(done));
  }
  void DeleteSession(const SessionId& session, const Fence& fence, Done done) override {
    Submit(session, fence, DeleteSessionOp{}, std::move(done));
  }
  void SetOnLost(OnLost on_lost) override { writer_->SetOnLost(std::move(on_lost)); }
  void Restore(const SessionId& session, const Fence& fence, uint64_t last_number,
               Done done) override {
    Submit(session, fence, RestoreOp{last_number}, std::move(done));
  }
  void Close(const SessionId& session, const Fence& fence) override {
    writer_->Close(session, fence);
  }
  absl::StatusOr<Listing> List(std::string_view cursor, size_t limit) override;
  Health GetHealth() const override { return writer_->GetHealth(); }
  absl::Status BackupTo(const std::string&) override {
    return absl::FailedPreconditionError(
        "the journal is in Redis: take its backups there (BGSAVE and a copy of the file), and "
        "keep none longer than the deadline for erasure");
  }

 private:
  void Submit(const SessionId& session, const Fence& fence, What what, Done done,
              Urgency urgency = Urgency::kNow) {
    const absl::Status valid = CheckOp(session, fence, what);
    if (!valid.ok()) return done(valid);
    RedisOp op;
    op.fence = fence;
    op.entries = EntriesOf(what);
    op.bytes = BytesOf(what);
    op.what = std::move(what);
    op.done = std::move(done);
    op.urgency = urgency;
    writer_->Submit(session, std::move(op));
  }
  absl::StatusOr<Answer> Ask(const redis::Script& script, const SessionId& session,
                             const char* part, std::vector<std::string> arguments) {
    auto answer = ToAnswer(
        script, client_.RunAndWait(script, {SessionKey(session, "jrn"), SessionKey(session, part)},
                                   std::move(arguments)));
    if (!answer.ok()) return Away(answer.status());
    if (answer->code == kNoSuchSession) return Refused(kNoSuchSession);
    return answer;
  }
  absl::StatusOr<std::vector<redis::Reply>> Heads(const std::vector<SessionId>& sessions);
  void RepairIndex(const std::vector<SessionId>& missing);

  const Tier tier_;
  const Clock* const clock_;
  redis::Client& client_;
  const std::unique_ptr<RedisTimers> timers_;  // goes after the writer has stopped
  std::shared_ptr<RedisWriter> writer_;
};

absl::Status RedisJournal::Read(const SessionId& session, uint64_t from_number, const Sink& sink) {
  uint64_t next = from_number;
  uint64_t last = 0;  // as of the first look
  while (true) {
    ATTUNE_ASSIGN_OR_RETURN(
        const Answer answer,
        Ask(Lua().read, session, "log", {std::to_string(next), kReadEntries, kReadBytes}));
    if (answer.code == kOutOfTurn) {
      return absl::OutOfRangeError(absl::StrCat("entry ", next, " has been trimmed: the first is ",
                                                Unsigned(answer.rest[0])));
    }
    if (answer.rest.size() < 2) return Away(absl::UnknownError("an unreadable answer"));
    if (last == 0) last = Unsigned(answer.rest[1]);
    if (next == 0) next = Unsigned(answer.rest[0]);
    for (size_t i = 2; i < answer.rest.size() && next <= last; ++i) {
      Entry entry;
      const bool good = UnpackEntry(session, answer.rest[i], &entry);
      if (!good || entry.number != next) {
        return absl::DataLossError(
            absl::StrCat("entry ", next, good ? " is missing" : " is damaged", " in the journal"));
      }
      ATTUNE_RETURN_IF_ERROR(sink(std::move(entry)));
      ++next;
    }
    if (next > last) return absl::OkStatus();
    if (answer.rest.size() == 2) {
      return absl::DataLossError(absl::StrCat("entry ", next, " is missing in the journal"));
    }
  }
}

absl::StatusOr<Position> RedisJournal::Last(const SessionId& session) {
  ATTUNE_ASSIGN_OR_RETURN(const auto heads, Heads({session}));
  const std::vector<redis::Reply>& head = heads[0].elements;
  if (head.empty() || head[0].nil()) return Refused(kNoSuchSession);
  return Position{Unsigned(head[1]), Unsigned(head[2]), Unsigned(head[0])};
}

absl::StatusOr<Blob> RedisJournal::ReadBlob(const SessionId& session, const std::string& name) {
  bool some = false;
  for (const char* which : {"1", "2"}) {
    ATTUNE_ASSIGN_OR_RETURN(Answer answer, Ask(Lua().read_blob, session, "blob", {name, which}));
    if (answer.rest.size() != 2) continue;
    some = true;
    RedisBlobHead head;
    std::string& bytes = answer.rest[1].text;
    if (!UnpackHead(answer.rest[0].text, &head)) continue;
    if (RedisBlobCrc(session, name, head, bytes) != head.crc) continue;
    return Blob{head.revision, head.epoch, head.subject, std::move(bytes)};
  }
  if (some) return absl::DataLossError("every revision of the blob is damaged");
  return absl::NotFoundError(absl::StrCat("the session has no blob \"", name, "\""));
}

// epoch, last, first, label, written of each; pipelined.
absl::StatusOr<std::vector<redis::Reply>> RedisJournal::Heads(
    const std::vector<SessionId>& sessions) {
  struct Collected {
    std::vector<absl::StatusOr<redis::Reply>> replies;
    explicit Collected(const Clock& clock) : all(clock) {}
    Latch all;
    std::atomic<size_t> left;
  };
  const auto collected = std::make_shared<Collected>(*clock_);
  collected->replies.assign(sessions.size(), absl::UnknownError(""));
  collected->left = sessions.size();
  for (size_t i = 0; i < sessions.size(); ++i) {
    client_.Call(
        {"HMGET", SessionKey(sessions[i], "jrn"), "epoch", "last", "first", "label", "written"},
        [collected, i](absl::StatusOr<redis::Reply> reply) {
          collected->replies[i] = std::move(reply);
          if (--collected->left == 0) collected->all.Open();
        });
  }
  if (!sessions.empty()) collected->all.Wait();
  std::vector<redis::Reply> heads;
  for (auto& reply : collected->replies) {
    if (!reply.ok()) return Away(reply.status());
    if (reply->elements.size() != 5) return Away(absl::UnknownError(reply->text));
    heads.push_back(*std::move(reply));
  }
  return heads;
}

absl::StatusOr<Listing> RedisJournal::List(std::string_view cursor, size_t limit) {
  ATTUNE_RETURN_IF_ERROR(CheckListLimit(limit));
  Listing listing;
  std::string after = cursor.empty() ? "-" : absl::StrCat("(", std::string(cursor));
  // One more than asked for tells whether there is another page.
  while (listing.sessions.size() <= limit) {
    const size_t want = limit + 1 - listing.sessions.size();
    const auto page = client_.CallAndWait(
        {"ZRANGEBYLEX", kSessionsKey, after, "+", "LIMIT", "0", std::to_string(want)});
    if (!page.ok()) return Away(page.status());
    if (page->error()) return Away(absl::UnknownError(page->text));
    std::vector<SessionId> ids;
    for (const redis::Reply& id : page->elements) ids.push_back(id.text);
    ATTUNE_ASSIGN_OR_RETURN(const auto heads, Heads(ids));
    std::vector<SessionId> missing;
    for (size_t i = 0; i < ids.size(); ++i) {
      const std::vector<redis::Reply>& head = heads[i].elements;
      if (head[0].nil()) {
        missing.push_back(ids[i]);
        continue;
      }
      SessionState state;
      state.session = ids[i];
      state.position = {Unsigned(head[1]), Unsigned(head[2]), Unsigned(head[0])};
      state.label = head[3].text;
      state.written_utc_us = static_cast<int64_t>(Unsigned(head[4]));
      listing.sessions.push_back(std::move(state));
    }
    RepairIndex(missing);
    if (ids.size() < want) return listing;
    after = absl::StrCat("(", ids.back());
  }
  listing.sessions.pop_back();
  listing.next_cursor = listing.sessions.back().session;
  return listing;
}

// Takes out what is not there, and puts back what has come in between: whoever makes a session adds
// it once more when it is made.
void RedisJournal::RepairIndex(const std::vector<SessionId>& missing) {
  for (const SessionId& session : missing) {
    if (!client_.CallAndWait({"ZREM", kSessionsKey, session}).ok()) return;
    const auto there = client_.CallAndWait({"EXISTS", SessionKey(session, "jrn")});
    if (there.ok() && there->integer == 0) continue;
    if (!client_.CallAndWait({"ZADD", kSessionsKey, "0", session}).ok()) return;
  }
}

}  // namespace

absl::StatusOr<std::unique_ptr<Journal>> OpenRedisJournal(redis::Client& client,
                                                          RedisJournalOptions options) {
  if (options.clock == nullptr) return absl::InvalidArgumentError("a journal needs a clock");
  if (options.tier != Tier::kRedis && options.tier != Tier::kRedisWait) {
    return absl::InvalidArgumentError(
        absl::StrCat("a journal in Redis has the tier \"redis\" or \"redis-wait\", not \"",
                     std::string(TierName(options.tier)), "\""));
  }
  if (options.tier == Tier::kRedisWait && options.replicas < 1) {
    return absl::InvalidArgumentError("the tier \"redis-wait\" needs at least one replica");
  }
  return std::make_unique<RedisJournal>(client, std::move(options));
}

}  // namespace attune::journal
