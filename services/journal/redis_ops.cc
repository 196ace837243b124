// What each operation asks of Redis, and what its answers mean.
#include <algorithm>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "services/journal/entry_checksum.h"
#include "services/journal/redis_writer.h"

namespace attune::journal {
namespace {

// One step of an erasure: so long Redis serves nobody else.
constexpr int kEraseEntries = 512;

std::vector<std::string> FencedArguments(const Fence& fence) {
  return {std::to_string(fence.epoch), fence.nonce};
}

// Whether the numbers of a call follow each other; the script checks the first.
bool InTurn(const std::vector<Entry>& entries) {
  for (size_t i = 0; i < entries.size(); ++i) {
    if (entries[i].number != entries[0].number + i) return false;
  }
  return entries.empty() || (entries.front().number > 0 && entries.back().number <= kMaxNumber);
}

absl::Status OutOfTurn(uint64_t number, uint64_t expected) {
  return absl::OutOfRangeError(
      absl::StrCat("entry ", number, " is out of turn: ", expected, " is next"));
}

// A number that a script gives, or text with digits.
uint64_t NumberAt(const Answer& answer, size_t at) {
  if (at >= answer.rest.size()) return 0;
  const redis::Reply& reply = answer.rest[at];
  if (reply.kind == redis::Reply::Kind::kInteger) return static_cast<uint64_t>(reply.integer);
  uint64_t number = 0;
  return absl::SimpleAtoi(reply.text, &number) ? number : 0;
}
std::string TextAt(const Answer& answer, size_t at) {
  return at < answer.rest.size() ? answer.rest[at].text : "";
}

}  // namespace

void RedisWriter::Do(const Session& session) {
  const RedisOp& op = session->under_way.front();
  const std::string& id = session->id;
  if (std::holds_alternative<OpenOp>(op.what)) return DoOpen(session);
  if (std::holds_alternative<AppendOp>(op.what)) return DoAppend(session);
  if (std::holds_alternative<EraseOp>(op.what)) return DoErase(session);
  if (std::holds_alternative<DeleteSessionOp>(op.what)) return DoDelete(session);
  if (const auto* what = std::get_if<WriteBlobOp>(&op.what)) {
    RedisBlobHead head = {what->revision, op.fence.epoch, "", what->subject};
    head.crc = RedisBlobCrc(id, what->name, head, what->bytes);
    return RunSimple(session, Lua().write_blob, "blob", {what->name, PackHead(head), what->bytes});
  }
  if (const auto* what = std::get_if<DeleteBlobOp>(&op.what)) {
    return RunSimple(session, Lua().delete_blob, "blob", {what->name});
  }
  if (const auto* what = std::get_if<SetLabelOp>(&op.what)) {
    return RunSimple(session, Lua().label, "log", {what->label});
  }
  if (const auto* what = std::get_if<TrimOp>(&op.what)) {
    if (what->up_to_number > kMaxNumber) {
      session->under_way.front().result =
          absl::OutOfRangeError(absl::StrCat("there is no entry ", what->up_to_number));
      return Finish(session);
    }
    return RunSimple(session, Lua().trim, "log", {std::to_string(what->up_to_number)});
  }
  const auto& what = std::get<RestoreOp>(op.what);
  RunSimple(session, Lua().restore, "log", {std::to_string(what.last_number)});
}

bool RedisWriter::OnRefused(const Session& session, int64_t code) {
  bool in_doubt = false;
  {
    MutexLock lock(mu_);
    // What this process has opened cannot be missing, and its fence cannot be another one, unless
    // somebody else has come, or the store has forgotten.
    in_doubt = session->opened && session->fence == session->under_way.front().fence && !stopping_;
    if (in_doubt) session->suspect = true;
  }
  if (in_doubt) {
    PutBack(session);
    return true;
  }
  for (RedisOp& op : session->under_way) {
    const bool gone = code == kNoSuchSession && std::holds_alternative<DeleteSessionOp>(op.what);
    op.result = gone ? absl::OkStatus() : Refused(code);
  }
  return false;
}

void RedisWriter::RunSimple(const Session& session, const redis::Script& script, const char* part,
                            std::vector<std::string> arguments) {
  std::vector<std::string> all = FencedArguments(session->under_way.front().fence);
  all.push_back(Utc());
  for (std::string& argument : arguments) all.push_back(std::move(argument));
  Run(session, script, {SessionKey(session->id, "jrn"), SessionKey(session->id, part)},
      std::move(all), [self = shared_from_this()](const Session& of, const Answer& answer) {
        self->OnSimple(of, answer);
      });
}

void RedisWriter::OnSimple(const Session& session, const Answer& answer) {
  if (answer.code == 1) return Executed(session);
  if (answer.code != kOutOfTurn) {
    if (!OnRefused(session, answer.code)) Finish(session);
    return;
  }
  RedisOp& op = session->under_way.front();
  const uint64_t stored = NumberAt(answer, 0);
  bool in_doubt = false;
  if (std::holds_alternative<TrimOp>(op.what)) {
    MutexLock lock(mu_);
    in_doubt = session->opened && session->fence == op.fence && stored < session->acked;
    session->suspect = session->suspect || in_doubt;
  }
  if (in_doubt) return PutBack(session);
  op.result = absl::OutOfRangeError(
      absl::StrCat("the number or revision is out of turn: the last one stored is ", stored));
  Finish(session);
}

// ---- Open

void RedisWriter::AddToIndex(const SessionId& session) {
  client_.Call({"ZADD", kSessionsKey, "0", session}, [](const absl::StatusOr<redis::Reply>&) {});
}

void RedisWriter::DoOpen(const Session& session) {
  // Before it is there, so that List cannot miss it.
  AddToIndex(session->id);
  std::vector<std::string> arguments = FencedArguments(session->under_way.front().fence);
  arguments.push_back(Utc());
  Run(session, Lua().open, {SessionKey(session->id, "jrn"), SessionKey(session->id, "tmp")},
      std::move(arguments), [self = shared_from_this()](const Session& of, const Answer& answer) {
        self->OnOpened(of, answer);
      });
}

void RedisWriter::OnOpened(const Session& session, const Answer& answer) {
  RedisOp& op = session->under_way.front();
  if (answer.code != 1) {
    op.result = Refused(answer.code);
    return Finish(session);
  }
  const Fence before = {NumberAt(answer, 0), TextAt(answer, 1)};
  const uint64_t last = NumberAt(answer, 2);
  bool look = false;
  {
    MutexLock lock(mu_);
    // What is known from an earlier ownership holds if nobody else came in between.
    const bool mine = session->opened &&
                      (before == session->fence || before.epoch == 0 || before == session->before);
    if (!mine) Forget(*session);
    if (mine && session->fence != op.fence) session->before = session->fence;
    if (!mine) {
      session->before = before;
      session->acked = last;
      session->label = TextAt(answer, 4);
    }
    session->opened = true;
    session->fence = op.fence;
    look = mine && !stopping_;
    session->acked = std::max(session->acked, last);
    if (!session->kept.empty() && session->kept.back().number < last) DropKept(*session);
    if (sessions_.size() > kMaxHealedSessions && !keepers_.empty()) Forget(*keepers_.front());
  }
  if (before.epoch == 0) AddToIndex(session->id);
  if (!look) return Executed(session);
  Look(session);
}

// ---- Append

void RedisWriter::DoAppend(const Session& session) {
  RedisOps& ops = session->under_way;
  std::vector<std::string> arguments = FencedArguments(ops.front().fence);
  arguments.push_back(Utc());
  arguments.push_back(std::to_string(ops.size()));
  for (RedisOp& op : ops) {
    const std::vector<Entry>& entries = std::get<AppendOp>(op.what).entries;
    const bool sent = !entries.empty() && InTurn(entries);
    arguments.push_back(std::to_string(sent ? entries.front().number : 0));
    arguments.push_back(std::to_string(sent ? entries.size() : 0));
    arguments.push_back(op.tried ? "1" : "0");
  }
  const uint64_t epoch = ops.front().fence.epoch;
  for (const RedisOp& op : ops) {
    const std::vector<Entry>& entries = std::get<AppendOp>(op.what).entries;
    if (!InTurn(entries)) continue;
    for (const Entry& entry : entries) {
      arguments.push_back(entry.subject);
      arguments.push_back(EntryCrc(session->id, entry.number, epoch, entry.subject,
                                   /*erased=*/false, entry.payload));
      arguments.push_back(entry.payload);
    }
  }
  Run(session, Lua().append, {SessionKey(session->id, "jrn"), SessionKey(session->id, "log")},
      std::move(arguments), [self = shared_from_this()](const Session& of, const Answer& answer) {
        self->OnAppended(of, answer);
      });
}

void RedisWriter::OnAppended(const Session& session, const Answer& answer) {
  RedisOps& ops = session->under_way;
  if (answer.code != 1) {
    if (!OnRefused(session, answer.code)) Finish(session);
    return;
  }
  uint64_t next = NumberAt(answer, 0) + 1;
  bool in_doubt = false;
  size_t at = 1;
  for (RedisOp& op : ops) {
    const std::vector<Entry>& entries = std::get<AppendOp>(op.what).entries;
    const uint64_t expected = NumberAt(answer, at++);
    if (!InTurn(entries)) {
      op.result = OutOfTurn(entries.back().number, next);
    } else if (expected != 0) {
      op.result = OutOfTurn(entries.front().number, expected);
      MutexLock lock(mu_);
      in_doubt = in_doubt || (session->opened && session->fence == op.fence &&
                              expected <= session->acked && !stopping_);
      session->suspect = session->suspect || in_doubt;
    }
  }
  // The store is behind: nothing of this is true. What it took none the less it knows again.
  if (!in_doubt) return Executed(session);
  for (RedisOp& op : ops) op.tried = true;
  PutBack(session);
}

// ---- Erase and delete

void RedisWriter::NoteUnclean(const Session& session, void (RedisWriter::*next)(const Session&)) {
  RedisOp& op = session->under_way.front();
  if (op.note.empty()) {
    MutexLock lock(mu_);
    op.note = absl::StrCat(session->id, "#", options_.clock->UtcMicros(), "#", ++notes_);
  }
  client_.Call({"SADD", kUncleanKey, op.note},
               [self = shared_from_this(), session, next](absl::StatusOr<redis::Reply> reply) {
                 if (!reply.ok()) return self->Retry(session, reply.status());
                 if (reply->error()) {
                   return self->Retry(session, absl::UnavailableError(reply->text));
                 }
                 ((*self).*next)(session);
               });
}

void RedisWriter::DoErase(const Session& session) {
  NoteUnclean(session, &RedisWriter::EraseBegin);
}

void RedisWriter::EraseBegin(const Session& session) {
  const RedisOp& op = session->under_way.front();
  std::vector<std::string> arguments = FencedArguments(op.fence);
  arguments.push_back(Utc());
  arguments.push_back(std::get<EraseOp>(op.what).subject);
  Run(session, Lua().erase_begin,
      {SessionKey(session->id, "jrn"), SessionKey(session->id, "blob"),
       SessionKey(session->id, "tmp")},
      std::move(arguments), [self = shared_from_this()](const Session& of, const Answer& answer) {
        if (answer.code == 1) return self->EraseNext(of, "-");
        if (!self->OnRefused(of, answer.code)) self->Finish(of);
      });
}

void RedisWriter::EraseNext(const Session& session, const std::string& after) {
  const RedisOp& op = session->under_way.front();
  std::vector<std::string> arguments = FencedArguments(op.fence);
  arguments.push_back(after);
  arguments.push_back(std::to_string(kEraseEntries));
  arguments.push_back(std::get<EraseOp>(op.what).subject);
  Run(session, Lua().erase_find, {SessionKey(session->id, "jrn"), SessionKey(session->id, "log")},
      std::move(arguments),
      [self = shared_from_this(), after](const Session& of, const Answer& answer) {
        if (answer.code != 1) {
          if (!self->OnRefused(of, answer.code)) self->Finish(of);
        } else if (TextAt(answer, 0).empty()) {
          self->EraseEnd(of);
        } else {
          self->EraseCopy(of, after, answer);
        }
      });
}

void RedisWriter::EraseCopy(const Session& session, const std::string& after, const Answer& found) {
  const RedisOp& op = session->under_way.front();
  const Subject& subject = std::get<EraseOp>(op.what).subject;
  std::vector<std::string> arguments = FencedArguments(op.fence);
  arguments.push_back(after);
  const std::string up_to = TextAt(found, 0);
  arguments.push_back(up_to);
  for (size_t i = 1; i < found.rest.size(); ++i) {
    uint64_t epoch = 0;
    uint64_t number = 0;
    if (!UnpackId(found.rest[i].text, &epoch, &number)) continue;
    arguments.push_back(found.rest[i].text);
    arguments.push_back(EntryCrc(session->id, number, epoch, subject, /*erased=*/true, ""));
  }
  Run(session, Lua().erase_copy,
      {SessionKey(session->id, "jrn"), SessionKey(session->id, "log"),
       SessionKey(session->id, "tmp")},
      std::move(arguments),
      [self = shared_from_this(), up_to](const Session& of, const Answer& answer) {
        if (answer.code == 1) return self->EraseNext(of, up_to);
        if (!self->OnRefused(of, answer.code)) self->Finish(of);
      });
}

void RedisWriter::EraseEnd(const Session& session) {
  std::vector<std::string> arguments = FencedArguments(session->under_way.front().fence);
  arguments.push_back(Utc());
  Run(session, Lua().erase_end,
      {SessionKey(session->id, "jrn"), SessionKey(session->id, "log"),
       SessionKey(session->id, "tmp")},
      std::move(arguments), [self = shared_from_this()](const Session& of, const Answer& answer) {
        if (answer.code == 1) return self->Executed(of);
        if (!self->OnRefused(of, answer.code)) self->Finish(of);
      });
}

void RedisWriter::DoDelete(const Session& session) { NoteUnclean(session, &RedisWriter::Delete); }

void RedisWriter::Delete(const Session& session) {
  Run(session, Lua().remove,
      {SessionKey(session->id, "jrn"), SessionKey(session->id, "log"),
       SessionKey(session->id, "blob"), SessionKey(session->id, "tmp")},
      FencedArguments(session->under_way.front().fence),
      [self = shared_from_this()](const Session& of, const Answer& answer) {
        if (answer.code != 1 && self->OnRefused(of, answer.code)) return;
        if (!of->under_way.front().result.ok()) return self->Finish(of);
        self->client_.Call({"ZREM", kSessionsKey, of->id},
                           [](const absl::StatusOr<redis::Reply>&) {});
        self->Executed(of);
      });
}

// ---- What a good answer means

void RedisWriter::Note(RedisSession& session, const RedisOp& op) {
  if (!session.opened || session.fence != op.fence) return;
  if (const auto* append = std::get_if<AppendOp>(&op.what)) {
    Keep(session, append->entries);
  } else if (const auto* write = std::get_if<WriteBlobOp>(&op.what)) {
    session.blobs[write->name] = write->revision;
  } else if (const auto* remove = std::get_if<DeleteBlobOp>(&op.what)) {
    session.blobs.erase(remove->name);
  } else if (const auto* label = std::get_if<SetLabelOp>(&op.what)) {
    session.label = label->label;
  } else if (const auto* trim = std::get_if<TrimOp>(&op.what)) {
    while (!session.kept.empty() && session.kept.front().number <= trim->up_to_number) {
      DropFront(session);
    }
  } else if (const auto* erase = std::get_if<EraseOp>(&op.what)) {
    for (Entry& entry : session.kept) {
      if (entry.subject != erase->subject) continue;
      session.kept_bytes -= entry.payload.size();
      kept_bytes_ -= entry.payload.size();
      entry.payload.clear();
      entry.erased = true;
    }
    session.erased.insert(erase->subject);
  } else if (const auto* restore = std::get_if<RestoreOp>(&op.what)) {
    DropKept(session);
    session.acked = restore->last_number;
    if (session.lost) --lost_;
    session.lost = false;
    // What the checkpoint stands for is as good as written.
    for (RedisOp& held : session.queue) {
      auto* append = std::get_if<AppendOp>(&held.what);
      if (!held.overtaken || append == nullptr) continue;
      held.overtaken = false;
      std::erase_if(append->entries,
                    [&](const Entry& entry) { return entry.number <= restore->last_number; });
    }
  } else if (std::holds_alternative<DeleteSessionOp>(op.what)) {
    Forget(session);
  }
}

}  // namespace attune::journal
