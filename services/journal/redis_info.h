// Fields of Redis's INFO.
#ifndef ATTUNE_SERVICES_JOURNAL_REDIS_INFO_H_
#define ATTUNE_SERVICES_JOURNAL_REDIS_INFO_H_

#include <algorithm>
#include <cstddef>
#include <string>
#include <string_view>

namespace attune::journal {

// The value of the line "name:value"; empty: no such line.
inline std::string InfoField(std::string_view info, std::string_view name) {
  size_t at = 0;
  while (at < info.size()) {
    const size_t end = std::min(info.find("\r\n", at), info.size());
    const std::string_view line = info.substr(at, end - at);
    if (line.size() > name.size() && line.substr(0, name.size()) == name &&
        line[name.size()] == ':') {
      return std::string(line.substr(name.size() + 1));
    }
    at = end + 2;
  }
  return "";
}

}  // namespace attune::journal

#endif  // ATTUNE_SERVICES_JOURNAL_REDIS_INFO_H_
