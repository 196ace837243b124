#include "edge/agent/held_log.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include <cstring>
#include <fstream>
#include <utility>

namespace attune::edge {
namespace {

constexpr char kMagic[8] = {'A', 'T', 'H', 'E', 'L', 'D', '1', '\n'};
constexpr size_t kBootIdBytes = 36;
constexpr size_t kHeaderBytes = 56;  // magic, boot id, next number, CRC
constexpr size_t kRecordBytes = 20;  // interval, gap, arrival, CRC

uint32_t Crc(const char* bytes, size_t count) {
  return static_cast<uint32_t>(
      crc32(0, reinterpret_cast<const Bytef*>(bytes), static_cast<uInt>(count)));
}

template <typename T>
void Put(char* at, T value) {
  std::memcpy(at, &value, sizeof value);
}
template <typename T>
T Get(const char* at) {
  T value;
  std::memcpy(&value, at, sizeof value);
  return value;
}

}  // namespace

std::string KernelBootId() {
  std::ifstream file("/proc/sys/kernel/random/boot_id");
  std::string id;
  std::getline(file, id);
  return id.size() == kBootIdBytes ? id : "";
}

HeldLog::HeldLog(std::string path, std::string kernel_boot_id)
    : path_(std::move(path)), boot_id_(std::move(kernel_boot_id)) {
  if (boot_id_.size() != kBootIdBytes) return;
  fd_ = open(path_.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, S_IRUSR | S_IWUSR);
}

HeldLog::~HeldLog() {
  if (fd_ >= 0) close(fd_);
}

std::vector<SourceBeat> HeldLog::TakeLeft(uint64_t spool_next_seq) {
  std::vector<SourceBeat> beats;
  if (fd_ < 0) return beats;
  std::string bytes(kHeaderBytes + kMost * kRecordBytes, '\0');
  const ssize_t got = pread(fd_, bytes.data(), bytes.size(), 0);
  const auto size = static_cast<size_t>(got > 0 ? got : 0);
  const char* header = bytes.data();
  const bool mine = size >= kHeaderBytes && std::memcmp(header, kMagic, sizeof kMagic) == 0 &&
                    Get<uint32_t>(header + kHeaderBytes - 4) == Crc(header, kHeaderBytes - 4) &&
                    boot_id_.compare(0, kBootIdBytes, header + 8, kBootIdBytes) == 0 &&
                    Get<uint64_t>(header + 44) == spool_next_seq;
  for (size_t at = kHeaderBytes; mine && at + kRecordBytes <= size; at += kRecordBytes) {
    const char* record = bytes.data() + at;
    // A torn end, or damage: what comes after cannot be trusted to follow.
    if (Get<uint32_t>(record + 16) != Crc(record, 16)) break;
    SourceBeat beat;
    beat.rr_1024 = Get<uint32_t>(record) & 0xffff;
    beat.gap_before = Get<uint32_t>(record + 4) != 0;
    beat.time_us = Get<int64_t>(record + 8);
    if (beat.rr_1024 < kLeastRr1024) break;
    beats.push_back(beat);
  }
  base_ = spool_next_seq;
  end_ = kHeaderBytes + beats.size() * kRecordBytes;
  if (beats.empty()) {
    end_ = 0;
    Clear(spool_next_seq);
  }
  return beats;
}

bool HeldLog::WriteHeader(uint64_t spool_next_seq) {
  char header[kHeaderBytes] = {};
  std::memcpy(header, kMagic, sizeof kMagic);
  std::memcpy(header + 8, boot_id_.data(), kBootIdBytes);
  Put(header + 44, spool_next_seq);
  Put(header + kHeaderBytes - 4, Crc(header, kHeaderBytes - 4));
  return pwrite(fd_, header, kHeaderBytes, 0) == static_cast<ssize_t>(kHeaderBytes);
}

void HeldLog::Append(const SourceBeat& beat, uint64_t spool_next_seq) {
  if (end_ <= kHeaderBytes && base_ != spool_next_seq) {
    end_ = 0;
    Clear(spool_next_seq);
  }
  if (fd_ < 0 || end_ < kHeaderBytes || end_ >= kHeaderBytes + kMost * kRecordBytes) return;
  char record[kRecordBytes];
  Put(record, beat.rr_1024);
  Put(record + 4, uint32_t{beat.gap_before});
  Put(record + 8, beat.time_us);
  Put(record + 16, Crc(record, 16));
  if (pwrite(fd_, record, kRecordBytes, static_cast<off_t>(end_)) ==
      static_cast<ssize_t>(kRecordBytes)) {
    end_ += kRecordBytes;
  }
}

void HeldLog::Clear(uint64_t spool_next_seq) {
  if (fd_ < 0 || end_ == kHeaderBytes) return;
  // The records go first: with the old number or the new one, none of them is found again.
  const bool cleared = ftruncate(fd_, 0) == 0 && WriteHeader(spool_next_seq);
  end_ = cleared ? kHeaderBytes : 0;
  base_ = spool_next_seq;
}

void HeldLog::Remove() {
  if (fd_ < 0) return;
  unlink(path_.c_str());
  close(fd_);
  fd_ = -1;
}

}  // namespace attune::edge
