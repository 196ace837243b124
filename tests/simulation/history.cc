#include "tests/simulation/history.h"

#include <algorithm>
#include <functional>
#include <iostream>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"

namespace attune::simulation {
namespace {

constexpr size_t kMostViolations = 20;

std::string Short(const std::string& session) { return session.substr(0, 6); }

}  // namespace

void History::NoteText(const std::string& text) {
  uint64_t hash = 0xcbf2'9ce4'8422'2325;
  for (const char c : text) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100'0000'01b3;
  scheduler_.Note(hash);
  scheduler_.Note(static_cast<uint64_t>(scheduler_.now_us()));
}

void History::Tell(const std::string& what) {
  NoteText(what);
  if (!aloud_) return;
  const int64_t ms = scheduler_.now_us() / 1000;
  std::cerr << absl::StrCat(ms / 1000, ".", absl::Dec(ms % 1000, absl::kZeroPad3), "  ", what,
                            "\n");
}

void History::Violation(const std::string& what) {
  Tell("VIOLATION " + what);
  if (violations_.size() < kMostViolations) {
    violations_.push_back(absl::StrCat("at ", scheduler_.now_us() / 1000, " ms: ", what));
  }
}

std::map<uint64_t, v1::JournalRecord> History::records(const std::string& id) const {
  const auto found = sessions_.find(id);
  if (found == sessions_.end() || found->second.records.empty()) return {};
  const Session& session = found->second;
  std::map<uint64_t, v1::JournalRecord> all = session.records;
  // Backwards: what has no answer was written by the owner of the record after it, or before that.
  uint64_t epoch = session.epochs.at(all.rbegin()->first);
  for (uint64_t number = all.rbegin()->first; number > 0; --number) {
    if (all.contains(number)) {
      epoch = session.epochs.at(number);
      continue;
    }
    const auto handed = session.handed.find(number);
    if (handed == session.handed.end()) return all;
    auto by = handed->second.upper_bound(epoch);
    if (by == handed->second.begin()) return all;
    --by;
    all[number] = by->second;
    epoch = by->first;
  }
  return all;
}

void History::Handed(const std::string& id, uint64_t epoch, const v1::JournalRecord& record) {
  sessions_[id].handed[record.number()][epoch] = record;
}

uint64_t History::highest_epoch(const std::string& session) const {
  const auto found = sessions_.find(session);
  return found == sessions_.end() ? 0 : found->second.epoch;
}

void History::Granted(const placement::Lease& lease, uint64_t floor, const std::string& node) {
  ++grants_;
  Session& session = sessions_[lease.session];
  Tell(absl::StrCat(node, " owns ", Short(lease.session), " in epoch ", lease.epoch));
  if (lease.epoch <= floor) {
    Violation(
        absl::StrCat("I2: epoch ", lease.epoch, " was given although ", floor, " had been seen"));
  }
  const auto [known, fresh] = session.nonces.try_emplace(lease.epoch, lease.nonce);
  if (!fresh && known->second != lease.nonce && losses_ == 0) {
    Violation(absl::StrCat("I2: epoch ", lease.epoch, " was given twice"));
  }
  session.epoch = std::max(session.epoch, lease.epoch);
}

void History::Committed(const std::string& id, uint64_t epoch, const v1::JournalRecord& record) {
  Session& session = sessions_[id];
  NoteText(absl::StrCat("record ", record.number(), " ", epoch));
  auto& records = session.records;
  // What an owner before had written beyond has been lost.
  records.erase(records.upper_bound(record.number()), records.end());
  records[record.number()] = record;
  session.epochs[record.number()] = epoch;
  if (record.has_created()) {
    session.k_min = record.created().k_min();
    session.lab = record.created().kind() == v1::SESSION_KIND_LAB;
  }
  if (record.has_observations()) {
    const v1::ObservationsAdmitted& admitted = record.observations();
    const v1::Observations& observations = admitted.observations();
    uint64_t& cursor = session.cursor[{admitted.participant(), admitted.boot_id()}];
    const auto count = static_cast<uint64_t>(observations.beats().rr_1024_size());
    cursor = std::max(cursor, observations.first_seq() + count - 1);
  } else if (record.has_gap()) {
    uint64_t& cursor = session.cursor[{record.gap().participant(), record.gap().boot_id()}];
    cursor = std::max(cursor, record.gap().gap().last_seq());
  } else if (record.has_tick_closed()) {
    const v1::TickClosed& closed = record.tick_closed();
    session.tick_record[closed.tick()] = closed.frame_digest();
    if (closed.by_lateness()) session.by_lateness.insert(closed.tick());
  }
}

void History::RedisLostWrites() {
  ++losses_;
  Tell("Redis has lost writes");
}

void History::Withdrawn(const std::string& session, uint32_t participant) {
  sessions_[session].withdrawn[participant] = scheduler_.now_us();
  Tell(absl::StrCat("participant ", participant, " of ", Short(session), " has withdrawn"));
}

void History::OtherLeaves(const std::string& id, uint64_t epoch, const char* what) {
  const Session& session = sessions_[id];
  if (epoch < session.epoch) {
    Violation(absl::StrCat("I2: ", what, " left under epoch ", epoch, " although epoch ",
                           session.epoch, " had begun"));
  }
}

void History::AckLeaves(const std::string& id, uint32_t participant, const std::string& boot_id,
                        const v1::Ack& ack) {
  ++acks_;
  NoteText(absl::StrCat("ack ", participant, " ", ack.durable_seq()));
  OtherLeaves(id, ack.epoch(), "an ack");
  const auto& cursor = sessions_[id].cursor;
  const auto found = cursor.find({participant, boot_id});
  const uint64_t written = found == cursor.end() ? 0 : found->second;
  if (ack.durable_seq() > written && !sessions_[id].restored) {
    Violation(absl::StrCat("I1: beat ", ack.durable_seq(), " of participant ", participant,
                           " was acknowledged, the journal has them up to ", written));
  }
}

void History::FrameLeaves(const std::string& id, uint64_t epoch,
                          const v1::FrameEnvelope& envelope) {
  ++frames_;
  OtherLeaves(id, epoch, "a frame");
  Session& session = sessions_[id];
  const v1::Frame& frame = envelope.frame();
  NoteText(absl::StrCat("frame ", frame.tick(), " ", frame.SerializeAsString()));
  const auto record = session.tick_record.find(frame.tick());
  if (record == session.tick_record.end() && session.restored) return;
  if (record == session.tick_record.end()) {
    Violation(absl::StrCat("I3: tick ", frame.tick(), " was shown before the journal had it"));
    return;
  }
  const auto [shown, fresh] = session.tick_shown.try_emplace(frame.tick(), record->second);
  // A tick that was closed by lateness, shown, and lost by Redis is closed again with what has come
  // since: only then may it differ.
  const bool may_differ = losses_ > 0 && session.by_lateness.contains(frame.tick());
  if (!fresh && shown->second != record->second && !may_differ) {
    Violation(absl::StrCat("I3: tick ", frame.tick(), " was shown with two values"));
  }
  for (const v1::PairFrame& pair : frame.pairs()) {
    if (!session.withdrawn.contains(pair.a()) && !session.withdrawn.contains(pair.b())) continue;
    if (pair.r_mean_windowed().has_value() || pair.r_zero_lag().has_value()) {
      Violation(absl::StrCat("I5: tick ", frame.tick(), " shows a pair that has withdrawn"));
    }
  }
  const v1::GroupFrame& group = frame.group();
  if ((group.order_parameter().has_value() || group.r_mean_pairwise().has_value()) &&
      group.people() < session.k_min && !session.lab) {
    Violation(absl::StrCat("I5: tick ", frame.tick(), " shows the group of ", group.people()));
  }
}

void History::Epoch(const std::string& who, const std::string& id, uint64_t epoch) {
  auto& [seen, tick] = sessions_[id].shown[who];
  if (epoch < seen) {
    Violation(absl::StrCat("I2: ", who, " was shown epoch ", epoch, " after ", seen));
  }
  if (epoch > seen) tick = 0;
  seen = std::max(seen, epoch);
}

void History::WelcomeSeen(const std::string& who, const std::string& id, const std::string& boot_id,
                          const v1::Welcome& welcome) {
  Tell(
      absl::StrCat(who, " is welcomed in epoch ", welcome.epoch(), " from ", welcome.resume_seq()));
  Epoch(who, id, welcome.epoch());
  Session& session = sessions_[id];
  const Spool spool{welcome.participant(), boot_id};
  if (welcome.resume_seq() <= session.durable_seen[spool] &&
      session.durable_losses[spool] == losses_) {
    Violation(absl::StrCat("I1: ", who, " is asked for beat ", welcome.resume_seq(), " although ",
                           session.durable_seen[spool], " had been acknowledged durable"));
  }
}

void History::DurableSeen(const std::string& id, uint32_t participant, const std::string& boot_id,
                          uint64_t seq) {
  Session& session = sessions_[id];
  const Spool spool{participant, boot_id};
  uint64_t& seen = session.durable_seen[spool];
  if (seq < seen) return;
  seen = seq;
  session.durable_losses[spool] = losses_;
}

void History::FrameSeen(const std::string& who, const std::string& id,
                        const v1::FrameEnvelope& envelope) {
  Epoch(who, id, envelope.epoch());
  auto& [epoch, tick] = sessions_[id].shown[who];
  if (envelope.frame().tick() < tick) {
    Violation(
        absl::StrCat("I3: ", who, " was shown tick ", envelope.frame().tick(), " after ", tick));
  }
  tick = envelope.frame().tick();
}

void History::SnapshotSeen(const std::string& who, const std::string& id,
                           const v1::Snapshot& snapshot) {
  Tell(absl::StrCat(who, " sees epoch ", snapshot.epoch()));
  Epoch(who, id, snapshot.epoch());
}

void History::EntrySeen(const std::string& who, const std::string& id, const v1::LogEntry& entry) {
  auto& entries = sessions_[id].entries[who];
  const auto told = entries.find(entry.cursor());
  if (told != entries.end() && told->second == entry.SerializeAsString()) {
    Violation(absl::StrCat("I3: ", who, " was told log entry ", entry.cursor(), " twice"));
  } else if (!entries.empty() && entry.cursor() <= entries.rbegin()->first && losses_ == 0) {
    Violation(absl::StrCat("I3: ", who, " was told log entry ", entry.cursor(), " after ",
                           entries.rbegin()->first));
  }
  // With what Redis has lost the numbers of its entries are free again.
  entries.erase(entries.lower_bound(entry.cursor()), entries.end());
  entries[entry.cursor()] = entry.SerializeAsString();
}

}  // namespace attune::simulation
