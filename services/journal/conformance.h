// What every journal must do, whatever it stores its bytes in. A journal's test links
// :conformance and instantiates the suite:
//
//   INSTANTIATE_TEST_SUITE_P(Sqlite, JournalConformance, testing::Values(ConformanceParam{
//       "process", [] { return std::make_unique<MyStore>(); }}));
#ifndef ATTUNE_SERVICES_JOURNAL_CONFORMANCE_H_
#define ATTUNE_SERVICES_JOURNAL_CONFORMANCE_H_

#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <string>

#include "services/journal/journal.h"

namespace attune::journal {

// A store under test; empty at the beginning.
class ConformanceStore {
 public:
  virtual ~ConformanceStore() = default;
  virtual Journal& journal() = 0;
  // The process that holds the journal dies without warning, and another opens it. If the tier
  // promises more (power loss), that happens, too.
  virtual void KillAndReopen() = 0;
};

struct ConformanceParam {
  std::string name;
  std::function<std::unique_ptr<ConformanceStore>()> make;
};

class JournalConformance : public testing::TestWithParam<ConformanceParam> {
 protected:
  void SetUp() override { store_ = GetParam().make(); }
  Journal& journal() { return store_->journal(); }
  std::unique_ptr<ConformanceStore> store_;
};

}  // namespace attune::journal

#endif  // ATTUNE_SERVICES_JOURNAL_CONFORMANCE_H_
