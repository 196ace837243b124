#include "edge/agent/join_slot.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <system_error>
#include <utility>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "edge/agent/spool_format.h"

namespace attune::edge {
namespace {

constexpr size_t kRequestIdBytes = 16;

bool IsRequestId(const std::string& text) {
  return text.size() == 2 * kRequestIdBytes &&
         text.find_first_not_of("0123456789abcdef") == std::string::npos;
}

}  // namespace

absl::Status WriteWhole(const std::string& path, const std::string& bytes) {
  const std::string draft = path + ".new";
  const int fd = open(draft.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  if (fd < 0) return absl::ErrnoToStatus(errno, absl::StrCat("cannot write ", draft));
  const bool good =
      write(fd, bytes.data(), bytes.size()) == static_cast<ssize_t>(bytes.size()) && fsync(fd) == 0;
  const int error = errno;
  close(fd);
  if (!good || rename(draft.c_str(), path.c_str()) != 0) {
    return absl::ErrnoToStatus(good ? errno : error, absl::StrCat("cannot write ", path));
  }
  return absl::OkStatus();
}

std::string ReadWhole(const std::string& path) {
  std::ostringstream bytes;
  bytes << std::ifstream(path, std::ios::binary).rdbuf();
  return bytes.str();
}

absl::StatusOr<std::unique_ptr<JoinSlot>> JoinSlot::Open(const std::string& folder,
                                                         const std::string& key,
                                                         RandomSource& random) {
  std::error_code error;
  std::filesystem::create_directories(folder, error);
  if (error) {
    return absl::FailedPreconditionError(
        absl::StrCat("cannot make ", folder, ": ", error.message(), "; give another --spool"));
  }
  chmod(folder.c_str(), 0700);
  const std::string path = absl::StrCat(folder, "/join-", absl::Hex(Fnv1a(key), absl::kZeroPad16));
  const std::string lock = path + ".lock";
  const int fd = open(lock.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (fd < 0) return absl::ErrnoToStatus(errno, absl::StrCat("cannot open ", lock));
  std::unique_ptr<JoinSlot> slot(new JoinSlot(path, fd));
  if (flock(fd, LOCK_EX | LOCK_NB) != 0) {
    return absl::FailedPreconditionError(
        absl::StrCat("another agent is this person already (", folder,
                     "): stop it, or give another --name or --spool"));
  }
  slot->request_id_ = ReadWhole(path);
  if (!IsRequestId(slot->request_id_)) {
    slot->request_id_ = absl::BytesToHexString(random.Bytes(kRequestIdBytes));
    const absl::Status written = WriteWhole(path, slot->request_id_);
    if (!written.ok()) return written;
  }
  return slot;
}

JoinSlot::~JoinSlot() { close(fd_); }

void JoinSlot::Remove() {
  unlink(path_.c_str());
  unlink((path_ + ".lock").c_str());
}

}  // namespace attune::edge
