#include "services/journal/ops.h"

#include "absl/strings/str_cat.h"
#include "services/base/status_macros.h"

namespace attune::journal {
namespace {

// What an operation without entries takes up in a queue.
constexpr size_t kOpBytes = 256;

absl::Status CheckSession(const SessionId& session) {
  if (!session.empty() && session.size() <= kMaxSessionIdBytes) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat("a session id is 1 to ", kMaxSessionIdBytes, " bytes"));
}

absl::Status CheckFence(const Fence& fence) {
  if (fence.epoch >= 1 && fence.epoch <= kMaxEpoch && !fence.nonce.empty() &&
      fence.nonce.size() <= kMaxFenceNonceBytes) {
    return absl::OkStatus();
  }
  return absl::InvalidArgumentError(absl::StrCat("a fence is an epoch of 1 to ", kMaxEpoch,
                                                 " and a nonce of 1 to ", kMaxFenceNonceBytes,
                                                 " bytes"));
}

absl::Status CheckSubject(const Subject& subject) {
  if (subject.empty() || subject.size() == kSubjectBytes) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat("a subject is ", kSubjectBytes, " bytes, or empty"));
}

absl::Status CheckName(const std::string& name) {
  if (!name.empty() && name.size() <= kMaxBlobNameBytes) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat("a blob's name is 1 to ", kMaxBlobNameBytes, " bytes"));
}

absl::Status CheckEntries(const std::vector<Entry>& entries) {
  if (entries.size() > kMaxQueuedEntries) {
    return absl::InvalidArgumentError(
        absl::StrCat("more than ", kMaxQueuedEntries, " entries in one call"));
  }
  for (const Entry& entry : entries) {
    ATTUNE_RETURN_IF_ERROR(CheckSubject(entry.subject));
    if (entry.payload.size() > kMaxEntryBytes) {
      return absl::InvalidArgumentError(
          absl::StrCat("an entry is at most ", kMaxEntryBytes, " bytes"));
    }
  }
  return absl::OkStatus();
}

absl::Status CheckBlob(const WriteBlobOp& what) {
  ATTUNE_RETURN_IF_ERROR(CheckName(what.name));
  ATTUNE_RETURN_IF_ERROR(CheckSubject(what.subject));
  if (what.bytes.size() > kMaxBlobBytes) {
    return absl::InvalidArgumentError(absl::StrCat("a blob is at most ", kMaxBlobBytes, " bytes"));
  }
  if (what.revision > static_cast<uint64_t>(INT64_MAX)) {
    return absl::InvalidArgumentError("a revision is at most 2^63 - 1");
  }
  return absl::OkStatus();
}

absl::Status CheckWhat(const What& what) {
  if (const auto* append = std::get_if<AppendOp>(&what)) return CheckEntries(append->entries);
  if (const auto* blob = std::get_if<WriteBlobOp>(&what)) return CheckBlob(*blob);
  if (const auto* blob = std::get_if<DeleteBlobOp>(&what)) return CheckName(blob->name);
  if (const auto* erase = std::get_if<EraseOp>(&what)) return CheckSubject(erase->subject);
  if (const auto* label = std::get_if<SetLabelOp>(&what)) {
    if (label->label.size() <= kMaxLabelBytes) return absl::OkStatus();
    return absl::InvalidArgumentError(
        absl::StrCat("a label is at most ", kMaxLabelBytes, " bytes"));
  }
  if (const auto* restore = std::get_if<RestoreOp>(&what)) {
    if (restore->last_number <= kMaxNumber) return absl::OkStatus();
    return absl::InvalidArgumentError(absl::StrCat("a number is at most ", kMaxNumber));
  }
  return absl::OkStatus();
}

}  // namespace

absl::Status CheckOp(const SessionId& session, const Fence& fence, const What& what) {
  ATTUNE_RETURN_IF_ERROR(CheckSession(session));
  ATTUNE_RETURN_IF_ERROR(CheckFence(fence));
  return CheckWhat(what);
}

absl::Status CheckListLimit(size_t limit) {
  if (limit >= 1 && limit <= kMaxListed) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat("list 1 to ", kMaxListed, " at a time"));
}

size_t EntriesOf(const What& what) {
  const auto* append = std::get_if<AppendOp>(&what);
  return append != nullptr ? append->entries.size() : 1;
}

size_t BytesOf(const What& what) {
  size_t bytes = kOpBytes;
  if (const auto* append = std::get_if<AppendOp>(&what)) {
    for (const Entry& entry : append->entries) bytes += entry.payload.size() + sizeof(Entry);
  } else if (const auto* blob = std::get_if<WriteBlobOp>(&what)) {
    bytes += blob->bytes.size();
  }
  return bytes;
}

}  // namespace attune::journal
