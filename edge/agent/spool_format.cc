#include "edge/agent/spool_format.h"

#include <zlib.h>

#include <concepts>

namespace attune::edge {
namespace {

constexpr std::string_view kMagic = "ATTSPOOL";
constexpr uint32_t kFormat = 2;
constexpr size_t kHeaderCopyAt = 2048;
static_assert(2 * kHeaderCopyAt == kSpoolBlockBytes);
constexpr uint32_t kBeat = 1;
constexpr uint32_t kGapBefore = 1;

template <std::unsigned_integral T>
void Put(std::string& bytes, size_t at, T value) {
  for (size_t i = 0; i < sizeof(T); ++i) bytes[at + i] = static_cast<char>(value >> (8 * i));
}

template <std::unsigned_integral T>
T Get(std::string_view bytes, size_t at) {
  T value = 0;
  for (size_t i = 0; i < sizeof(T); ++i) {
    value |= static_cast<T>(static_cast<unsigned char>(bytes[at + i])) << (8 * i);
  }
  return value;
}

uint32_t Crc(std::string_view bytes) {
  return static_cast<uint32_t>(
      crc32(0, reinterpret_cast<const Bytef*>(bytes.data()), static_cast<uInt>(bytes.size())));
}

// One of the two copies.
std::optional<SpoolHeader> DecodeOne(std::string_view bytes) {
  if (bytes.substr(0, kMagic.size()) != kMagic) return std::nullopt;
  const uint32_t session_bytes = Get<uint32_t>(bytes, 56);
  if (Get<uint32_t>(bytes, 8) != Crc(bytes.substr(12)) || Get<uint32_t>(bytes, 12) != kFormat ||
      session_bytes > kMostSessionIdBytes) {
    return std::nullopt;
  }
  SpoolHeader header;
  header.boot_id = std::string(bytes.substr(16, kBootIdBytes));
  header.participant = Get<uint32_t>(bytes, 32);
  if (Get<uint32_t>(bytes, 36) != 0) {
    header.start_session_us = static_cast<int64_t>(Get<uint64_t>(bytes, 40));
  }
  header.source_hash = Get<uint64_t>(bytes, 48);
  header.session_id = std::string(bytes.substr(60, session_bytes));
  return header;
}

}  // namespace

uint64_t Fnv1a(std::string_view text) {
  uint64_t hash = 0xcbf29ce484222325u;
  for (const char c : text) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3u;
  return hash;
}

std::string EncodeHeader(const SpoolHeader& header) {
  std::string one(kHeaderCopyAt, '\0');
  one.replace(0, kMagic.size(), kMagic);
  Put(one, 12, kFormat);
  one.replace(16, kBootIdBytes, header.boot_id.substr(0, kBootIdBytes));
  Put(one, 32, header.participant);
  Put(one, 36, uint32_t{header.start_session_us.has_value()});
  Put(one, 40, static_cast<uint64_t>(header.start_session_us.value_or(0)));
  Put(one, 48, header.source_hash);
  const std::string session_id = header.session_id.substr(0, kMostSessionIdBytes);
  Put(one, 56, static_cast<uint32_t>(session_id.size()));
  one.replace(60, session_id.size(), session_id);
  Put(one, 8, Crc(std::string_view(one).substr(12)));
  return one + one;
}

std::optional<SpoolHeader> DecodeHeader(std::string_view bytes) {
  if (bytes.size() < kSpoolBlockBytes) return std::nullopt;
  std::optional<SpoolHeader> header = DecodeOne(bytes.substr(0, kHeaderCopyAt));
  if (!header) header = DecodeOne(bytes.substr(kHeaderCopyAt, kHeaderCopyAt));
  return header;
}

std::string EncodeRecord(const SpoolRecord& record) {
  std::string bytes(kSpoolRecordBytes, '\0');
  Put(bytes, 4, kBeat);
  Put(bytes, 8, record.seq);
  Put(bytes, 16, static_cast<uint64_t>(record.beat.time_session_us));
  Put(bytes, 24, record.position);
  Put(bytes, 32, record.beat.rr_1024);
  Put(bytes, 36, record.beat.gap_before ? kGapBefore : uint32_t{0});
  Put(bytes, 40, record.beat.jitter_us);
  Put(bytes, 44, record.beat.offset_bound_us);
  Put(bytes, 0, Crc(std::string_view(bytes).substr(4)));
  return bytes;
}

std::optional<SpoolRecord> DecodeRecord(std::string_view bytes) {
  if (bytes.size() != kSpoolRecordBytes || Get<uint32_t>(bytes, 4) != kBeat ||
      Get<uint32_t>(bytes, 0) != Crc(bytes.substr(4))) {
    return std::nullopt;
  }
  SpoolRecord record;
  record.seq = Get<uint64_t>(bytes, 8);
  record.beat.time_session_us = static_cast<int64_t>(Get<uint64_t>(bytes, 16));
  record.position = Get<uint64_t>(bytes, 24);
  record.beat.rr_1024 = Get<uint32_t>(bytes, 32);
  record.beat.gap_before = (Get<uint32_t>(bytes, 36) & kGapBefore) != 0;
  record.beat.jitter_us = Get<uint32_t>(bytes, 40);
  record.beat.offset_bound_us = Get<uint32_t>(bytes, 44);
  if (record.seq == 0) return std::nullopt;
  return record;
}

}  // namespace attune::edge
