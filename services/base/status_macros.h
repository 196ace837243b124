// Early return on absl::Status, the only error channel between modules.
//
//   ATTUNE_RETURN_IF_ERROR(journal.Append(...));
//   ATTUNE_ASSIGN_OR_RETURN(auto token, ParseToken(text));
#ifndef ATTUNE_SERVICES_BASE_STATUS_MACROS_H_
#define ATTUNE_SERVICES_BASE_STATUS_MACROS_H_

#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

#define ATTUNE_RETURN_IF_ERROR(expr)                                                      \
  do {                                                                                    \
    if (::absl::Status attune_status = (expr); !attune_status.ok()) return attune_status; \
  } while (false)

#define ATTUNE_CONCAT_INNER(a, b) a##b
#define ATTUNE_CONCAT(a, b) ATTUNE_CONCAT_INNER(a, b)
#define ATTUNE_ASSIGN_OR_RETURN(lhs, expr) \
  ATTUNE_ASSIGN_OR_RETURN_IMPL(ATTUNE_CONCAT(attune_status_or_, __LINE__), lhs, expr)
#define ATTUNE_ASSIGN_OR_RETURN_IMPL(var, lhs, expr) \
  auto var = (expr);                                 \
  if (!var.ok()) return std::move(var).status();     \
  lhs = std::move(var).value()

#endif  // ATTUNE_SERVICES_BASE_STATUS_MACROS_H_
