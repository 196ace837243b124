#include "services/journal/sealer.h"

#include <array>

#include "absl/strings/str_cat.h"
#include "services/base/status_macros.h"
#include "services/journal/aead.h"

namespace attune::journal {
namespace {

constexpr char kEntryFormat = 1;
constexpr char kBlobFormat = 2;
constexpr std::string_view kBlobKeyInfo = "attune blob v1";
constexpr uint64_t kEpochEnd = uint64_t{1} << 32;

std::string EntryNonce(uint64_t epoch, uint64_t number) {
  std::string nonce;
  for (int shift = 24; shift >= 0; shift -= 8) nonce.push_back(static_cast<char>(epoch >> shift));
  AppendField(nonce, number);
  return nonce;
}

std::string EntryPlace(const std::string& session, const std::string& subject, uint64_t epoch,
                       uint64_t number) {
  std::string place(1, kEntryFormat);
  AppendField(place, session);
  AppendField(place, subject);
  AppendField(place, epoch);
  AppendField(place, number);
  return place;
}

std::string BlobPlace(const std::string& session, const std::string& subject,
                      const std::string& name, uint64_t revision) {
  std::string place(1, kBlobFormat);
  AppendField(place, session);
  AppendField(place, subject);
  AppendField(place, name);
  AppendField(place, revision);
  return place;
}

absl::Status BlobKey(const DataKey& key, DataKey& out) {
  return HkdfSha256(key.bytes, kBlobKeyInfo, out.bytes);
}

absl::Status CheckFormat(std::string_view sealed, char format) {
  if (sealed.empty() || sealed.front() != format) {
    return absl::DataLossError(
        "sealed bytes have an unknown format: damaged or written by a newer "
        "version");
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<uint64_t> Sealer::EpochFloor(const std::string& session) {
  return keys_.LastEpoch(session);
}

absl::Status Sealer::OpenSession(const std::string& session, uint64_t epoch) {
  if (epoch == 0 || epoch >= kEpochEnd) {
    return absl::InvalidArgumentError("an epoch is 1 to 2^32 - 1: start a new session");
  }
  {
    MutexLock lock(mu_);
    if (open_.size() >= kMaxSealingSessions && !open_.contains(session)) {
      return absl::ResourceExhaustedError("too many sessions are open on this node");
    }
  }
  // On disk before anything is sealed under it.
  ATTUNE_RETURN_IF_ERROR(keys_.RaiseEpoch(session, epoch));
  MutexLock lock(mu_);
  open_[session] = {epoch, 0};
  return absl::OkStatus();
}

void Sealer::CloseSession(const std::string& session) {
  {
    MutexLock lock(mu_);
    open_.erase(session);
  }
  keys_.Forget(session);
}

absl::StatusOr<std::string> Sealer::Seal(const std::string& session, const std::string& subject,
                                         uint64_t epoch, uint64_t number,
                                         std::string_view plaintext) {
  ATTUNE_ASSIGN_OR_RETURN(const auto key, keys_.GetOrCreate(session, subject));
  {
    MutexLock lock(mu_);
    const auto found = open_.find(session);
    if (found == open_.end() || found->second.epoch != epoch) {
      return absl::FailedPreconditionError(
          absl::StrCat("the session is not open for sealing under epoch ", epoch));
    }
    if (number <= found->second.number) {
      return absl::OutOfRangeError(absl::StrCat("number ", number, " has been sealed before"));
    }
    found->second.number = number;
  }
  ATTUNE_ASSIGN_OR_RETURN(std::string sealed,
                          GcmEncrypt(key->bytes, EntryNonce(epoch, number),
                                     EntryPlace(session, subject, epoch, number), plaintext));
  sealed.insert(sealed.begin(), kEntryFormat);
  return sealed;
}

absl::StatusOr<std::string> Sealer::Unseal(const std::string& session, const std::string& subject,
                                           uint64_t epoch, uint64_t number,
                                           std::string_view sealed) {
  ATTUNE_ASSIGN_OR_RETURN(const auto key, keys_.Get(session, subject));
  ATTUNE_RETURN_IF_ERROR(CheckFormat(sealed, kEntryFormat));
  if (epoch >= kEpochEnd) return absl::DataLossError("an entry's epoch is out of range");
  return GcmDecrypt(key->bytes, EntryNonce(epoch, number),
                    EntryPlace(session, subject, epoch, number), sealed.substr(1));
}

absl::StatusOr<std::string> Sealer::SealBlob(const std::string& session, const std::string& subject,
                                             const std::string& name, uint64_t revision,
                                             std::string_view plaintext) {
  ATTUNE_ASSIGN_OR_RETURN(const auto key, keys_.GetOrCreate(session, subject));
  DataKey blob_key;
  ATTUNE_RETURN_IF_ERROR(BlobKey(*key, blob_key));
  std::string sealed(1, kBlobFormat);
  {
    MutexLock lock(mu_);
    sealed += random_.Bytes(kNonceBytes);
  }
  ATTUNE_ASSIGN_OR_RETURN(const std::string text,
                          GcmEncrypt(blob_key.bytes, std::string_view(sealed).substr(1),
                                     BlobPlace(session, subject, name, revision), plaintext));
  return sealed + text;
}

absl::StatusOr<std::string> Sealer::UnsealBlob(const std::string& session,
                                               const std::string& subject, const std::string& name,
                                               uint64_t revision, std::string_view sealed) {
  ATTUNE_ASSIGN_OR_RETURN(const auto key, keys_.Get(session, subject));
  ATTUNE_RETURN_IF_ERROR(CheckFormat(sealed, kBlobFormat));
  if (sealed.size() < kBlobSealBytes) return absl::DataLossError("sealed bytes are too short");
  DataKey blob_key;
  ATTUNE_RETURN_IF_ERROR(BlobKey(*key, blob_key));
  return GcmDecrypt(blob_key.bytes, sealed.substr(1, kNonceBytes),
                    BlobPlace(session, subject, name, revision), sealed.substr(1 + kNonceBytes));
}

}  // namespace attune::journal
