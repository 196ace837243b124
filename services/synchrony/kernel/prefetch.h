// A hint that data will be read soon: rooms are many, and the data of one is far away by the time
// its next tick comes.
#ifndef ATTUNE_SERVICES_SYNCHRONY_KERNEL_PREFETCH_H_
#define ATTUNE_SERVICES_SYNCHRONY_KERNEL_PREFETCH_H_

#include <cstddef>

namespace attune::synchrony {

inline void Prefetch(const void* data, size_t bytes) {
  const char* begin = static_cast<const char*>(data);
  for (size_t at = 0; at < bytes; at += 64) __builtin_prefetch(begin + at);
}

}  // namespace attune::synchrony

#endif  // ATTUNE_SERVICES_SYNCHRONY_KERNEL_PREFETCH_H_
