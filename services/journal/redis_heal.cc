// Keeping the newest entries, and putting back what a store has lost.
#include <algorithm>
#include <utility>

#include "absl/strings/numbers.h"
#include "services/journal/entry_checksum.h"
#include "services/journal/redis_writer.h"

namespace attune::journal {
namespace {

struct Stored {
  bool there = false;
  Fence fence;
  uint64_t last = 0;
  std::map<std::string, uint64_t> blobs;
};

Stored Parse(const Answer& answer) {
  Stored stored;
  if (answer.code != 1 || answer.rest.size() < 3) return stored;
  stored.there = true;
  if (!absl::SimpleAtoi(answer.rest[0].text, &stored.fence.epoch)) stored.fence.epoch = 0;
  stored.fence.nonce = answer.rest[1].text;
  stored.last = static_cast<uint64_t>(answer.rest[2].integer);
  for (size_t i = 3; i + 1 < answer.rest.size(); i += 2) {
    uint64_t revision = 0;
    if (!absl::SimpleAtoi(answer.rest[i + 1].text, &revision)) continue;
    uint64_t& newest = stored.blobs[answer.rest[i].text];
    newest = std::max(newest, revision);
  }
  return stored;
}

// Blobs that were acknowledged here and are not there as new as they were.
bool LacksBlobs(const RedisSession& session, const Stored& stored) {
  return std::any_of(session.blobs.begin(), session.blobs.end(), [&](const auto& blob) {
    const auto found = stored.blobs.find(blob.first);
    return found == stored.blobs.end() || found->second < blob.second;
  });
}

}  // namespace

// ---- Keeping

void RedisWriter::Keep(RedisSession& session, const std::vector<Entry>& entries) {
  for (const Entry& entry : entries) {
    session.acked = entry.number;
    session.kept.push_back(entry);
    session.kept.back().epoch = session.fence.epoch;
    session.kept_bytes += KeptBytesOf(entry);
    kept_bytes_ += KeptBytesOf(entry);
  }
  while (session.kept_bytes > options_.kept_bytes_per_session) DropFront(session);
  if (session.kept.empty()) return;
  if (session.keeper.has_value()) keepers_.erase(*session.keeper);
  session.keeper = keepers_.insert(keepers_.end(), &session);
  while (kept_bytes_ > options_.kept_bytes) {
    RedisSession& oldest = *keepers_.front();
    if (&oldest == &session) {
      DropFront(session);
    } else {
      DropKept(oldest);
    }
  }
}

void RedisWriter::DropFront(RedisSession& session) {
  const size_t bytes = KeptBytesOf(session.kept.front());
  session.kept_bytes -= bytes;
  kept_bytes_ -= bytes;
  session.kept.pop_front();
  if (session.kept.empty()) DropKept(session);
}

void RedisWriter::DropKept(RedisSession& session) {
  kept_bytes_ -= session.kept_bytes;
  session.kept_bytes = 0;
  session.kept.clear();
  session.kept.shrink_to_fit();
  if (session.keeper.has_value()) keepers_.erase(*session.keeper);
  session.keeper.reset();
}

void RedisWriter::Forget(RedisSession& session) {
  DropKept(session);
  if (session.lost) --lost_;
  session.lost = false;
  session.suspect = false;
  session.opened = false;
  session.fence = {};
  session.before = {};
  session.acked = 0;
  session.label.clear();
  session.blobs.clear();
  session.erased.clear();
}

// ---- Looking and healing. The session is busy meanwhile; an Open may be under way.

void RedisWriter::Look(const Session& session) {
  Run(session, Lua().check, {SessionKey(session->id, "jrn"), SessionKey(session->id, "blob")}, {},
      [self = shared_from_this()](const Session& of, const Answer& answer) {
        self->OnLook(of, answer);
      });
}

void RedisWriter::OnLook(const Session& session, const Answer& answer) {
  const Stored stored = Parse(answer);
  bool whole = true;
  bool lost = false;
  {
    MutexLock lock(mu_);
    const bool opening = !session->under_way.empty();
    if (!session->opened) {
      // Let go of meanwhile.
    } else if (stored.there && stored.fence != session->fence && stored.fence != session->before) {
      // Another owner has come. Never over that one.
      Forget(*session);
    } else {
      const bool behind = stored.last < session->acked;
      const bool reaches =
          !behind || (!session->kept.empty() && session->kept.front().number <= stored.last + 1);
      whole = stored.there && stored.fence == session->fence && !behind;
      lost = !reaches || LacksBlobs(*session, stored);
      if (lost && opening) {
        // Who opens looks for himself how far it goes.
        DropKept(*session);
        session->acked = stored.last;
        session->blobs.clear();
        lost = false;
      }
      if (session->lost && !lost) {
        session->lost = false;
        --lost_;
      }
    }
  }
  if (whole && !lost) return Healed(session, false, false);
  Heal(session, stored.last, lost);
}

void RedisWriter::Heal(const Session& session, uint64_t last, bool lost) {
  std::vector<std::string> arguments;
  bool gone = false;
  {
    MutexLock lock(mu_);
    gone = !session->opened;
    arguments = {std::to_string(session->fence.epoch),
                 session->fence.nonce,
                 std::to_string(session->before.epoch),
                 session->before.nonce,
                 Utc(),
                 session->label};
    size_t bytes = 0;
    for (const Entry& entry : session->kept) {
      if (lost || bytes >= kMaxCallBytes) break;
      if (entry.number <= last) continue;
      arguments.push_back(std::to_string(entry.epoch));
      arguments.push_back(std::to_string(entry.number));
      arguments.push_back(entry.subject);
      arguments.push_back(EntryCrc(session->id, entry.number, entry.epoch, entry.subject,
                                   entry.erased, entry.payload));
      arguments.push_back(entry.erased ? "e" : "d");
      arguments.push_back(entry.erased ? "1" : entry.payload);
      bytes += KeptBytesOf(entry);
    }
  }
  if (gone) return Healed(session, false, false);
  Run(session, Lua().heal, {SessionKey(session->id, "jrn"), SessionKey(session->id, "log")},
      std::move(arguments),
      [self = shared_from_this(), last, lost](const Session& of, const Answer& answer) {
        if (answer.code != 1 || answer.rest.empty()) {
          {
            MutexLock lock(self->mu_);
            self->Forget(*of);
          }
          return self->Healed(of, false, false);
        }
        const auto now = static_cast<uint64_t>(answer.rest[0].integer);
        bool more = false;
        {
          MutexLock lock(self->mu_);
          more = !lost && of->opened && now < of->acked;
        }
        if (!more) return self->Healed(of, true, lost);
        // Without progress there is no use in going on.
        self->Heal(of, now, now <= last);
      });
}

void RedisWriter::Healed(const Session& session, bool changed, bool lost) {
  if (changed) AddToIndex(session->id);
  Journal::OnLost on_lost;
  bool opening = false;
  {
    MutexLock lock(mu_);
    session->suspect = false;
    opening = !session->under_way.empty();
    if (lost && session->opened) {
      if (!session->lost) ++lost_;
      session->lost = true;
      on_lost = on_lost_;
    }
    if (changed && session->opened) {
      // What was erased may be back as well.
      for (const Subject& subject : session->erased) {
        RedisOp op;
        op.fence = session->fence;
        op.what = EraseOp{subject};
        op.done = [](const absl::Status&) {};
        ++pending_;
        session->queue.push_front(std::move(op));
      }
    }
  }
  if (on_lost) on_lost(session->id);
  if (opening) return Executed(session);
  Release(session);
}

}  // namespace attune::journal
