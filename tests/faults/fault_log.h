// What was done to a connection, one JSON object a line: {"ms":12,"fault":"cut","how":"reset"}.
// Together with the seed it says what happened to a test that failed.
#ifndef ATTUNE_TESTS_FAULTS_FAULT_LOG_H_
#define ATTUNE_TESTS_FAULTS_FAULT_LOG_H_

#include <cstdint>
#include <ostream>
#include <string>

#include "services/base/clock.h"
#include "services/base/mutex.h"

namespace attune::faults {

// Thread-safe. `clock` and `out` must outlive it; without `out` nothing is written.
class FaultLog {
 public:
  FaultLog(const Clock& clock, std::ostream* out)
      : clock_(clock), out_(out), began_us_(clock.SteadyMicros()) {}

  // `more`: further members, for example `"how":"reset"`; may be empty.
  void Note(const std::string& fault, const std::string& more) {
    MutexLock lock(mu_);
    ++count_;
    if (out_ == nullptr) return;
    *out_ << "{\"ms\":" << (clock_.SteadyMicros() - began_us_) / 1000 << ",\"fault\":\"" << fault
          << "\"" << (more.empty() ? "" : ",") << more << "}" << std::endl;
  }
  uint64_t count() const {
    MutexLock lock(mu_);
    return count_;
  }

 private:
  const Clock& clock_;
  std::ostream* const out_;
  const int64_t began_us_;
  mutable Mutex mu_;
  uint64_t count_ ATTUNE_GUARDED_BY(mu_) = 0;
};

}  // namespace attune::faults

#endif  // ATTUNE_TESTS_FAULTS_FAULT_LOG_H_
