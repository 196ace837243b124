#include "absl/strings/str_cat.h"
#include "services/journal/journal.h"

namespace attune::journal {

std::string_view TierName(Tier tier) {
  switch (tier) {
    case Tier::kProcess:
      return "process";
    case Tier::kFsync:
      return "fsync";
    case Tier::kRedis:
      return "redis";
    case Tier::kRedisWait:
      return "redis-wait";
  }
  return "process";
}

absl::StatusOr<Tier> ParseTier(std::string_view name) {
  for (const Tier tier : {Tier::kProcess, Tier::kFsync, Tier::kRedis, Tier::kRedisWait}) {
    if (name == TierName(tier)) return tier;
  }
  return absl::InvalidArgumentError(absl::StrCat(
      "unknown durability tier \"", std::string(name),
      "\": use \"process\" or \"fsync\", with a cluster \"redis\" or ", "\"redis-wait\""));
}

}  // namespace attune::journal
