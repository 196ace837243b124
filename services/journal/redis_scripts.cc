#include "services/journal/redis_scripts.h"

#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "services/journal/checksum.h"
#include "services/journal/entry_checksum.h"
#include "services/journal/journal_lua.h"

namespace attune::journal {
namespace {

constexpr size_t kRevisionDigits = 20;
constexpr size_t kEpochDigits = 10;
constexpr size_t kCrcBytes = 4;
constexpr size_t kHeadBytes = kRevisionDigits + kEpochDigits + kCrcBytes;

redis::Script Plain(const char* name, const char* body) { return redis::MakeScript(name, body); }
redis::Script Fenced(const char* name, const char* body) {
  return redis::MakeScript(name, absl::StrCat(text::fence_lua, body));
}

}  // namespace

std::string SessionKey(std::string_view session, std::string_view part) {
  std::string key = "{";
  for (const char c : session) {
    if (c == '{' || c == '}' || c == '%') {
      absl::StrAppend(&key, "%", absl::Hex(static_cast<unsigned char>(c), absl::kZeroPad2));
    } else {
      key.push_back(c);
    }
  }
  key += "}:";
  key += part;
  return key;
}

const JournalLua& Lua() {
  static const JournalLua lua = {
      .open = Plain("open", text::open_lua),
      .append = Fenced("append", text::append_lua),
      .read = Fenced("read", text::read_lua),
      .trim = Fenced("trim", text::trim_lua),
      .restore = Fenced("restore", text::restore_lua),
      .label = Fenced("label", text::label_lua),
      .write_blob = Fenced("write_blob", text::write_blob_lua),
      .read_blob = Plain("read_blob", text::read_blob_lua),
      .delete_blob = Fenced("delete_blob", text::delete_blob_lua),
      .erase_begin = Fenced("erase_begin", text::erase_begin_lua),
      .erase_find = Fenced("erase_find", text::erase_find_lua),
      .erase_copy = Fenced("erase_copy", text::erase_copy_lua),
      .erase_end = Fenced("erase_end", text::erase_end_lua),
      .remove = Fenced("delete", text::delete_lua),
      .check = Plain("check", text::check_lua),
      .heal = Fenced("heal", text::heal_lua),
  };
  return lua;
}

std::vector<redis::Script> JournalScripts() {
  const JournalLua& lua = Lua();
  return {lua.open,        lua.append,     lua.read,        lua.trim,
          lua.restore,     lua.label,      lua.write_blob,  lua.read_blob,
          lua.delete_blob, lua.erase_find, lua.erase_begin, lua.erase_copy,
          lua.erase_end,   lua.remove,     lua.check,       lua.heal};
}

absl::StatusOr<Answer> ToAnswer(const redis::Script& script, absl::StatusOr<redis::Reply> reply) {
  if (!reply.ok()) return reply.status();
  if (reply->error()) return absl::UnavailableError(reply->text);
  if (reply->elements.empty() || reply->elements[0].kind != redis::Reply::Kind::kInteger) {
    return absl::UnavailableError(
        absl::StrCat("Redis answers the script ", script.name, " with something else"));
  }
  Answer answer;
  answer.code = reply->elements[0].integer;
  reply->elements.erase(reply->elements.begin());
  answer.rest = std::move(reply->elements);
  return answer;
}

std::string Revision(uint64_t revision) {
  return absl::StrCat(absl::Dec(revision, absl::kZeroPad20));
}

std::string PackHead(const RedisBlobHead& head) {
  return absl::StrCat(Revision(head.revision), absl::Dec(head.epoch, absl::kZeroPad10), head.crc,
                      head.subject);
}

bool UnpackHead(std::string_view bytes, RedisBlobHead* head) {
  if (bytes.size() < kHeadBytes) return false;
  const auto number = [&](size_t from, size_t count, uint64_t* to) {
    return absl::SimpleAtoi(absl::string_view(bytes.data() + from, count), to);
  };
  if (!number(0, kRevisionDigits, &head->revision)) return false;
  if (!number(kRevisionDigits, kEpochDigits, &head->epoch)) return false;
  head->crc = std::string(bytes.substr(kRevisionDigits + kEpochDigits, kCrcBytes));
  head->subject = std::string(bytes.substr(kHeadBytes));
  return true;
}

std::string RedisBlobCrc(std::string_view session, std::string_view name, const RedisBlobHead& head,
                         std::string_view bytes) {
  return Checksum('r')
      .Add(session)
      .Add(name)
      .Add(head.revision)
      .Add(head.epoch)
      .Add(std::string_view(head.subject))
      .Add(bytes)
      .Bytes();
}

bool UnpackId(std::string_view id, uint64_t* epoch, uint64_t* number) {
  const size_t dash = id.find('-');
  if (dash == std::string_view::npos) return false;
  return absl::SimpleAtoi(absl::string_view(id.data(), dash), epoch) &&
         absl::SimpleAtoi(absl::string_view(id.data() + dash + 1, id.size() - dash - 1), number);
}

bool UnpackEntry(std::string_view session, const redis::Reply& reply, Entry* entry) {
  if (reply.elements.size() != 2 || reply.elements[1].elements.size() != 6) return false;
  const std::vector<redis::Reply>& fields = reply.elements[1].elements;
  if (!UnpackId(reply.elements[0].text, &entry->epoch, &entry->number)) return false;
  entry->subject = fields[1].text;
  entry->erased = fields[4].text == "e";
  entry->payload = entry->erased ? "" : fields[5].text;
  return fields[3].text == EntryCrc(session, entry->number, entry->epoch, entry->subject,
                                    entry->erased, entry->payload);
}

absl::Status Refused(int64_t code) {
  if (code == kFenced) {
    return absl::FailedPreconditionError(
        "the fence is stale or not opened: the session belongs to another owner");
  }
  if (code == kNoSuchSession) return absl::NotFoundError("the journal has no such session");
  return absl::InternalError(absl::StrCat("a script of the journal answers ", code));
}

}  // namespace attune::journal
