// The journal in one SQLite file (README.md: the format, and what each tier does to the disk).
#ifndef ATTUNE_SERVICES_JOURNAL_SQLITE_JOURNAL_H_
#define ATTUNE_SERVICES_JOURNAL_SQLITE_JOURNAL_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "services/base/clock.h"
#include "services/journal/journal.h"

namespace attune::journal {

struct SqliteOptions {
  Tier tier = Tier::kProcess;
  // Must outlive the journal.
  const Clock* clock = nullptr;
  // Which SQLite VFS to use; empty: the default one. Tests put a faulty one here.
  std::string vfs_name;
  size_t max_queued_entries = kMaxQueuedEntries;
  size_t max_queued_bytes = kMaxQueuedBytes;
  // Between two tries when the disk refuses to write.
  int64_t retry_pause_us = 250'000;
  // Called on the writer's thread after each commit, before the callbacks of its writes: how long
  // it took and how many entries it held. For histograms; must be short.
  std::function<void(int64_t commit_us, size_t entries)> on_commit;
};

// Opens or creates the file (and its -wal), readable by its owner only.
//   FAILED_PRECONDITION  in use by another process; or written by a newer version
//   DATA_LOSS            not a journal, or its header or schema is damaged
//   UNAVAILABLE          the file cannot be opened or written (says why)
absl::StatusOr<std::unique_ptr<Journal>> OpenSqliteJournal(const std::string& path,
                                                           SqliteOptions options);

}  // namespace attune::journal

#endif  // ATTUNE_SERVICES_JOURNAL_SQLITE_JOURNAL_H_
