// The Redis journal's scripts (lua/) and the names of its keys.
#ifndef ATTUNE_SERVICES_JOURNAL_REDIS_SCRIPTS_H_
#define ATTUNE_SERVICES_JOURNAL_REDIS_SCRIPTS_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "services/journal/journal.h"
#include "services/redis/client.h"

namespace attune::journal {

// All sessions, a sorted set in order of their ids. Only for List: made right when found wrong.
inline constexpr char kSessionsKey[] = "attune:journal:sessions";

// "{SESSION}:PART". Braces and percent signs in an id are escaped, so that the whole id, and
// nothing else, decides the slot, and no two sessions share a key.
std::string SessionKey(std::string_view session, std::string_view part);

struct JournalLua {
  redis::Script open, append, read, trim, restore, label, write_blob, read_blob, delete_blob,
      erase_begin, erase_find, erase_copy, erase_end, remove, check, heal;
};
const JournalLua& Lua();
// All of them.
std::vector<redis::Script> JournalScripts();

// What a script answers: an array with an integer in front.
struct Answer {
  int64_t code = 0;
  std::vector<redis::Reply> rest;
};
// An error: it did not answer so.
absl::StatusOr<Answer> ToAnswer(const redis::Script& script, absl::StatusOr<redis::Reply> reply);
inline constexpr int64_t kNoSuchSession = 0;
inline constexpr int64_t kFenced = -1;
inline constexpr int64_t kOutOfTurn = -2;

// A blob's head: revision, epoch, checksum, subject (lua/write_blob.lua).
struct RedisBlobHead {
  uint64_t revision = 0;
  uint64_t epoch = 0;
  std::string crc;
  Subject subject;
};
std::string PackHead(const RedisBlobHead& head);
// False: it is no head.
bool UnpackHead(std::string_view bytes, RedisBlobHead* head);
std::string RedisBlobCrc(std::string_view session, std::string_view name, const RedisBlobHead& head,
                         std::string_view bytes);
// Its 20 digits.
std::string Revision(uint64_t revision);

// An entry as XRANGE gives it. False: it is none, or damaged.
bool UnpackEntry(std::string_view session, const redis::Reply& reply, Entry* entry);
// "EPOCH-NUMBER".
bool UnpackId(std::string_view id, uint64_t* epoch, uint64_t* number);

// How an operation ends that a script refused: FAILED_PRECONDITION, NOT_FOUND.
absl::Status Refused(int64_t code);

}  // namespace attune::journal

#endif  // ATTUNE_SERVICES_JOURNAL_REDIS_SCRIPTS_H_
