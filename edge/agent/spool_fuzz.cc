// Any file whatsoever opened as a spool: an error or a spool that keeps its word, and that reads
// the same after it was closed.
//
// The first byte says how much of the rest is made to look right: the header, the checksums of the
// records, their numbers. By itself a test over a fixed random corpus. With libFuzzer: compile
// without spool_fuzz_main.cc.
#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>

#include "edge/agent/spool.h"
#include "services/base/random.h"

namespace attune::edge {
namespace {

void Must(bool holds, const char* what) {
  if (holds) return;
  std::fprintf(stderr, "not so: %s\n", what);
  std::abort();
}

std::string Path() {
  const char* folder = std::getenv("TEST_TMPDIR");
  return std::string(folder == nullptr ? "." : folder) + "/fuzz/" + std::to_string(getpid()) +
         ".spool";
}

void PutFile(const std::string& path, const std::string& bytes) {
  const int fd = open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  Must(fd >= 0, "the file can be made");
  Must(write(fd, bytes.data(), bytes.size()) == static_cast<ssize_t>(bytes.size()), "written");
  close(fd);
}

// Fixes what the first byte says.
std::string FileFrom(const uint8_t* data, size_t size) {
  if (size == 0) return "";
  const uint8_t how = data[0];
  std::string bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
  if ((how & 1) == 0) return bytes;
  std::string file = EncodeHeader({std::string(kBootIdBytes, 'b'), "session", 1, {}, 0});
  if ((how & 2) == 0) return file + bytes;
  uint64_t seq = 1;
  for (size_t at = 0; at < bytes.size(); at += 12) {
    const std::string some = bytes.substr(at, 12);
    const auto byte = [&](size_t i) {
      return i < some.size() ? static_cast<uint8_t>(some[i]) : uint8_t{0};
    };
    if (byte(0) % 16 == 0) {
      file += std::string(kSpoolRecordBytes, '\0');
      continue;
    }
    seq += byte(0) % 8 == 1 ? uint64_t{byte(1)} << (byte(2) % 40) : 1;
    if (byte(0) % 8 == 2) seq -= std::min<uint64_t>(seq, byte(1));
    SpoolRecord record{seq, byte(3), {}};
    record.beat.time_session_us = static_cast<int64_t>(byte(4)) << (byte(5) % 60);
    record.beat.rr_1024 = byte(6);
    record.beat.gap_before = byte(7) % 2 == 0;
    std::string one = EncodeRecord(record);
    if (byte(0) % 8 == 3) one[byte(8) % kSpoolRecordBytes] ^= static_cast<char>(byte(9));
    if (byte(0) % 8 == 4) one.resize(byte(8) % kSpoolRecordBytes);
    file += one;
  }
  return file;
}

struct Seen {
  uint64_t next_seq, oldest, present;
  std::string boot_id;
  friend bool operator==(const Seen&, const Seen&) = default;
};
Seen Look(const Spool& spool) {
  Seen seen{spool.next_seq(), spool.oldest_retained_seq(), 0, spool.boot_id()};
  Must(seen.next_seq >= 1 && seen.oldest >= 1 && seen.oldest <= seen.next_seq, "numbers in order");
  Must(seen.boot_id.size() == kBootIdBytes, "a boot id");
  Must(!spool.Get(0) && !spool.Get(seen.next_seq), "nothing outside the numbers");
  const uint64_t most = 2 * 500 + 2;
  Must(seen.next_seq - seen.oldest <= most, "bounded");
  for (uint64_t seq = seen.oldest; seq < seen.next_seq; ++seq) {
    seen.present += spool.Get(seq).has_value();
  }
  return seen;
}

}  // namespace
}  // namespace attune::edge

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace attune::edge;  // NOLINT: this is the file's own
  static const std::string path = Path();
  attune::SeededRandom random(1);
  Spool::Options options;
  options.most_beats = 500;
  options.sync = [](int) { return 0; };
  const std::string file = FileFrom(data, size);
  if (auto made = Spool::Open(path, "session", 1, random, options); made.ok()) (*made)->Remove();
  PutFile(path, file);
  auto spool = Spool::Open(path, "session", 1, random, options);
  if (!spool.ok()) {
    Must(!spool.status().message().empty(), "an error says something");
    return 0;
  }
  const Seen first = Look(**spool);
  Must((*spool)->trouble().empty(), "nothing is wrong with this disk");
  Must((*spool)->torn_bytes() <= file.size(), "no more was cut than there was");
  spool->reset();
  spool = Spool::Open(path, "session", 1, random, options);
  Must(spool.ok(), "it opens again");
  Must(Look(**spool) == first, "and is the same");
  Must((*spool)->torn_bytes() == 0, "with nothing torn");
  // It goes on.
  const uint64_t seq = (*spool)->next_seq();
  if (seq > UINT64_MAX - 10) return 0;
  const StampedBeat beat{123, 800, false, 1, 2};
  (*spool)->Append(beat, 1);
  spool->reset();
  spool = Spool::Open(path, "session", 1, random, options);
  Must(spool.ok() && (*spool)->Get(seq) == beat && (*spool)->next_seq() == seq + 1, "it goes on");
  return 0;
}
