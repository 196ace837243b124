// What a node tells Prometheus. Names follow its conventions: prefix, base unit, `_total` for
// counters. Never a label that names a session or a person.
#ifndef ATTUNE_SERVICES_NODE_METRICS_H_
#define ATTUNE_SERVICES_NODE_METRICS_H_

#include <prometheus/counter.h>
#include <prometheus/gauge.h>
#include <prometheus/histogram.h>
#include <prometheus/registry.h>

#include <memory>
#include <string>

namespace attune::node {

// Thread-safe. References stay valid as long as the object.
class Metrics {
 public:
  Metrics(const std::string& build, const std::string& engine_version);
  // The text exposition format.
  std::string Text() const;

 private:
  std::unique_ptr<prometheus::Registry> registry_;
  prometheus::Family<prometheus::Counter>& streams_finished_;
  prometheus::Family<prometheus::Counter>& join_attempts_;
  prometheus::Family<prometheus::Counter>& refusals_;

 public:
  prometheus::Gauge& sessions_open;
  prometheus::Gauge& uplinks;
  prometheus::Gauge& watchers;
  prometheus::Gauge& journal_degraded;
  prometheus::Gauge& journal_queued_entries;
  prometheus::Gauge& journal_bytes;
  prometheus::Gauge& pending_bytes;
  prometheus::Counter& beats;
  prometheus::Counter& late_beats;
  prometheus::Counter& records;
  prometheus::Counter& frames;
  prometheus::Counter& ticks;
  prometheus::Counter& ticks_by_lateness;
  prometheus::Counter& checkpoints;
  prometheus::Counter& sessions_dropped;
  prometheus::Counter& mailbox_refusals;
  prometheus::Counter& joins_ok;
  prometheus::Counter& joins_wrong_code;
  prometheus::Counter& joins_limited;
  prometheus::Counter& edge_refusals;
  prometheus::Counter& watchers_overflowed;
  prometheus::Histogram& ingest_lag;
  prometheus::Histogram& tick_compute;
  prometheus::Histogram& commit;
  prometheus::Histogram& frame_delay;
};

}  // namespace attune::node

#endif  // ATTUNE_SERVICES_NODE_METRICS_H_
