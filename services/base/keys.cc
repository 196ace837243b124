#include "services/base/keys.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <set>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "services/base/status_macros.h"

namespace attune {
namespace {

bool IsIdCharacter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
         c == '.' || c == '-';
}

bool IsId(std::string_view id) {
  return !id.empty() && id.size() <= kMaxKeyIdBytes &&
         std::all_of(id.begin(), id.end(), IsIdCharacter);
}

std::vector<std::string_view> Words(std::string_view line) {
  std::vector<std::string_view> words;
  size_t at = 0;
  while (true) {
    at = line.find_first_not_of(" \t\r", at);
    if (at == std::string_view::npos) return words;
    const size_t end = std::min(line.find_first_of(" \t\r", at), line.size());
    words.push_back(line.substr(at, end - at));
    at = end;
  }
}

absl::Status AtLine(size_t line, std::string_view what) {
  return absl::InvalidArgumentError(
      absl::StrCat("keys file, line ", line, ": ", std::string(what)));
}

absl::StatusOr<std::string> SymmetricKey(std::string_view hex, size_t line) {
  const bool digits = std::all_of(hex.begin(), hex.end(), [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
  });
  if (hex.size() != 2 * kSymmetricKeyBytes || !digits) {
    return AtLine(line, absl::StrCat("the key must be ", 2 * kSymmetricKeyBytes,
                                     " hexadecimal digits (", kSymmetricKeyBytes, " bytes)"));
  }
  return absl::HexStringToBytes(std::string(hex));
}

absl::Status AddApi(const std::vector<std::string_view>& words, size_t line, KeyRing& ring) {
  if (words.size() != 3) return AtLine(line, "expected `api ID SECRET`");
  if (!IsId(words[1])) return AtLine(line, "an id has 1..64 of letters, digits, '_', '.', '-'");
  if (words[2].size() < kMinApiSecretBytes || words[2].size() > kMaxApiSecretBytes) {
    return AtLine(line, absl::StrCat("the secret must have ", kMinApiSecretBytes, "..",
                                     kMaxApiSecretBytes, " characters"));
  }
  if (ring.FindApi(words[1]) != nullptr) return AtLine(line, "this api id was given before");
  ring.api.push_back({std::string(words[1]), std::string(words[2])});
  return absl::OkStatus();
}

absl::Status AddKek(const std::vector<std::string_view>& words, size_t line, KeyRing& ring) {
  if (words.size() != 3) return AtLine(line, "expected `kek ID HEX`");
  if (!IsId(words[1])) return AtLine(line, "an id has 1..64 of letters, digits, '_', '.', '-'");
  for (const WrappingKey& known : ring.kek) {
    if (known.id == words[1]) return AtLine(line, "this kek id was given before");
  }
  ATTUNE_ASSIGN_OR_RETURN(std::string bytes, SymmetricKey(words[2], line));
  ring.kek.push_back({std::string(words[1]), std::move(bytes)});
  return absl::OkStatus();
}

absl::Status AddTicket(const std::vector<std::string_view>& words, size_t line, KeyRing& ring) {
  if (words.size() != 2) return AtLine(line, "expected `ticket HEX`");
  if (!ring.ticket.empty()) return AtLine(line, "the ticket key was given before");
  ATTUNE_ASSIGN_OR_RETURN(ring.ticket, SymmetricKey(words[1], line));
  return absl::OkStatus();
}

// Closes the descriptor at the end of the scope.
struct File {
  int fd;
  ~File() {
    if (fd >= 0) close(fd);
  }
};

absl::Status WriteAll(int fd, std::string_view text, const std::string& path) {
  while (!text.empty()) {
    const ssize_t wrote = write(fd, text.data(), text.size());
    if (wrote < 0) {
      if (errno == EINTR) continue;
      return absl::UnavailableError(
          absl::StrCat("cannot write ", path, ": ", std::strerror(errno)));
    }
    text.remove_prefix(static_cast<size_t>(wrote));
  }
  if (fsync(fd) != 0) {
    return absl::UnavailableError(absl::StrCat("cannot write ", path, ": ", std::strerror(errno)));
  }
  return absl::OkStatus();
}

}  // namespace

const ApiKey* KeyRing::FindApi(std::string_view id) const {
  for (const ApiKey& key : api) {
    if (key.id == id) return &key;
  }
  return nullptr;
}

absl::StatusOr<KeyRing> ParseKeys(std::string_view text) {
  if (text.size() > kMaxKeysFileBytes) {
    return absl::InvalidArgumentError(
        absl::StrCat("keys file: larger than ", kMaxKeysFileBytes, " bytes"));
  }
  KeyRing ring;
  size_t line = 0;
  while (!text.empty()) {
    ++line;
    const size_t end = std::min(text.find('\n'), text.size());
    const std::vector<std::string_view> words = Words(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
    if (words.empty() || words[0].front() == '#') continue;
    if (words[0] == "api") {
      ATTUNE_RETURN_IF_ERROR(AddApi(words, line, ring));
    } else if (words[0] == "kek") {
      ATTUNE_RETURN_IF_ERROR(AddKek(words, line, ring));
    } else if (words[0] == "ticket") {
      ATTUNE_RETURN_IF_ERROR(AddTicket(words, line, ring));
    } else {
      return AtLine(line, "begins with none of `api`, `kek`, `ticket`, `#`");
    }
  }
  if (ring.api.empty()) return absl::InvalidArgumentError("keys file: no `api ID SECRET` line");
  if (ring.kek.empty()) return absl::InvalidArgumentError("keys file: no `kek ID HEX` line");
  if (ring.ticket.empty()) return absl::InvalidArgumentError("keys file: no `ticket HEX` line");
  return ring;
}

absl::StatusOr<KeyRing> LoadKeysFile(const std::string& path) {
  const File file{open(path.c_str(), O_RDONLY | O_CLOEXEC)};
  if (file.fd < 0) {
    const std::string why =
        absl::StrCat("cannot open the keys file ", path, ": ", std::strerror(errno));
    return errno == ENOENT ? absl::NotFoundError(why) : absl::UnavailableError(why);
  }
  struct stat about;
  if (fstat(file.fd, &about) != 0 || !S_ISREG(about.st_mode)) {
    return absl::FailedPreconditionError(absl::StrCat(path, " is not a regular file"));
  }
  if ((about.st_mode & 077) != 0) {
    return absl::FailedPreconditionError(
        absl::StrCat("others may read the keys file ", path, ": run `chmod 600 ", path, "`"));
  }
  std::string text(kMaxKeysFileBytes + 1, '\0');
  size_t size = 0;
  while (size < text.size()) {
    const ssize_t got = read(file.fd, text.data() + size, text.size() - size);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) {
      return absl::UnavailableError(absl::StrCat("cannot read ", path, ": ", std::strerror(errno)));
    }
    if (got == 0) break;
    size += static_cast<size_t>(got);
  }
  text.resize(size);
  return ParseKeys(text);
}

absl::Status CreateKeysFile(const std::string& path, RandomSource& random) {
  const auto hex = [&] { return absl::BytesToHexString(random.Bytes(kSymmetricKeyBytes)); };
  const std::string id = absl::BytesToHexString(random.Bytes(4));
  const std::string text = absl::StrCat(
      "# Secrets of this Attune installation. Keep this file: without the kek, stored sessions\n"
      "# cannot be read. To rotate, add a new line before the old one.\n"
      "api api-",
      id, " ", hex(), "\nkek kek-", id, " ", hex(), "\nticket ", hex(), "\n");
  // A temporary file and link(2): never a half-written file, never overwriting.
  const std::string temporary = absl::StrCat(path, ".", absl::BytesToHexString(random.Bytes(8)));
  {
    const File file{open(temporary.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600)};
    if (file.fd < 0) {
      return absl::UnavailableError(
          absl::StrCat("cannot create the keys file ", path, ": ", std::strerror(errno)));
    }
    if (absl::Status status = WriteAll(file.fd, text, path); !status.ok()) {
      unlink(temporary.c_str());
      return status;
    }
  }
  const int linked = link(temporary.c_str(), path.c_str());
  const int why = errno;
  unlink(temporary.c_str());
  if (linked == 0) return absl::OkStatus();
  if (why == EEXIST)
    return absl::AlreadyExistsError(absl::StrCat(path, " exists; it is not touched"));
  return absl::UnavailableError(absl::StrCat("cannot create ", path, ": ", std::strerror(why)));
}

}  // namespace attune
