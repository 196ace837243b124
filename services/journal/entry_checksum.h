// The checksum of an entry: the same in every store.
#ifndef ATTUNE_SERVICES_JOURNAL_ENTRY_CHECKSUM_H_
#define ATTUNE_SERVICES_JOURNAL_ENTRY_CHECKSUM_H_

#include <cstdint>
#include <string>
#include <string_view>

#include "services/journal/checksum.h"

namespace attune::journal {

inline std::string EntryCrc(std::string_view session, uint64_t number, uint64_t epoch,
                            std::string_view subject, bool erased, std::string_view payload) {
  return Checksum('e')
      .Add(session)
      .Add(number)
      .Add(epoch)
      .Add(subject)
      .Add(erased ? 1 : 0)
      .Add(payload)
      .Bytes();
}

}  // namespace attune::journal

#endif  // ATTUNE_SERVICES_JOURNAL_ENTRY_CHECKSUM_H_
