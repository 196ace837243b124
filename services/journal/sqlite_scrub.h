// What SQLite's secure_delete leaves behind.
//
// secure_delete zeroes a row where it is deleted. But when SQLite rebalances a b-tree it builds
// pages anew and does not clear the space they no longer use, so rows that were once moved have
// stale copies there, and deleting the row later does not find them. This pass zeroes the unused
// space of every page. It does not change what SQLite reads. (VACUUM would do as well, but needs
// room for a second copy, which a full disk does not have, and much more time.)
//
// Page layout: https://www.sqlite.org/fileformat2.html, section 1.6.
#ifndef ATTUNE_SERVICES_JOURNAL_SQLITE_SCRUB_H_
#define ATTUNE_SERVICES_JOURNAL_SQLITE_SCRUB_H_

#include "absl/status/status.h"
#include "services/journal/sqlite_db.h"

namespace attune::journal {

// Empties the write-ahead log (if there is one), zeroes unused space, syncs. No transaction may be
// open. Reads the whole file once. Stopping half-way does no harm; do it again.
absl::Status ScrubUnusedSpace(Database& db);

}  // namespace attune::journal

#endif  // ATTUNE_SERVICES_JOURNAL_SQLITE_SCRUB_H_
