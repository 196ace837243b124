// Watchers: snapshot, log entries, frames - each as the viewer may see it.
#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "services/node/epoch_ticket.h"
#include "services/node/session_host.h"
#include "services/node/viewer.h"

namespace attune::node {

void SessionHost::AttachWatch(WatchAttach attach) {
  if (!StillOwner() || quiet_) {
    if (suspended_) {
      v1::WatchEvent event;
      event.mutable_closed()->set_state(v1::SESSION_STATE_SUSPENDED);
      event.mutable_closed()->set_reason("no node can serve the session at the moment; try again");
      attach.sink->Send(std::move(event));
    }
    attach.sink->Finish(absl::UnavailableError("this node has let go of the session; try again"));
    return;
  }
  const auto viewer = ViewerOf(attach.claims);
  absl::Status refused = viewer.status();
  if (refused.ok() && core_.IsRevoked(attach.claims.token_id)) {
    refused = absl::UnauthenticatedError("token revoked");
  }
  if (refused.ok() && viewer->participant != 0 && !core_.IsActive(viewer->participant)) {
    refused = absl::FailedPreconditionError("this person left the session or was erased");
  }
  if (!refused.ok()) {
    attach.sink->Finish(refused);
    return;
  }
  if (core_.state() == v1::SESSION_STATE_CLOSED) {
    v1::WatchEvent event;
    *event.mutable_snapshot() = core_.SnapshotFor(*viewer, NowUs());
    attach.sink->Send(event);
    event.mutable_closed()->set_state(v1::SESSION_STATE_CLOSED);
    event.mutable_closed()->set_report_revision(core_.report_revision());
    attach.sink->Send(std::move(event));
    attach.sink->Finish(absl::OkStatus());
    return;
  }
  const auto record = core_.ProposeViewerJoined(*viewer, NowUs());
  if (!record.ok()) {
    attach.sink->Finish(record.status());
    return;
  }
  Watch watch;
  watch.viewer = *viewer;
  watch.number = record->viewer_joined().viewer();
  if (!Commit(*record)) {
    attach.sink->Finish(absl::UnavailableError("the session cannot go on here; try again"));
    return;
  }
  // Made now, when the state is what this record left; sent when the record is durable. Entries of
  // later records follow by themselves.
  v1::WatchEvent first;
  v1::Snapshot& snapshot = *first.mutable_snapshot();
  snapshot = core_.SnapshotFor(*viewer, NowUs());
  snapshot.set_epoch(lease_.epoch);
  *snapshot.mutable_epoch_ticket() = ticket_;
  snapshot.set_participant(viewer->participant);
  snapshot.set_role(viewer->role);
  auto entries = std::make_shared<std::vector<v1::LogEntry>>();
  for (const v1::LogEntry& entry : core_.LogAfter(attach.request.after_cursor())) {
    if (auto projected = core_.ProjectEntry(entry, *viewer)) {
      entries->push_back(*std::move(projected));
    }
  }
  const uint64_t id = attach.id;
  watch.attach = std::move(attach);
  watches_.emplace(id, std::move(watch));
  parts_.metrics.watchers.Increment();
  Gate([this, id, first = std::move(first), entries](const absl::Status& status) mutable {
    const auto found = watches_.find(id);
    if (found == watches_.end() || !status.ok()) return;
    Watch& live = found->second;
    live.live = true;
    live.attach.sink->Send(std::move(first));
    for (v1::LogEntry& entry : *entries) {
      v1::WatchEvent event;
      *event.mutable_entry() = std::move(entry);
      live.attach.sink->Send(std::move(event));
    }
    if (last_frame_ != nullptr && pending_views_ == 0) {
      live.attach.sink->OfferFrame(EnvelopeFor(live.viewer));
    }
  });
}

void SessionHost::DetachWatch(uint64_t id) {
  const auto found = watches_.find(id);
  if (found == watches_.end()) return;
  const uint32_t number = found->second.number;
  watches_.erase(found);
  parts_.metrics.watchers.Decrement();
  if (dropped_ || quiet_) return;  // the next owner forgets all viewers of this one
  if (const auto record = core_.ProposeViewerLeft(number, NowUs()); record.ok()) Commit(*record);
}

void SessionHost::FinishWatch(uint64_t id, const absl::Status& status) {
  const auto found = watches_.find(id);
  if (found == watches_.end()) return;
  found->second.attach.sink->Finish(status);
  DetachWatch(id);
}

void SessionHost::CloseWatchers(v1::SessionState state, const std::string& reason,
                                const absl::Status& status) {
  std::vector<uint64_t> ids;
  for (const auto& [id, watch] : watches_) {
    v1::WatchEvent event;
    event.mutable_closed()->set_state(state);
    event.mutable_closed()->set_reason(reason);
    if (state == v1::SESSION_STATE_CLOSED) {
      event.mutable_closed()->set_report_revision(core_.report_revision());
    }
    watch.attach.sink->Send(std::move(event));
    ids.push_back(id);
  }
  for (const uint64_t id : ids) FinishWatch(id, status);
}

v1::FrameEnvelope SessionHost::EnvelopeFor(const session::Viewer& viewer) const {
  v1::FrameEnvelope envelope = core_.EnvelopeFor(*last_frame_, last_frame_late_, viewer, NowUs());
  envelope.set_epoch(lease_.epoch);
  envelope.set_recovered(frame_recovered_);
  return envelope;
}

void SessionHost::ForgetOldViewers() {
  // Their streams ended with the former owner. Viewers are numbered from 1, so that the number of
  // the next one tells how many there have been.
  const auto next = core_.ProposeViewerJoined({v1::ROLE_OBSERVER, 0}, NowUs());
  constexpr uint32_t kAtLimit = 1'000'000;
  const uint32_t end = next.ok() ? next->viewer_joined().viewer() : kAtLimit;
  for (uint32_t number = 1; number < end; ++number) {
    if (const auto record = core_.ProposeViewerLeft(number, NowUs()); record.ok()) Commit(*record);
  }
}

void SessionHost::OfferFrames() {
  frame_held_ = false;
  if (last_frame_ == nullptr) return;
  size_t offered = 0;
  for (auto& [id, watch] : watches_) {
    if (!watch.live) continue;
    watch.attach.sink->OfferFrame(EnvelopeFor(watch.viewer));
    ++offered;
  }
  for (auto& [id, edge] : edges_) {
    if (!edge.attach.hello.follow()) continue;
    edge.attach.sink->OfferFrame(edge.attach.handle,
                                 EnvelopeFor({v1::ROLE_PARTICIPANT, edge.participant}));
    ++offered;
  }
  if (offered == 0) return;
  parts_.metrics.frames.Increment(static_cast<double>(offered));
  parts_.metrics.frame_delay.Observe(
      static_cast<double>(parts_.clock.SteadyMicros() - last_frame_since_us_) * 1e-6);
}

void SessionHost::ReprojectFrames() {
  if (last_frame_ == nullptr) return;
  for (auto& [id, watch] : watches_) {
    if (watch.live) watch.attach.sink->ReplaceFrame(EnvelopeFor(watch.viewer));
  }
  for (auto& [id, edge] : edges_) {
    if (!edge.attach.hello.follow()) continue;
    edge.attach.sink->ReplaceFrame(edge.attach.handle,
                                   EnvelopeFor({v1::ROLE_PARTICIPANT, edge.participant}));
  }
}

void SessionHost::SendPast(uint64_t edge_id) {
  const Edge& edge = edges_.at(edge_id);
  const session::Viewer viewer{v1::ROLE_PARTICIPANT, edge.participant};
  const uint64_t after = edge.attach.hello.after_cursor();
  auto entries = std::make_shared<std::vector<v1::LogEntry>>();
  for (const v1::LogEntry& entry : core_.LogAfter(after)) {
    if (after == 0 && !entry.has_practice()) continue;
    if (auto projected = core_.ProjectEntry(entry, viewer)) {
      if (after == 0) entries->clear();
      entries->push_back(*std::move(projected));
    }
  }
  if (after == 0 && !entries->empty() && entries->back().practice().stopped_session_us() != 0) {
    entries->clear();
  }
  Gate([this, edge_id, entries](const absl::Status& status) {
    const auto found = edges_.find(edge_id);
    if (found == edges_.end() || !status.ok()) return;
    const EdgeAttach& attach = found->second.attach;
    for (v1::LogEntry& entry : *entries) {
      v1::EdgeDown message;
      message.set_handle(attach.handle);
      *message.mutable_entry() = std::move(entry);
      attach.sink->Send(std::move(message));
    }
  });
}

void SessionHost::OfferEntries(const std::vector<v1::LogEntry>& entries) {
  for (const v1::LogEntry& entry : entries) {
    for (auto& [id, watch] : watches_) {
      if (!watch.live) continue;
      if (auto projected = core_.ProjectEntry(entry, watch.viewer)) {
        v1::WatchEvent event;
        *event.mutable_entry() = *std::move(projected);
        watch.attach.sink->Send(std::move(event));
      }
    }
    for (auto& [id, edge] : edges_) {
      if (!edge.attach.hello.follow()) continue;
      if (auto projected = core_.ProjectEntry(entry, {v1::ROLE_PARTICIPANT, edge.participant})) {
        v1::EdgeDown message;
        message.set_handle(edge.attach.handle);
        *message.mutable_entry() = *std::move(projected);
        edge.attach.sink->Send(std::move(message));
      }
    }
  }
}

}  // namespace attune::node
