// What may be asked of a journal, as values, and the limits of journal.h.
#ifndef ATTUNE_SERVICES_JOURNAL_OPS_H_
#define ATTUNE_SERVICES_JOURNAL_OPS_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <variant>
#include <vector>

#include "absl/status/status.h"
#include "services/journal/journal.h"

namespace attune::journal {

struct OpenOp {};
struct AppendOp {
  std::vector<Entry> entries;
};
struct WriteBlobOp {
  std::string name;
  uint64_t revision = 0;
  Subject subject;
  std::string bytes;
};
struct DeleteBlobOp {
  std::string name;
};
struct SetLabelOp {
  std::string label;
};
struct TrimOp {
  uint64_t up_to_number = 0;
};
struct RestoreOp {
  uint64_t last_number = 0;
};
struct EraseOp {
  Subject subject;
};
struct DeleteSessionOp {};

using What = std::variant<OpenOp, AppendOp, WriteBlobOp, DeleteBlobOp, SetLabelOp, TrimOp,
                          RestoreOp, EraseOp, DeleteSessionOp>;

// Not answered before the bytes are gone from the store's files.
inline bool NeedsScrub(const What& what) {
  return std::holds_alternative<EraseOp>(what) || std::holds_alternative<DeleteSessionOp>(what);
}

// INVALID_ARGUMENT when a limit is passed.
absl::Status CheckOp(const SessionId& session, const Fence& fence, const What& what);
absl::Status CheckListLimit(size_t limit);
// Its share of a queue.
size_t EntriesOf(const What& what);
size_t BytesOf(const What& what);

}  // namespace attune::journal

#endif  // ATTUNE_SERVICES_JOURNAL_OPS_H_
