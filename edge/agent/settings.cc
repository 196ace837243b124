#include "edge/agent/settings.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include "absl/strings/str_cat.h"

namespace attune::edge {
namespace {

std::string_view Trim(std::string_view text) {
  const size_t first = text.find_first_not_of(" \t\r");
  if (first == std::string_view::npos) return "";
  return text.substr(first, text.find_last_not_of(" \t\r") - first + 1);
}

absl::Status Errno(const std::string& path) {
  const int error = errno;
  const std::string words = absl::StrCat("cannot read ", path, ": ", std::strerror(error));
  return error == ENOENT ? absl::NotFoundError(words) : absl::FailedPreconditionError(words);
}

}  // namespace

std::string VariableNameOf(std::string_view setting) {
  std::string name = "ATTUNE_";
  for (const char c : setting) {
    name += c == '-' ? '_' : (c >= 'a' && c <= 'z') ? static_cast<char>(c - 'a' + 'A') : c;
  }
  return name;
}

absl::StatusOr<std::vector<Setting>> ParseSettings(const std::string& path, std::string_view text) {
  std::vector<Setting> settings;
  int number = 0;
  while (!text.empty()) {
    const size_t end = text.find('\n');
    const std::string_view line = Trim(text.substr(0, end));
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    const std::string where = absl::StrCat(path, ":", ++number, ": ");
    if (line.empty() || line.front() == '#') continue;
    if (line.front() == '[') {
      if (line != kPersonSection) {
        return absl::InvalidArgumentError(
            absl::StrCat(where, "the only section is ", kPersonSection));
      }
      settings.push_back({kPersonSection, std::nullopt, where});
      continue;
    }
    const size_t equals = line.find('=');
    if (equals == std::string_view::npos) {
      return absl::InvalidArgumentError(
          absl::StrCat(where, "no '=': a line is like server = 127.0.0.1:7400"));
    }
    const std::string name(Trim(line.substr(0, equals)));
    if (name.empty()) return absl::InvalidArgumentError(absl::StrCat(where, "no name before '='"));
    settings.push_back(
        {name, std::string(Trim(line.substr(equals + 1))), absl::StrCat(where, name)});
  }
  return settings;
}

absl::StatusOr<std::string> ReadSmallFile(const std::string& path) {
  // A pipe without a writer must not hold us up.
  const int fd = open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (fd < 0) return Errno(path);
  std::string text;
  char buffer[4096];
  ssize_t got = 0;
  while (text.size() <= kMostSettingsBytes && (got = read(fd, buffer, sizeof(buffer))) > 0) {
    text.append(buffer, static_cast<size_t>(got));
  }
  const absl::Status status = got < 0 ? Errno(path) : absl::OkStatus();
  close(fd);
  if (!status.ok()) return status;
  if (text.size() > kMostSettingsBytes || text.find('\0') != std::string::npos) {
    return absl::InvalidArgumentError(absl::StrCat(path, " is no text file of at most 1 MiB"));
  }
  return text;
}

bool OthersMayRead(const std::string& path) {
  struct stat found = {};
  return stat(path.c_str(), &found) == 0 && S_ISREG(found.st_mode) && (found.st_mode & 077) != 0;
}

}  // namespace attune::edge
