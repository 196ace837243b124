#include "services/session/propose.h"

#include <algorithm>
#include <string>

#include "absl/strings/str_cat.h"
#include "services/session/roster.h"

namespace attune::session {
namespace {

constexpr size_t kRequestIdLeast = 8;
constexpr size_t kRequestIdMost = 64;

// Code points; -1: not UTF-8 (overlong forms and surrogates count as not), or a control character.
int64_t CountCharacters(std::string_view words) {
  int64_t count = 0;
  for (size_t i = 0; i < words.size(); ++count) {
    const auto lead = static_cast<unsigned char>(words[i]);
    if (lead < 0x20 || lead == 0x7f) return -1;
    int more = 0;
    uint32_t point = lead;
    if (lead >= 0xf0 && lead < 0xf5) {
      more = 3;
      point = lead & 0x07;
    } else if (lead >= 0xe0 && lead < 0xf0) {
      more = 2;
      point = lead & 0x0f;
    } else if (lead >= 0xc2 && lead < 0xe0) {
      more = 1;
      point = lead & 0x1f;
    } else if (lead >= 0x80) {
      return -1;
    }
    if (i + more >= words.size()) return -1;
    for (int k = 1; k <= more; ++k) {
      const auto next = static_cast<unsigned char>(words[i + k]);
      if ((next & 0xc0) != 0x80) return -1;
      point = point << 6 | (next & 0x3f);
    }
    if ((more == 2 && point < 0x800) || (more == 3 && (point < 0x10000 || point > 0x10ffff)) ||
        (point >= 0xd800 && point < 0xe000)) {
      return -1;
    }
    i += more + 1;
  }
  return count;
}

}  // namespace

v1::JournalRecord NextRecord(const State& state, std::string_view request_id, int64_t now_us) {
  v1::JournalRecord record;
  record.set_number(state.number + 1);
  record.set_at_session_us(std::max(now_us, state.at_us));
  record.set_request_id(std::string(request_id));
  return record;
}

absl::Status CheckRequestId(std::string_view request_id) {
  const bool good = request_id.size() >= kRequestIdLeast && request_id.size() <= kRequestIdMost &&
                    CountCharacters(request_id) >= 0;
  if (good) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat("request_id must have ", kRequestIdLeast, "..",
                                                 kRequestIdMost,
                                                 " characters, new for every intention"));
}

absl::Status CheckRequest(const State& state, const v1::JournalRecord& record) {
  if (absl::Status status = CheckRequestId(record.request_id()); !status.ok()) return status;
  const auto known = state.requests.find(record.request_id());
  if (known == state.requests.end()) return absl::OkStatus();
  if (known->second.fingerprint != Fingerprint(record)) {
    return absl::InvalidArgumentError(
        "this request_id was used for something else: take a new one for every intention");
  }
  return absl::AlreadyExistsError("this request was answered already");
}

absl::Status CheckOpen(const State& state) {
  switch (LifeOf(state.book)) {
    case v1::SESSION_STATE_OPEN:
      return absl::OkStatus();
    case v1::SESSION_STATE_ENDING:
      return absl::FailedPreconditionError("the session has ended");
    default:
      return absl::FailedPreconditionError("the session is closed");
  }
}

absl::Status CheckActive(const State& state, uint32_t participant) {
  const Person* person = state.book.Find(participant);
  if (person == nullptr) {
    return absl::NotFoundError(absl::StrCat("no participant ", participant, " in this session"));
  }
  if (person->erased) return absl::FailedPreconditionError("this person was erased");
  if (person->left) return absl::FailedPreconditionError("this person left; join again");
  return absl::OkStatus();
}

absl::Status CheckWords(std::string_view what, std::string_view words, size_t least, size_t most) {
  const int64_t count = CountCharacters(words);
  if (count >= static_cast<int64_t>(least) && count <= static_cast<int64_t>(most)) {
    return absl::OkStatus();
  }
  return absl::InvalidArgumentError(absl::StrCat(std::string(what), " must have ", least, "..",
                                                 most, " characters without control characters"));
}

}  // namespace attune::session
