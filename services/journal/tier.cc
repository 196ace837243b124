#include "absl/strings/str_cat.h"
#include "services/journal/journal.h"

namespace attune::journal {

std::string_view TierName(Tier tier) { return tier == Tier::kProcess ? "process" : "fsync"; }

absl::StatusOr<Tier> ParseTier(std::string_view name) {
  if (name == "process") return Tier::kProcess;
  if (name == "fsync") return Tier::kFsync;
  return absl::InvalidArgumentError(absl::StrCat("unknown durability tier \"", std::string(name),
                                                 "\": use \"process\" or \"fsync\""));
}

}  // namespace attune::journal
