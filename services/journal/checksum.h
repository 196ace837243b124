// CRC-32 over fields that cannot run into each other. Detects every burst of up to 32 bits; it is
// no defence against a forger (the sealer is).
#ifndef ATTUNE_SERVICES_JOURNAL_CHECKSUM_H_
#define ATTUNE_SERVICES_JOURNAL_CHECKSUM_H_

#include <zlib.h>

#include <cstdint>
#include <string>
#include <string_view>

namespace attune::journal {

class Checksum {
 public:
  // `domain` tells kinds of rows apart.
  explicit Checksum(char domain) { Raw({&domain, 1}); }
  Checksum& Add(uint64_t value) {
    char bytes[8];
    for (int i = 0; i < 8; ++i) bytes[i] = static_cast<char>(value >> (8 * i));
    Raw({bytes, sizeof(bytes)});
    return *this;
  }
  Checksum& Add(std::string_view bytes) {
    Add(static_cast<uint64_t>(bytes.size()));
    Raw(bytes);
    return *this;
  }
  // Four bytes, least first: of the same length for every value, so that a row can be overwritten
  // in place.
  std::string Bytes() const {
    std::string bytes;
    for (int i = 0; i < 4; ++i) bytes.push_back(static_cast<char>(crc_ >> (8 * i)));
    return bytes;
  }

 private:
  void Raw(std::string_view bytes) {
    crc_ = crc32_z(crc_, reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size());
  }
  uLong crc_ = crc32_z(0, nullptr, 0);
};

}  // namespace attune::journal

#endif  // ATTUNE_SERVICES_JOURNAL_CHECKSUM_H_
