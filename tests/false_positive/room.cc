#include "tests/false_positive/room.h"

#include <cstdint>
#include <cstdlib>
#include <iostream>
#include <string>

#include "absl/status/statusor.h"
#include "services/session/session_core.h"

namespace attune::false_positive {
namespace {

constexpr int64_t kSecondUs = 1'000'000;
constexpr int kSecondsAhead = 5;  // more than a tick looks beyond its end

template <typename T>
T Must(absl::StatusOr<T> result) {
  if (!result.ok()) {
    std::cerr << "room: " << result.status() << std::endl;
    std::abort();
  }
  return *std::move(result);
}

void Allow(v1::Purpose purpose, v1::Audience audience, v1::JoinSessionRequest& request) {
  v1::Consent& consent = *request.add_consents();
  consent.set_purpose(purpose);
  consent.set_audience(audience);
  consent.set_granted(true);
  consent.set_text_version("1");
}

session::SessionCore Open(int people, const std::vector<v1::Measure>& measures) {
  v1::CreateSessionRequest request;
  request.set_request_id("create-room");
  request.set_kind(v1::SESSION_KIND_LAB);
  request.set_title("Strangers");
  session::SessionCore::CreateOptions options;
  for (const v1::Measure measure : measures) request.add_measures(measure);
  options.session_id = "session-0123456789";
  options.join_code = "ABCDEF";
  options.lab_allowed = true;
  // Frames are looked at once and not asked for again.
  session::Limits limits;
  limits.frames_kept = 1;
  session::SessionCore core(limits);
  Must(core.Apply(Must(session::SessionCore::ProposeCreate(request, options))));
  v1::OwnerTaken owner;
  owner.set_epoch(1);
  owner.set_nonce(std::string(16, 'n'));
  owner.set_node("node-1");
  Must(core.Apply(Must(core.ProposeOwnerTaken(owner, 0))));
  for (int i = 1; i <= people; ++i) {
    v1::JoinSessionRequest join;
    join.set_request_id("join-room-" + std::to_string(i));
    join.set_alias("P" + std::to_string(i));
    Allow(v1::PURPOSE_MEASURE, v1::AUDIENCE_SELF, join);
    Allow(v1::PURPOSE_GROUP, v1::AUDIENCE_SESSION, join);
    Allow(v1::PURPOSE_INDIVIDUAL, v1::AUDIENCE_FACILITATOR, join);
    std::string subject = "subject-" + std::to_string(i);
    subject.resize(16, '.');
    Must(core.Apply(Must(core.ProposeJoin(join, subject, 0))));
    core.NoteAttached(static_cast<uint32_t>(i), true, 0);
  }
  return core;
}

}  // namespace

void PlayRoom(const std::vector<Heart>& hearts, int seconds,
              const std::function<void(const v1::Frame&)>& look,
              const std::vector<v1::Measure>& measures) {
  const int people = static_cast<int>(hearts.size());
  session::SessionCore core = Open(people, measures);
  const std::string boot_id(16, 'b');
  const session::Viewer facilitator{v1::ROLE_FACILITATOR, 0};
  std::vector<size_t> sent(hearts.size());
  int looked = 0;
  for (int second = 1; looked < seconds && second <= seconds + kSecondsAhead; ++second) {
    const int64_t now_us = second * kSecondUs;
    for (size_t i = 0; i < hearts.size(); ++i) {
      const auto participant = static_cast<uint32_t>(i) + 1;
      v1::Observations message;
      message.set_first_seq(sent[i] + 1);
      message.set_complete_through_session_us(now_us);
      message.mutable_timing()->set_jitter_us(10'000);
      message.mutable_timing()->set_offset_bound_us(50'000);
      v1::Beats& beats = *message.mutable_beats();
      for (; sent[i] < hearts[i].size() && hearts[i][sent[i]].time_us <= now_us; ++sent[i]) {
        const synchrony::Beat& beat = hearts[i][sent[i]];
        if (beat.gap_before) {
          beats.add_gap_before(static_cast<uint32_t>(beats.time_session_us_size()));
        }
        beats.add_time_session_us(beat.time_us);
        beats.add_rr_1024(beat.rr_1024);
      }
      if (beats.time_session_us_size() == 0) {
        core.NoteComplete(participant, now_us);
        continue;
      }
      const auto record = Must(core.ProposeObservations(participant, boot_id, message, now_us));
      Must(core.Apply(*record));
    }
    while (const auto record = core.ProposeTimed(now_us)) {
      const session::Effects effects = Must(core.Apply(*record));
      if (effects.frame == nullptr || ++looked > seconds) continue;
      look(core.ProjectFrame(*effects.frame, facilitator));
    }
  }
  if (looked < seconds) {
    std::cerr << "room: only " << looked << " of " << seconds << " ticks closed" << std::endl;
    std::abort();
  }
}

}  // namespace attune::false_positive
