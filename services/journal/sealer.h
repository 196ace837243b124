// Between the session's core and the journal: what belongs to a person is encrypted with that
// person's key before it is stored, and is unreadable everywhere once the key is destroyed.
//
// AES-256-GCM (NIST SP 800-38D), 16-byte tag. Two domains:
//   entries  the subject's data key. Nonce = 32 bits of epoch, 64 bits of number, not stored. An
//            entry's number is used once in an epoch and an epoch once in a session, which
//            OpenSession and Seal enforce, so a nonce never repeats under a key.
//   blobs    a key derived from it (HKDF-SHA256, RFC 5869) and a random 96-bit nonce, stored in
//            front: a blob of the same name and revision may be written again.
// Authenticated beside the text: format version, domain, session, subject, and epoch and number
// (entries) or name and revision (blobs), so that nothing can be moved elsewhere.
//
// Errors of the Unseal calls: DATA_LOSS when anything of this does not match; NOT_FOUND ("erased")
// when the key was destroyed (IsErased in keystore.h): treat the record as absent.
#ifndef ATTUNE_SERVICES_JOURNAL_SEALER_H_
#define ATTUNE_SERVICES_JOURNAL_SEALER_H_

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "services/base/mutex.h"
#include "services/base/random.h"
#include "services/journal/keystore.h"

namespace attune::journal {

inline constexpr size_t kEntrySealBytes = 1 + 16;      // how much longer a sealed entry is
inline constexpr size_t kBlobSealBytes = 1 + 12 + 16;  // and a sealed blob
// Sessions open for sealing at once; OpenSession refuses more (RESOURCE_EXHAUSTED).
inline constexpr size_t kMaxSealingSessions = 65'536;

// Thread-safe (give it a thread-safe RandomSource, such as SystemRandom). An empty subject is the
// session itself, which has a key of its own.
class Sealer {
 public:
  // Both must outlive the sealer.
  Sealer(KeyStore& keys, RandomSource& random) : keys_(keys), random_(random) {}

  // Pass the greater of this and the journal's Position::epoch as the floor to Directory::Acquire.
  absl::StatusOr<uint64_t> EpochFloor(const std::string& session);

  // Once per ownership, before its first Seal. FAILED_PRECONDITION when the epoch, or a higher one,
  // has been used before: acquire the session anew above EpochFloor. INVALID_ARGUMENT from 2^32 on.
  absl::Status OpenSession(const std::string& session, uint64_t epoch);
  // When the ownership ends; frees what Seal remembers. Unsealing goes on to work.
  void CloseSession(const std::string& session);

  // FAILED_PRECONDITION when the session is not open under this epoch. OUT_OF_RANGE when `number`
  // is not above every number sealed under it: to write an entry again, keep its sealed bytes.
  absl::StatusOr<std::string> Seal(const std::string& session, const std::string& subject,
                                   uint64_t epoch, uint64_t number, std::string_view plaintext);
  absl::StatusOr<std::string> Unseal(const std::string& session, const std::string& subject,
                                     uint64_t epoch, uint64_t number, std::string_view sealed);

  absl::StatusOr<std::string> SealBlob(const std::string& session, const std::string& subject,
                                       const std::string& name, uint64_t revision,
                                       std::string_view plaintext);
  absl::StatusOr<std::string> UnsealBlob(const std::string& session, const std::string& subject,
                                         const std::string& name, uint64_t revision,
                                         std::string_view sealed);

 private:
  struct Progress {
    uint64_t epoch = 0;
    uint64_t number = 0;  // the highest sealed
  };

  KeyStore& keys_;
  RandomSource& random_;
  Mutex mu_;
  std::map<std::string, Progress> open_ ATTUNE_GUARDED_BY(mu_);
};

}  // namespace attune::journal

#endif  // ATTUNE_SERVICES_JOURNAL_SEALER_H_
