#include "services/journal/sqlite_scrub.h"

#include <algorithm>
#include <string>

#include "services/base/status_macros.h"

namespace attune::journal {
namespace {

constexpr size_t kPagesARead = 256;
constexpr size_t kFileHeaderBytes = 100;
// The first byte of a b-tree page is its type. Of other pages it is the top byte of a page number,
// which stays below the smallest type that holds rows up to this many pages (128 GiB).
constexpr int64_t kMaxPages = int64_t{2} << 24;

size_t Big16(const char* bytes) {
  return static_cast<size_t>(static_cast<unsigned char>(bytes[0])) << 8 |
         static_cast<unsigned char>(bytes[1]);
}

// Where the page's unused space is; empty when it is not a b-tree page.
struct Gap {
  size_t begin = 0;
  size_t end = 0;
};
Gap UnusedSpace(const char* page, size_t page_bytes, bool first) {
  const size_t header = first ? kFileHeaderBytes : 0;
  const int type = static_cast<unsigned char>(page[header]);
  const bool leaf = type == 10 || type == 13;
  if (!leaf && type != 2 && type != 5) return {};
  size_t content = Big16(page + header + 5);
  if (content == 0) content = 65'536;
  const size_t begin = header + (leaf ? 8 : 12) + 2 * Big16(page + header + 3);
  if (content > page_bytes || begin > content) return {};  // damaged: not ours to touch
  return {begin, content};
}

}  // namespace

absl::Status ScrubUnusedSpace(Database& db) {
  ATTUNE_RETURN_IF_ERROR(db.Checkpoint(/*truncate=*/true));
  ATTUNE_ASSIGN_OR_RETURN(const int64_t page_size, db.Int("PRAGMA page_size"));
  ATTUNE_ASSIGN_OR_RETURN(const int64_t pages, db.Int("PRAGMA page_count"));
  if (pages >= kMaxPages) {
    ATTUNE_RETURN_IF_ERROR(db.Run("VACUUM"));
    return db.Checkpoint(/*truncate=*/true);
  }
  // Cached pages would bring the old bytes back when they are next written.
  sqlite3_db_release_memory(db.handle());
  sqlite3_file* file = nullptr;
  int code = sqlite3_file_control(db.handle(), "main", SQLITE_FCNTL_FILE_POINTER, &file);
  if (code != SQLITE_OK) return SqliteError(nullptr, code);

  const size_t page_bytes = static_cast<size_t>(page_size);
  std::string buffer(page_bytes * kPagesARead, '\0');
  const std::string zeros(page_bytes, '\0');
  for (int64_t at = 0; at < pages; at += kPagesARead) {
    const size_t count = static_cast<size_t>(std::min<int64_t>(kPagesARead, pages - at));
    code = file->pMethods->xRead(file, buffer.data(), static_cast<int>(count * page_bytes),
                                 at * page_size);
    if (code != SQLITE_OK) return SqliteError(nullptr, code);
    for (size_t i = 0; i < count; ++i) {
      const char* page = buffer.data() + i * page_bytes;
      const Gap gap = UnusedSpace(page, page_bytes, at == 0 && i == 0);
      const auto dirty =
          std::find_if(page + gap.begin, page + gap.end, [](char byte) { return byte != '\0'; });
      if (dirty == page + gap.end) continue;
      code = file->pMethods->xWrite(
          file, zeros.data(), static_cast<int>(gap.end - gap.begin),
          (at + static_cast<int64_t>(i)) * page_size + static_cast<int64_t>(gap.begin));
      if (code != SQLITE_OK) return SqliteError(nullptr, code);
    }
  }
  code = file->pMethods->xSync(file, SQLITE_SYNC_FULL);
  return code == SQLITE_OK ? absl::OkStatus() : SqliteError(nullptr, code);
}

}  // namespace attune::journal
