// What a node tells Prometheus (deploy/prometheus has the alerts, deploy/grafana the dashboards).
// Names follow its conventions: prefix, base unit, `_total` for counters. Never a label that names
// a session or a person.
#ifndef ATTUNE_SERVICES_NODE_METRICS_H_
#define ATTUNE_SERVICES_NODE_METRICS_H_

#include <prometheus/counter.h>
#include <prometheus/gauge.h>
#include <prometheus/histogram.h>
#include <prometheus/registry.h>

#include <cstdint>
#include <map>
#include <memory>
#include <string>

#include "services/base/mutex.h"
#include "services/node/group_distribution.h"

namespace attune::node {

// Thread-safe. References stay valid as long as the object.
class Metrics {
 public:
  Metrics(const std::string& build, const std::string& engine_version);
  // The text exposition format.
  std::string Text() const;

  enum class State { kStarting, kServing, kDraining, kStopping };
  void SetState(State state);
  // When the certificate of the gRPC port is no longer good; seconds since 1970.
  void SetCertificateEnd(int64_t utc_s);
  // How full something bounded is, 0..1 (beyond: refusing).
  enum class Limit { kMailbox, kPendingBytes, kStreams, kSessions };
  void SetUsed(Limit limit, double share);
  // A session closed with this group value; shown when there are kGroupBatch of them.
  void AddClosedGroup(double r_mean_pairwise);

 private:
  template <class T>
  using Family = prometheus::Family<T>;
  std::unique_ptr<prometheus::Registry> registry_;
  Family<prometheus::Counter>& streams_finished_;
  Family<prometheus::Counter>& join_attempts_;
  Family<prometheus::Counter>& refusals_;
  Family<prometheus::Counter>& opens_;
  Family<prometheus::Counter>& takeovers_;
  Family<prometheus::Counter>& handoffs_;
  Family<prometheus::Counter>& forwarded_;
  Family<prometheus::Counter>& redis_commands_;
  Family<prometheus::Gauge>& state_;
  Family<prometheus::Gauge>& certificate_;
  Family<prometheus::Gauge>& used_;
  mutable Mutex groups_mu_;
  GroupDistribution groups_ ATTUNE_GUARDED_BY(groups_mu_);

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

  // ---- Sessions coming and going.
  prometheus::Counter& sessions_opened;      // made, taken over or recovered here
  prometheus::Counter& sessions_not_opened;  // asked for, and it failed
  prometheus::Counter& sessions_closed;      // with their report stored

  // ---- Many nodes. All 0 on a node by itself.
  prometheus::Gauge& clustered;            // 1: runs with --cluster
  prometheus::Gauge& leases_held;          // sessions whose lease is ours and in time
  prometheus::Gauge& sessions_suspended;   // in memory, lease out of time: no acks, no frames
  prometheus::Counter& takeovers_orphan;   // the orphan sweeper found it
  prometheus::Counter& takeovers_handed;   // another node handed it over
  prometheus::Counter& takeovers_resumed;  // our own again after a suspension
  prometheus::Counter& sessions_reseeded;  // the store had lost entries: written again from memory
  prometheus::Counter& sessions_lost;      // owner and journal are gone: stopped, and said so
  prometheus::Counter& handoffs_done;
  prometheus::Counter& handoffs_failed;
  prometheus::Counter& lease_renewals_failed;  // of one lease, whatever the reason
  prometheus::Counter& redirects;              // agents told where their session lives
  prometheus::Counter& forwarded_ok;           // calls handed on to the owner, by how they ended
  prometheus::Counter& forwarded_failed;       // the owner could not be reached or went away
  prometheus::Gauge& forwarded_open;           // forwarded calls that go on now
  prometheus::Gauge& nodes_live;               // in the node list, this one included
  prometheus::Gauge& redis_up;                 // 1: connected to a primary that answers
  prometheus::Gauge& redis_servers;            // how many different servers (run ids) were met
  prometheus::Counter& redis_commands_ok;      // answered, also with an error reply
  prometheus::Counter& redis_commands_failed;  // not answered in time, or not sent
  prometheus::Histogram& redis_round_trip;     // from handing a command over to its answer

 private:
  std::map<State, prometheus::Gauge*> states_;
  std::map<Limit, prometheus::Gauge*> used_by_limit_;
};

}  // namespace attune::node

#endif  // ATTUNE_SERVICES_NODE_METRICS_H_
