#include "services/node/metrics.h"

#include <prometheus/text_serializer.h>

#include <sstream>
#include <utility>

namespace attune::node {
namespace {

using prometheus::BuildCounter;
using prometheus::BuildGauge;
using prometheus::BuildHistogram;
using prometheus::Histogram;
using prometheus::Registry;

prometheus::Gauge& Gauge(Registry& registry, const char* name, const char* help) {
  return BuildGauge().Name(name).Help(help).Register(registry).Add({});
}
prometheus::Family<prometheus::Gauge>& GaugeFamily(Registry& registry, const char* name,
                                                   const char* help) {
  return BuildGauge().Name(name).Help(help).Register(registry);
}
prometheus::Family<prometheus::Counter>& CounterFamily(Registry& registry, const char* name,
                                                       const char* help) {
  return BuildCounter().Name(name).Help(help).Register(registry);
}
prometheus::Counter& Counter(Registry& registry, const char* name, const char* help) {
  return BuildCounter().Name(name).Help(help).Register(registry).Add({});
}
Histogram& Times(Registry& registry, const char* name, const char* help) {
  // 100 us .. 10 s, about three a decade.
  static const Histogram::BucketBoundaries kSeconds{
      0.0001, 0.0002, 0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10};
  return BuildHistogram().Name(name).Help(help).Register(registry).Add({}, kSeconds);
}

}  // namespace

Metrics::Metrics(const std::string& build, const std::string& engine_version)
    : registry_(std::make_unique<Registry>()),
      streams_finished_(BuildCounter()
                            .Name("attune_streams_let_go_total")
                            .Help("Streams that the node ended because the peer did not read.")
                            .Register(*registry_)),
      join_attempts_(BuildCounter()
                         .Name("attune_join_attempts_total")
                         .Help("Attempts to join with a code, by outcome.")
                         .Register(*registry_)),
      refusals_(BuildCounter()
                    .Name("attune_edge_refusals_total")
                    .Help("People refused on an edge's stream.")
                    .Register(*registry_)),
      opens_(CounterFamily(*registry_, "attune_session_opens_total",
                           "Sessions made, taken over or recovered here, by outcome.")),
      takeovers_(CounterFamily(
          *registry_, "attune_takeovers_total",
          "Sessions that became this node's other than by being asked for, by reason.")),
      handoffs_(CounterFamily(*registry_, "attune_handoffs_total",
                              "Sessions given to another node, by outcome.")),
      forwarded_(CounterFamily(*registry_, "attune_forwarded_calls_total",
                               "Calls for sessions owned elsewhere, handed on, by outcome.")),
      redis_commands_(CounterFamily(*registry_, "attune_redis_commands_total",
                                    "Commands given to Redis, by outcome.")),
      state_(GaugeFamily(*registry_, "attune_node_state", "1 for the state that the node is in.")),
      certificate_(GaugeFamily(*registry_, "attune_tls_certificate_end_timestamp_seconds",
                               "When the certificate of the gRPC port ends.")),
      used_(GaugeFamily(*registry_, "attune_limit_used_ratio",
                        "How full something bounded is; at 1 it refuses.")),
      groups_(BuildHistogram()
                  .Name("attune_closed_sessions_group_synchrony")
                  .Help("Released mean pairwise r of closed team sessions; at least ten sessions "
                        "appear at once.")
                  .Register(*registry_)
                  .Add({}, GroupDistribution::Bounds())),
      sessions_open(
          Gauge(*registry_, "attune_sessions_open", "Sessions owned here and not closed.")),
      uplinks(Gauge(*registry_, "attune_uplinks", "Participants whose edge is connected.")),
      watchers(Gauge(*registry_, "attune_watchers", "Live views that are connected.")),
      journal_degraded(Gauge(*registry_, "attune_journal_degraded",
                             "1 while appends wait for the disk and nothing is acknowledged.")),
      journal_queued_entries(Gauge(*registry_, "attune_journal_queued_entries",
                                   "Entries that wait for the journal's writer.")),
      journal_bytes(Gauge(*registry_, "attune_journal_size_bytes", "Journal files on the disk.")),
      pending_bytes(Gauge(*registry_, "attune_pending_bytes",
                          "Records applied and not durable yet, all sessions.")),
      beats(Counter(*registry_, "attune_beats_admitted_total", "Heartbeats admitted.")),
      late_beats(Counter(*registry_, "attune_beats_late_total",
                         "Heartbeats that came after their tick had closed.")),
      records(Counter(*registry_, "attune_records_total", "Journal records made durable.")),
      frames(Counter(*registry_, "attune_frames_offered_total",
                     "Frames handed to streams, before coalescing for slow readers.")),
      ticks(Counter(*registry_, "attune_ticks_total", "Ticks closed.")),
      ticks_by_lateness(
          Counter(*registry_, "attune_ticks_late_total", "Ticks closed without somebody's data.")),
      checkpoints(Counter(*registry_, "attune_checkpoints_total", "Checkpoints written.")),
      sessions_dropped(Counter(*registry_, "attune_sessions_dropped_total",
                               "Sessions let go because they were fenced or could not go on.")),
      mailbox_refusals(Counter(*registry_, "attune_mailbox_refusals_total",
                               "Calls refused because a worker's mailbox was full.")),
      joins_ok(join_attempts_.Add({{"outcome", "joined"}})),
      joins_wrong_code(join_attempts_.Add({{"outcome", "wrong_code"}})),
      joins_limited(join_attempts_.Add({{"outcome", "limited"}})),
      edge_refusals(refusals_.Add({})),
      watchers_overflowed(streams_finished_.Add({{"kind", "watch"}})),
      ingest_lag(Times(*registry_, "attune_ingest_lag_seconds",
                       "From a message's arrival in its worker to its acknowledgement.")),
      tick_compute(
          Times(*registry_, "attune_tick_compute_seconds", "Computing the frame of one tick.")),
      commit(Times(*registry_, "attune_commit_seconds", "One commit of the journal.")),
      frame_delay(Times(*registry_, "attune_frame_delay_seconds",
                        "From the closing of a tick to its frame being handed to the streams.")),
      sessions_opened(opens_.Add({{"outcome", "opened"}})),
      sessions_not_opened(opens_.Add({{"outcome", "failed"}})),
      sessions_closed(Counter(*registry_, "attune_sessions_closed_total",
                              "Sessions that closed here with their first report stored.")),
      clustered(Gauge(*registry_, "attune_clustered", "1 when the node runs with --cluster.")),
      leases_held(Gauge(*registry_, "attune_leases_held",
                        "Sessions whose lease this node holds and has renewed in time.")),
      sessions_suspended(Gauge(*registry_, "attune_sessions_suspended",
                               "Sessions kept in memory without a lease: no acks, no frames.")),
      takeovers_orphan(takeovers_.Add({{"reason", "orphan"}})),
      takeovers_handed(takeovers_.Add({{"reason", "handed"}})),
      takeovers_resumed(takeovers_.Add({{"reason", "resumed"}})),
      sessions_reseeded(Counter(*registry_, "attune_sessions_reseeded_total",
                                "Sessions written again from memory after Redis lost entries.")),
      sessions_lost(Counter(*registry_, "attune_sessions_lost_total",
                            "Sessions stopped because owner and journal were both gone.")),
      handoffs_done(handoffs_.Add({{"outcome", "done"}})),
      handoffs_failed(handoffs_.Add({{"outcome", "failed"}})),
      lease_renewals_failed(Counter(*registry_, "attune_lease_renewals_failed_total",
                                    "Renewals of a lease that were refused or not answered.")),
      redirects(Counter(*registry_, "attune_redirects_total",
                        "Agents that were told where their session lives.")),
      forwarded_ok(forwarded_.Add({{"outcome", "answered"}})),
      forwarded_failed(forwarded_.Add({{"outcome", "failed"}})),
      forwarded_open(Gauge(*registry_, "attune_forwarded_calls_open",
                           "Calls that are being handed on to another node now.")),
      nodes_live(Gauge(*registry_, "attune_nodes_live",
                       "Live nodes in the cluster's list, as this node sees it.")),
      redis_up(Gauge(*registry_, "attune_redis_up",
                     "1 while connected to a Redis primary that answers.")),
      redis_servers(Gauge(*registry_, "attune_redis_servers_seen",
                          "Different Redis servers met since the start: grows with every restart "
                          "and failover.")),
      redis_commands_ok(redis_commands_.Add({{"outcome", "answered"}})),
      redis_commands_failed(redis_commands_.Add({{"outcome", "failed"}})),
      redis_round_trip(Times(*registry_, "attune_redis_round_trip_seconds",
                             "From handing a command to the client to its answer.")) {
  for (const auto& [state, name] : {std::pair{State::kStarting, "starting"},
                                    {State::kServing, "serving"},
                                    {State::kDraining, "draining"},
                                    {State::kStopping, "stopping"}}) {
    states_[state] = &state_.Add({{"state", name}});
  }
  for (const auto& [limit, name] : {std::pair{Limit::kMailbox, "mailbox"},
                                    {Limit::kPendingBytes, "pending_bytes"},
                                    {Limit::kStreams, "streams"},
                                    {Limit::kSessions, "sessions"}}) {
    used_by_limit_[limit] = &used_.Add({{"limit", name}});
  }
  SetState(State::kStarting);
  BuildGauge()
      .Name("attune_build_info")
      .Help("Always 1; the labels tell the versions.")
      .Register(*registry_)
      .Add({{"version", build}, {"engine", engine_version}})
      .Set(1);
}

void Metrics::SetState(State state) {
  for (const auto& [each, gauge] : states_) gauge->Set(each == state ? 1 : 0);
}

void Metrics::SetCertificateEnd(int64_t utc_s) {
  certificate_.Add({}).Set(static_cast<double>(utc_s));
}

void Metrics::SetUsed(Limit limit, double share) { used_by_limit_.at(limit)->Set(share); }

void Metrics::AddClosedGroup(double r_mean_pairwise) {
  MutexLock lock(groups_mu_);
  groups_.Add(r_mean_pairwise);
}

std::string Metrics::Text() const {
  MutexLock lock(groups_mu_);  // a batch is seen whole or not at all
  std::ostringstream out;
  prometheus::TextSerializer().Serialize(out, registry_->Collect());
  return out.str();
}

}  // namespace attune::node
