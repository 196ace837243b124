#include "services/base/trace.h"

#include <cstddef>

namespace attune {
namespace {

constexpr size_t kVersion00Length = 55;

bool IsHex(std::string_view text) {
  return text.find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

bool IsZero(std::string_view text) { return text.find_first_not_of('0') == std::string_view::npos; }

std::string RandomHex(RandomSource& random, size_t bytes) {
  constexpr char kDigits[] = "0123456789abcdef";
  std::string hex;
  do {
    hex.clear();
    for (const unsigned char byte : random.Bytes(bytes)) {
      hex += kDigits[byte >> 4];
      hex += kDigits[byte & 15];
    }
  } while (IsZero(hex));
  return hex;
}

}  // namespace

std::optional<TraceContext> ParseTraceparent(std::string_view header) {
  if (header.size() < kVersion00Length) return std::nullopt;
  const std::string_view version = header.substr(0, 2);
  if (!IsHex(version) || version == "ff") return std::nullopt;
  if (header.size() > kVersion00Length && (version == "00" || header[kVersion00Length] != '-')) {
    return std::nullopt;
  }
  const std::string_view trace = header.substr(3, 32), parent = header.substr(36, 16),
                         flags = header.substr(53, 2);
  if (header[2] != '-' || header[35] != '-' || header[52] != '-') return std::nullopt;
  if (!IsHex(trace) || !IsHex(parent) || !IsHex(flags) || IsZero(trace) || IsZero(parent)) {
    return std::nullopt;
  }
  return TraceContext{std::string(trace), std::string(parent), std::string(flags)};
}

std::string NewTraceparent(RandomSource& random, const std::optional<TraceContext>& parent) {
  // A new trace is not sampled: whoever wants it recorded elsewhere says so with a parent.
  return "00-" + (parent ? parent->trace_id : RandomHex(random, 16)) + "-" + RandomHex(random, 8) +
         "-" + (parent ? parent->flags : "00");
}

}  // namespace attune
