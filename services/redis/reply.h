// What Redis answers (RESP2), as a value.
#ifndef ATTUNE_SERVICES_REDIS_REPLY_H_
#define ATTUNE_SERVICES_REDIS_REPLY_H_

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace attune::redis {

struct Reply {
  enum class Kind { kNil, kText, kInteger, kArray, kError };
  Kind kind = Kind::kNil;
  std::string text;  // of kText (strings and statuses alike) and kError
  int64_t integer = 0;
  std::vector<Reply> elements;

  bool nil() const { return kind == Kind::kNil; }
  bool error() const { return kind == Kind::kError; }
  // The first word of an error: "FENCED", "NOSCRIPT" ...; empty when it is none.
  std::string_view error_code() const {
    if (!error()) return {};
    return std::string_view(text).substr(0, text.find(' '));
  }
};

}  // namespace attune::redis

#endif  // ATTUNE_SERVICES_REDIS_REPLY_H_
