#include "services/node/metrics.h"

#include <prometheus/text_serializer.h>

#include <sstream>

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
                        "From the closing of a tick to its frame being handed to the streams.")) {
  BuildGauge()
      .Name("attune_build_info")
      .Help("Always 1; the labels tell the versions.")
      .Register(*registry_)
      .Add({{"version", build}, {"engine", engine_version}})
      .Set(1);
}

std::string Metrics::Text() const {
  std::ostringstream out;
  prometheus::TextSerializer().Serialize(out, registry_->Collect());
  return out.str();
}

}  // namespace attune::node
