#include "services/base/random.h"

#include <sys/random.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>

namespace attune {

uint64_t RandomSource::Uint64() {
  const std::string bytes = Bytes(sizeof(uint64_t));
  uint64_t value;
  std::memcpy(&value, bytes.data(), sizeof value);
  return value;
}

uint64_t RandomSource::Below(uint64_t bound) {
  const uint64_t limit = UINT64_MAX - UINT64_MAX % bound;
  uint64_t value;
  do {
    value = Uint64();
  } while (value >= limit);
  return value % bound;
}

double RandomSource::Unit() { return static_cast<double>(Uint64() >> 11) * 0x1p-53; }

std::string SystemRandom::Bytes(size_t count) {
  std::string bytes(count, '\0');
  size_t done = 0;
  while (done < count) {
    const ssize_t got = getrandom(bytes.data() + done, count - done, 0);
    if (got < 0) {
      if (errno == EINTR) continue;
      std::abort();  // A machine without randomness cannot make keys: going on would be worse.
    }
    done += static_cast<size_t>(got);
  }
  return bytes;
}

std::string SeededRandom::Bytes(size_t count) {
  std::string bytes(count, '\0');
  for (size_t at = 0; at < count; at += sizeof(uint64_t)) {
    uint64_t z = (state_ += 0x9e3779b97f4a7c15u);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    z ^= z >> 31;
    std::memcpy(bytes.data() + at, &z, std::min(sizeof z, count - at));
  }
  return bytes;
}

}  // namespace attune
