// A Redis client whose commands are counted and timed.
#ifndef ATTUNE_SERVICES_ATTUNED_METERED_CLIENT_H_
#define ATTUNE_SERVICES_ATTUNED_METERED_CLIENT_H_

#include <memory>

#include "services/base/clock.h"
#include "services/node/metrics.h"
#include "services/redis/client.h"

namespace attune {

// `clock` and `metrics` must outlive it.
std::unique_ptr<redis::Client> MeterClient(std::unique_ptr<redis::Client> client,
                                           const Clock& clock, node::Metrics& metrics);

}  // namespace attune

#endif  // ATTUNE_SERVICES_ATTUNED_METERED_CLIENT_H_
