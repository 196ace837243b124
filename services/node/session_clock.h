// Session time on its owner's clock: microseconds since the session was created, `rate` session
// seconds in a real one. Runs on the steady clock, so a step of the wall clock cannot bend it.
#ifndef ATTUNE_SERVICES_NODE_SESSION_CLOCK_H_
#define ATTUNE_SERVICES_NODE_SESSION_CLOCK_H_

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>

#include "services/base/clock.h"

namespace attune::node {

// Immutable, so any thread may read it. `clock` must outlive it.
class SessionClock {
 public:
  // For a session that begins now (created_utc_us = the clock's UTC, last_record_us = 0) and for
  // one that is taken over: its time went on while nobody owned it, as UTC tells; and it never goes
  // back behind what the journal says, even if this machine's UTC is behind.
  SessionClock(const Clock& clock, int64_t created_utc_us, double rate, int64_t last_record_us)
      : clock_(&clock), rate_(rate), anchor_steady_us_(clock.SteadyMicros()) {
    const double since = static_cast<double>(clock.UtcMicros() - created_utc_us) * rate;
    anchor_session_us_ = std::max(last_record_us, static_cast<int64_t>(std::max(since, 0.0)));
  }

  int64_t NowUs() const { return At(clock_->SteadyMicros()); }
  int64_t At(int64_t steady_us) const {
    return anchor_session_us_ +
           static_cast<int64_t>(static_cast<double>(steady_us - anchor_steady_us_) * rate_);
  }
  // The earliest steady time at which NowUs() has reached `session_us`; saturates.
  int64_t SteadyAt(int64_t session_us) const {
    if (session_us <= anchor_session_us_) return anchor_steady_us_;
    const double wait = std::ceil(static_cast<double>(session_us - anchor_session_us_) / rate_) + 1;
    constexpr int64_t kMost = std::numeric_limits<int64_t>::max() / 4;
    return wait >= static_cast<double>(kMost) ? kMost
                                              : anchor_steady_us_ + static_cast<int64_t>(wait);
  }
  double rate() const { return rate_; }

 private:
  const Clock* clock_;
  double rate_;
  int64_t anchor_steady_us_;
  int64_t anchor_session_us_ = 0;
};

}  // namespace attune::node

#endif  // ATTUNE_SERVICES_NODE_SESSION_CLOCK_H_
