#include <algorithm>

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "services/placement/nodes.h"

namespace attune::placement {
namespace {

constexpr size_t kMostIdBytes = 64;
constexpr size_t kMostTextBytes = 256;
constexpr size_t kIncarnationBytes = 8;

bool IdLetter(char c) {
  return absl::ascii_isalnum(static_cast<unsigned char>(c)) || c == '.' || c == '_' || c == '-';
}

}  // namespace

std::string NewIncarnation(const std::string& node_id, RandomSource& random) {
  return absl::StrCat(node_id, "#", absl::BytesToHexString(random.Bytes(kIncarnationBytes)));
}

absl::Status CheckNodeRecord(const NodeRecord& record) {
  if (record.node_id.empty() || record.node_id.size() > kMostIdBytes ||
      !std::all_of(record.node_id.begin(), record.node_id.end(), IdLetter)) {
    return absl::InvalidArgumentError(
        "the id of a node must be 1 to 64 letters, digits, '.', '_' or '-'");
  }
  if (!record.incarnation.starts_with(record.node_id + "#") ||
      record.incarnation.size() == record.node_id.size() + 1) {
    return absl::InvalidArgumentError("an incarnation is node_id#random");
  }
  if (record.address.empty()) {
    return absl::InvalidArgumentError("a node must say where it is reached");
  }
  for (const std::string* text : {&record.incarnation, &record.address, &record.http_address,
                                  &record.engine_version, &record.build}) {
    if (text->size() > kMostTextBytes) {
      return absl::InvalidArgumentError("what a node says of itself is too long");
    }
  }
  if (record.load < 0 || record.capacity < 0 || record.sessions < 0) {
    return absl::InvalidArgumentError("counts of a node must not be negative");
  }
  return absl::OkStatus();
}

}  // namespace attune::placement
