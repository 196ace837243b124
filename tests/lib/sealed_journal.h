// The SQLite journal of a stopped node with its keys, as `attuned` left them: for programs of tests
// that read what was kept.
#ifndef ATTUNE_TESTS_LIB_SEALED_JOURNAL_H_
#define ATTUNE_TESTS_LIB_SEALED_JOURNAL_H_

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "services/base/clock.h"
#include "services/base/random.h"
#include "services/journal/sealer.h"
#include "services/journal/sqlite_journal.h"
#include "services/journal/sqlite_keystore.h"

namespace attune::testing {

class SealedJournal {
 public:
  // `path`: of the journal; `keys_file`: as given to `attuned --keys`.
  static absl::StatusOr<std::unique_ptr<SealedJournal>> Open(const std::string& path,
                                                             const std::string& keys_file);

  journal::Journal& journal() { return *journal_; }
  journal::Sealer& sealer() { return *sealer_; }

 private:
  SealedJournal() = default;
  SystemClock clock_;
  SystemRandom random_;
  std::unique_ptr<journal::KeyStore> keys_;
  std::unique_ptr<journal::Journal> journal_;
  std::unique_ptr<journal::Sealer> sealer_;
};

}  // namespace attune::testing

#endif  // ATTUNE_TESTS_LIB_SEALED_JOURNAL_H_
