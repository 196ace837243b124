// The journal's tables and the checksums of their rows (README.md, "Format").
#ifndef ATTUNE_SERVICES_JOURNAL_SQLITE_SCHEMA_H_
#define ATTUNE_SERVICES_JOURNAL_SQLITE_SCHEMA_H_

#include <cstdint>
#include <string>
#include <string_view>

#include "services/journal/checksum.h"
#include "services/journal/entry_checksum.h"
#include "services/journal/journal.h"
#include "services/journal/sqlite_db.h"

namespace attune::journal {

// An entry's row id is the session's row id above this many bits of number: entries of a session
// lie together, in order, and need no index.
inline constexpr int kNumberBits = 32;
inline constexpr int64_t kMaxSessionRow = 0x7fff'ffff;

inline int64_t EntryRow(int64_t session_row, uint64_t number) {
  return session_row << kNumberBits | static_cast<int64_t>(number);
}

inline FileKind JournalKind() {
  return {"journal",
          0x41'54'4a'31,  // "ATJ1"
          1,
          {"CREATE TABLE meta(id INTEGER PRIMARY KEY, sessions INTEGER NOT NULL, "
           "blobs INTEGER NOT NULL, next_session INTEGER NOT NULL, scrub INTEGER NOT NULL, "
           "crc BLOB NOT NULL)",
           "CREATE TABLE sessions(id INTEGER PRIMARY KEY, name BLOB NOT NULL, "
           "epoch INTEGER NOT NULL, nonce BLOB NOT NULL, first_number INTEGER NOT NULL, "
           "last_number INTEGER NOT NULL, written_utc_us INTEGER NOT NULL, label BLOB NOT NULL, "
           "crc BLOB NOT NULL)",
           "CREATE TABLE entries(id INTEGER PRIMARY KEY, epoch INTEGER NOT NULL, "
           "subject BLOB NOT NULL, erased INTEGER NOT NULL, crc BLOB NOT NULL, "
           "payload BLOB NOT NULL)",
           "CREATE TABLE blobs(id INTEGER PRIMARY KEY, session INTEGER NOT NULL, "
           "name BLOB NOT NULL, revision INTEGER NOT NULL, epoch INTEGER NOT NULL, "
           "subject BLOB NOT NULL, head_crc BLOB NOT NULL, bytes_crc BLOB NOT NULL, "
           "bytes BLOB NOT NULL)"}};
}

inline std::string MetaCrc(int64_t sessions, int64_t blobs, int64_t next_session, bool scrub) {
  return Checksum('m')
      .Add(static_cast<uint64_t>(sessions))
      .Add(static_cast<uint64_t>(blobs))
      .Add(static_cast<uint64_t>(next_session))
      .Add(scrub ? 1 : 0)
      .Bytes();
}

inline std::string SessionCrc(int64_t row, std::string_view session, const Fence& fence,
                              const Position& position, int64_t written_utc_us,
                              std::string_view label) {
  return Checksum('s')
      .Add(static_cast<uint64_t>(row))
      .Add(session)
      .Add(fence.epoch)
      .Add(std::string_view(fence.nonce))
      .Add(position.first_number)
      .Add(position.last_number)
      .Add(static_cast<uint64_t>(written_utc_us))
      .Add(label)
      .Bytes();
}

inline std::string BlobHeadCrc(int64_t session_row, std::string_view name, uint64_t revision,
                               uint64_t epoch, std::string_view subject) {
  return Checksum('h')
      .Add(static_cast<uint64_t>(session_row))
      .Add(name)
      .Add(revision)
      .Add(epoch)
      .Add(subject)
      .Bytes();
}

inline std::string BlobBytesCrc(std::string_view session, std::string_view name, uint64_t revision,
                                std::string_view bytes) {
  return Checksum('b').Add(session).Add(name).Add(revision).Add(bytes).Bytes();
}

}  // namespace attune::journal

#endif  // ATTUNE_SERVICES_JOURNAL_SQLITE_SCHEMA_H_
