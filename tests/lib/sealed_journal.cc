#include "tests/lib/sealed_journal.h"

#include <utility>

#include "services/base/keys.h"
#include "services/base/status_macros.h"

namespace attune::testing {

absl::StatusOr<std::unique_ptr<SealedJournal>> SealedJournal::Open(const std::string& path,
                                                                   const std::string& keys_file) {
  std::unique_ptr<SealedJournal> opened(new SealedJournal());
  ATTUNE_ASSIGN_OR_RETURN(const KeyRing ring, LoadKeysFile(keys_file));
  journal::SqliteKeyStoreOptions key_options;
  for (const WrappingKey& key : ring.kek) key_options.keys.push_back({key.id, key.bytes});
  key_options.random = &opened->random_;
  ATTUNE_ASSIGN_OR_RETURN(opened->keys_,
                          journal::OpenSqliteKeyStore(path + "-keys", std::move(key_options)));
  journal::SqliteOptions options;
  options.clock = &opened->clock_;
  ATTUNE_ASSIGN_OR_RETURN(opened->journal_, journal::OpenSqliteJournal(path, std::move(options)));
  opened->sealer_ = std::make_unique<journal::Sealer>(*opened->keys_, opened->random_);
  return opened;
}

}  // namespace attune::testing
