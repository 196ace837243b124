// Operational log: one JSON object a line. Never a physiological value, a name, a token or an
// alias.
//
//   log.Write(Severity::kInfo, "session_recovered", {{"records", records}, {"took_ms", ms}});
#ifndef ATTUNE_SERVICES_BASE_LOG_H_
#define ATTUNE_SERVICES_BASE_LOG_H_

#include <concepts>
#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>

#include "services/base/clock.h"

namespace attune {

enum class Severity { kDebug, kInfo, kWarning, kError };

struct LogField {
  LogField(std::string_view k, std::string_view text);
  LogField(std::string_view k, const char* text) : LogField(k, std::string_view(text)) {}
  LogField(std::string_view k, const std::string& text) : LogField(k, std::string_view(text)) {}
  LogField(std::string_view k, bool value) : key(k), json(value ? "true" : "false") {}
  LogField(std::string_view k, std::integral auto value) : key(k), json(std::to_string(value)) {}
  LogField(std::string_view k, double value);
  std::string_view key;
  std::string json;  // already a JSON value
};

// Thread-safe: a line is one write(2).
class Logger {
 public:
  // `clock` must outlive the logger. Lines go to `fd`, which is not closed.
  Logger(const Clock& clock, int fd, Severity least = Severity::kInfo)
      : clock_(clock), fd_(fd), least_(least) {}
  bool Writes(Severity severity) const { return severity >= least_; }
  void Write(Severity severity, std::string_view event,
             std::initializer_list<LogField> fields = {}) const;

 private:
  const Clock& clock_;
  int fd_;
  Severity least_;
};

// `text` as a JSON string with its quotes; bytes that are not valid UTF-8 become U+FFFD.
std::string JsonQuote(std::string_view text);

}  // namespace attune

#endif  // ATTUNE_SERVICES_BASE_LOG_H_
