#include "edge/agent/spool.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <system_error>
#include <utility>

#include "absl/strings/str_cat.h"
#include "services/base/status_macros.h"

namespace attune::edge {
namespace {

absl::Status Errno(std::string_view what, const std::string& path) {
  return absl::ErrnoToStatus(errno, absl::StrCat(std::string(what), " ", path));
}

absl::StatusOr<std::string> ReadAll(int fd, const std::string& path) {
  struct stat info = {};
  if (fstat(fd, &info) != 0) return Errno("cannot look at", path);
  std::string bytes(static_cast<size_t>(info.st_size), '\0');
  size_t got = 0;
  while (got < bytes.size()) {
    const ssize_t n = pread(fd, bytes.data() + got, bytes.size() - got, static_cast<off_t>(got));
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return Errno("cannot read", path);
    if (n == 0) break;
    got += static_cast<size_t>(n);
  }
  bytes.resize(got);
  return bytes;
}

// As far as the file system can.
void SyncFolder(const std::string& path, const std::function<int(int)>& sync) {
  const std::string folder = std::filesystem::path(path).parent_path().string();
  const int fd = open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) return;
  sync(fd);
  close(fd);
}

}  // namespace

Spool::Spool(std::string path, int fd, Options options)
    : path_(std::move(path)), fd_(fd), options_(std::move(options)) {
  if (!options_.write) options_.write = pwrite;
  if (!options_.sync) options_.sync = fdatasync;
}

Spool::~Spool() {
  if (fd_ < 0) return;
  Flush();
  close(fd_);
}

absl::StatusOr<std::unique_ptr<Spool>> Spool::Open(const std::string& path,
                                                   const std::string& session_id,
                                                   uint32_t participant, RandomSource& random,
                                                   Options options) {
  const std::filesystem::path folder = std::filesystem::path(path).parent_path();
  std::error_code error;
  std::filesystem::create_directories(folder, error);
  if (error) {
    return absl::FailedPreconditionError(absl::StrCat("cannot make ", folder.string(), ": ",
                                                      error.message(), "; give another --spool"));
  }
  chmod(folder.c_str(), 0700);
  const int fd = open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (fd < 0) return Errno("cannot open", path);
  std::unique_ptr<Spool> spool(new Spool(path, fd, std::move(options)));
  if (flock(fd, LOCK_EX | LOCK_NB) != 0) {
    close(std::exchange(spool->fd_, -1));
    return absl::FailedPreconditionError(absl::StrCat(
        "another agent is using ", path, ": stop it, or give this one another --spool"));
  }
  const absl::Status loaded = spool->Load(session_id, participant, random);
  if (!loaded.ok()) {
    close(std::exchange(spool->fd_, -1));
    return loaded;
  }
  return spool;
}

absl::Status Spool::Load(const std::string& session_id, uint32_t participant,
                         RandomSource& random) {
  ATTUNE_ASSIGN_OR_RETURN(const std::string bytes, ReadAll(fd_, path_));
  std::optional<SpoolHeader> header = DecodeHeader(bytes);
  if (header && (header->session_id != session_id || header->participant != participant)) {
    return absl::FailedPreconditionError(
        absl::StrCat(path_, " belongs to another session or person: give another --spool"));
  }
  if (header) {
    header_ = *std::move(header);
    LoadRecords(std::string_view(bytes).substr(kSpoolBlockBytes));
    return absl::OkStatus();
  }
  if (bytes.size() > kSpoolBlockBytes) {
    // There were records once. Keep them for whoever can read them; the numbers begin anew.
    ++damaged_;
    const std::string aside = path_ + ".damaged";
    const int copy = open(aside.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (copy < 0 || write(copy, bytes.data(), bytes.size()) != static_cast<ssize_t>(bytes.size())) {
      if (copy >= 0) close(copy);
      return Errno("cannot set the damaged spool aside as", aside);
    }
    close(copy);
  }
  torn_bytes_ = bytes.size();
  if (ftruncate(fd_, 0) != 0) return Errno("cannot write", path_);
  header_.boot_id = random.Bytes(kBootIdBytes);
  header_.session_id = session_id;
  header_.participant = participant;
  file_end_ = kSpoolBlockBytes;
  WriteHeader();
  Flush();
  SyncFolder(path_, options_.sync);  // the file's name must survive a loss of power, too
  return absl::OkStatus();
}

void Spool::LoadRecords(std::string_view bytes) {
  static const std::string kHole(kSpoolRecordBytes, '\0');
  const size_t slots = bytes.size() / kSpoolRecordBytes;
  size_t good_slots = 0;        // up to and including the last good one
  uint64_t damaged_before = 0;  // seen so far; counts only when a good one follows
  bool first = true;
  for (size_t slot = 0; slot < slots; ++slot) {
    const std::string_view one = bytes.substr(slot * kSpoolRecordBytes, kSpoolRecordBytes);
    if (one == kHole) {
      // Blocks are given back from the front only: later it is data that a power cut lost.
      damaged_before += first ? 0 : 1;
      continue;
    }
    const std::optional<SpoolRecord> record = DecodeRecord(one);
    // A number that is far ahead would make us hold everything between.
    if (!record ||
        (!first && (record->seq < next_seq() || record->seq - next_seq() > options_.most_beats))) {
      ++damaged_before;
      continue;
    }
    damaged_ += std::exchange(damaged_before, 0);
    if (first) {
      base_seq_ = record->seq;
      first = false;
    }
    while (next_seq() < record->seq) {
      entries_.emplace_back();
    }
    entries_.push_back({record->beat, record->position, true});
    // A file system that takes no blocks back leaves more than is held.
    while (entries_.size() > 2 * options_.most_beats) {
      entries_.pop_front();
      ++base_seq_;
    }
    last_position_ = std::max(last_position_, record->position);
    last_time_us_ = record->beat.time_session_us;
    good_slots = slot + 1;
    const uint64_t block_end =
        kSpoolBlockBytes + (slot * kSpoolRecordBytes / kSpoolBlockBytes + 1) * kSpoolBlockBytes;
    if (blocks_.empty() || blocks_.back().first != block_end) blocks_.emplace_back(block_end, 0);
    blocks_.back().second = record->seq;
  }
  lost_ += damaged_;
  file_end_ = kSpoolBlockBytes + good_slots * kSpoolRecordBytes;
  torn_bytes_ = kSpoolBlockBytes + bytes.size() - file_end_;
  if (torn_bytes_ > 0 && ftruncate(fd_, static_cast<off_t>(file_end_)) != 0) {
    trouble_ = absl::StrCat("cannot cut the torn end of ", path_, ": ", std::strerror(errno));
  }
  written_seq_ = next_seq() - 1;
}

uint64_t Spool::oldest_retained_seq() const {
  for (size_t i = 0; i < entries_.size(); ++i) {
    if (entries_[i].present) return base_seq_ + i;
  }
  return next_seq();
}

std::optional<StampedBeat> Spool::Get(uint64_t seq) const {
  if (seq < base_seq_ || seq >= next_seq()) return std::nullopt;
  const Entry& entry = entries_[seq - base_seq_];
  return entry.present ? std::optional(entry.beat) : std::nullopt;
}

void Spool::NoteDurable(uint64_t seq) { durable_seq_ = std::max(durable_seq_, seq); }

void Spool::NoteKnown(uint64_t seq) {
  if (!options_.skip_known || seq < next_seq()) return;
  // Nothing between is ours any more.
  entries_.clear();
  base_seq_ = seq + 1;
  written_seq_ = seq;
}

void Spool::Append(const StampedBeat& beat, uint64_t position) {
  entries_.push_back({beat, position, true});
  last_position_ = std::max(last_position_, position);
  last_time_us_ = beat.time_session_us;
  WritePending();
  if (entries_.size() > options_.most_beats) Evict();
}

void Spool::WritePending() {
  if (fd_ < 0) return;
  if (header_due_ && !WriteHeader()) return;
  bool made_room = false;
  while (written_seq_ + 1 < next_seq()) {
    const uint64_t seq = std::max(written_seq_ + 1, base_seq_);
    const Entry& entry = entries_[seq - base_seq_];
    if (entry.present && !WriteAt(EncodeRecord({seq, entry.position, entry.beat}), file_end_)) {
      if (made_room) return;
      made_room = true;
      MakeRoom();
      continue;
    }
    if (entry.present) {
      const uint64_t block_end = (file_end_ / kSpoolBlockBytes + 1) * kSpoolBlockBytes;
      if (blocks_.empty() || blocks_.back().first != block_end)
        blocks_.emplace_back(block_end, seq);
      blocks_.back().second = seq;
      file_end_ += kSpoolRecordBytes;
      dirty_ = true;
    }
    written_seq_ = seq;
  }
  trouble_.clear();
}

bool Spool::WriteAt(std::string_view bytes, uint64_t at) {
  while (!bytes.empty()) {
    const ssize_t n = options_.write(fd_, bytes.data(), bytes.size(), static_cast<off_t>(at));
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) {
      trouble_ = absl::StrCat("cannot write ", path_, " (", std::strerror(n < 0 ? errno : ENOSPC),
                              "): beats are kept in memory only; make room on the disk");
      return false;
    }
    bytes.remove_prefix(static_cast<size_t>(n));
    at += static_cast<uint64_t>(n);
  }
  return true;
}

bool Spool::WriteHeader() {
  header_due_ = !WriteAt(EncodeHeader(header_), 0);
  dirty_ = true;
  return !header_due_;
}

void Spool::SetStart(int64_t start_session_us, uint64_t source_hash) {
  header_.start_session_us = start_session_us;
  header_.source_hash = source_hash;
  if (fd_ >= 0) WriteHeader();
}

void Spool::MakeRoom() {
  // Whole blocks of beats that a journal has (or that were evicted), oldest first; the last block
  // stays, because it says which number is next.
  uint64_t until = given_back_;
  while (blocks_.size() > 1 && blocks_.front().second <= std::max(durable_seq_, base_seq_ - 1)) {
    until = blocks_.front().first;
    blocks_.pop_front();
  }
  if (until <= given_back_) return;
  fallocate(fd_, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, static_cast<off_t>(given_back_),
            static_cast<off_t>(until - given_back_));
  given_back_ = until;
}

void Spool::Evict() {
  constexpr uint64_t kGiveBackEvery = 4096;
  const Entry& oldest = entries_.front();
  if (oldest.present && base_seq_ > durable_seq_) ++lost_;
  entries_.pop_front();
  ++base_seq_;
  written_seq_ = std::max(written_seq_, base_seq_ - 1);
  if (base_seq_ % kGiveBackEvery == 0 && fd_ >= 0) MakeRoom();
}

void Spool::Sync(int64_t now_us) {
  if (synced_us_ != INT64_MIN && now_us - synced_us_ < kSyncEveryUs) return;
  synced_us_ = now_us;
  Flush();
}

void Spool::Flush() {
  if (fd_ < 0) return;
  WritePending();
  if (!dirty_) return;
  if (options_.sync(fd_) == 0) {
    dirty_ = false;
  } else {
    trouble_ = absl::StrCat("cannot sync ", path_, ": ", std::strerror(errno));
  }
}

void Spool::Remove() {
  if (fd_ < 0) return;
  unlink(path_.c_str());
  close(std::exchange(fd_, -1));
  trouble_.clear();
}

}  // namespace attune::edge
