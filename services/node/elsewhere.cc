#include "services/node/elsewhere.h"

#include <utility>

#include "absl/strings/cord.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"

namespace attune::node {
namespace {

constexpr char kPayload[] = "attune/elsewhere";

}  // namespace

absl::Status ElsewhereStatus(const Elsewhere& where) {
  absl::Status status =
      absl::FailedPreconditionError(absl::StrCat("the session is owned by ", where.address));
  status.SetPayload(kPayload, absl::Cord(absl::StrCat(where.epoch, " ", where.address)));
  return status;
}

std::optional<Elsewhere> IsElsewhere(const absl::Status& status) {
  const auto payload = status.GetPayload(kPayload);
  if (!payload) return std::nullopt;
  const std::string text(*payload);
  const size_t space = text.find(' ');
  Elsewhere where;
  if (space == std::string::npos || !absl::SimpleAtoi(text.substr(0, space), &where.epoch)) {
    return std::nullopt;
  }
  where.address = text.substr(space + 1);
  return where;
}

}  // namespace attune::node
