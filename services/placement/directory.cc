#include "services/placement/directory.h"

namespace attune::placement {

std::vector<absl::StatusOr<Lease>> Directory::RenewAll(const std::vector<Lease>& leases) {
  std::vector<absl::StatusOr<Lease>> renewed;
  renewed.reserve(leases.size());
  for (const Lease& lease : leases) renewed.push_back(Renew(lease));
  return renewed;
}

absl::StatusOr<std::vector<std::string>> Directory::Orphans(size_t) {
  return std::vector<std::string>();
}

absl::Status Directory::Remind(const std::vector<std::string>&) { return absl::OkStatus(); }

}  // namespace attune::placement
