// The spool file: one person's beats in one session, in the order of their numbers. Little-endian.
//
//   block 0, 4096 bytes: header, twice (at 0 and at 2048), so that a torn or damaged one is healed
//      0  8  "ATTSPOOL"
//      8  4  CRC-32 (zlib) of bytes 12..2047
//     12  4  format, 2
//     16 16  boot_id
//     32  4  participant
//     36  4  1: the start is known
//     40  8  session time of the source's start, microseconds
//     48  8  fingerprint of the source (FNV-1a)
//     56  4  length of the session id
//     60 64  session id
//   then records of 64 bytes each; 64 of them fill a block, so that blocks can be given back
//      0  4  CRC-32 of bytes 4..63
//      4  4  1: beat
//      8  8  sequence number
//     16  8  time of the beat, session microseconds
//     24  8  position in the source, 0: none
//     32  4  interval, 1/1024 s
//     36  4  flags: 1 = follows a gap
//     40  4  jitter, microseconds
//     44  4  offset bound, microseconds
//     48 16  zero
//   A record of zeros is one whose block was given back.
#ifndef ATTUNE_EDGE_AGENT_SPOOL_FORMAT_H_
#define ATTUNE_EDGE_AGENT_SPOOL_FORMAT_H_

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "edge/client/outbox.h"

namespace attune::edge {

inline constexpr size_t kSpoolBlockBytes = 4096;
inline constexpr size_t kSpoolRecordBytes = 64;
inline constexpr size_t kBootIdBytes = 16;
inline constexpr size_t kMostSessionIdBytes = 64;

struct SpoolHeader {
  std::string boot_id;
  std::string session_id;
  uint32_t participant = 0;
  std::optional<int64_t> start_session_us;
  uint64_t source_hash = 0;
};

struct SpoolRecord {
  uint64_t seq = 0;
  uint64_t position = 0;
  StampedBeat beat;
};

std::string EncodeHeader(const SpoolHeader& header);  // kSpoolBlockBytes
// nullopt: both are damaged
std::optional<SpoolHeader> DecodeHeader(std::string_view bytes);
std::string EncodeRecord(const SpoolRecord& record);              // kSpoolRecordBytes
std::optional<SpoolRecord> DecodeRecord(std::string_view bytes);  // nullopt: damaged

uint64_t Fnv1a(std::string_view text);

}  // namespace attune::edge

#endif  // ATTUNE_EDGE_AGENT_SPOOL_FORMAT_H_
