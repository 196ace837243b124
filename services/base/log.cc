#include "services/base/log.h"

#include <unistd.h>

#include <cmath>
#include <cstdio>

namespace attune {
namespace {

// Length of the valid UTF-8 sequence at the start of `text`, 0 when there is none.
size_t Utf8Length(std::string_view text) {
  const auto byte = [&](size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned char lead = byte(0);
  size_t length = lead < 0x80                   ? 1
                  : lead >= 0xc2 && lead < 0xe0 ? 2
                  : (lead & 0xf0) == 0xe0       ? 3
                  : lead >= 0xf0 && lead < 0xf5 ? 4
                                                : 0;
  if (length == 0 || length > text.size()) return 0;
  for (size_t i = 1; i < length; ++i) {
    if ((byte(i) & 0xc0) != 0x80) return 0;
  }
  if (lead == 0xe0 && byte(1) < 0xa0) return 0;  // overlong
  if (lead == 0xed && byte(1) > 0x9f) return 0;  // surrogate
  if ((lead == 0xf0 && byte(1) < 0x90) || (lead == 0xf4 && byte(1) > 0x8f)) return 0;
  return length;
}

const char* Name(Severity severity) {
  switch (severity) {
    case Severity::kDebug:
      return "debug";
    case Severity::kInfo:
      return "info";
    case Severity::kWarning:
      return "warning";
    case Severity::kError:
      return "error";
  }
  return "unknown";
}

}  // namespace

std::string JsonQuote(std::string_view text) {
  std::string out = "\"";
  while (!text.empty()) {
    const char c = text.front();
    const size_t length = Utf8Length(text);
    if (length == 0) {
      out += "\\ufffd";
      text.remove_prefix(1);
      continue;
    }
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (static_cast<unsigned char>(c) < 0x20) {
      char escape[8];
      std::snprintf(escape, sizeof escape, "\\u%04x", c);
      out += escape;
    } else {
      out += text.substr(0, length);
    }
    text.remove_prefix(length);
  }
  return out += '"';
}

LogField::LogField(std::string_view k, std::string_view text) : key(k), json(JsonQuote(text)) {}

LogField::LogField(std::string_view k, double value) : key(k) {
  if (!std::isfinite(value)) {
    json = "null";
    return;
  }
  char text[32];
  std::snprintf(text, sizeof text, "%.9g", value);
  json = text;
}

void Logger::Write(Severity severity, std::string_view event,
                   std::initializer_list<LogField> fields) const {
  if (severity < least_) return;
  std::string line = "{\"utc_us\":" + std::to_string(clock_.UtcMicros()) + ",\"severity\":\"" +
                     Name(severity) + "\",\"event\":" + JsonQuote(event);
  for (const LogField& field : fields) {
    line += ',';
    line += JsonQuote(field.key);
    line += ':';
    line += field.json;
  }
  line += "}\n";
  // A log line that cannot be written has nowhere to be reported.
  [[maybe_unused]] const ssize_t written = ::write(fd_, line.data(), line.size());
}

}  // namespace attune
