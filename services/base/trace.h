// Which call belongs to which: W3C Trace Context (https://www.w3.org/TR/trace-context/, level 1),
// header `traceparent`: 00-TRACE_ID-PARENT_ID-FLAGS in lower-case hexadecimal.
#ifndef ATTUNE_SERVICES_BASE_TRACE_H_
#define ATTUNE_SERVICES_BASE_TRACE_H_

#include <optional>
#include <string>
#include <string_view>

#include "services/base/random.h"

namespace attune {

// The header's name, also as gRPC metadata.
inline constexpr char kTraceparent[] = "traceparent";

struct TraceContext {
  std::string trace_id;   // 32 digits, not all 0
  std::string parent_id;  // 16 digits, not all 0
  std::string flags;      // 2 digits
};

// Absent for anything malformed: it is then as if none had been sent (section 3.2.2.5). A version
// that we do not know is read as far as version 00 goes, as section 3.2.4 asks.
std::optional<TraceContext> ParseTraceparent(std::string_view header);

// A header for a new call: within `parent`'s trace, or in one of its own. A trace of its own per
// call tells nothing about who calls.
std::string NewTraceparent(RandomSource& random, const std::optional<TraceContext>& parent);

}  // namespace attune

#endif  // ATTUNE_SERVICES_BASE_TRACE_H_
