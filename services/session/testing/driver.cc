#include "services/session/testing/driver.h"

#include <cstdlib>
#include <iostream>

namespace attune::session::testing {
namespace {

// A driver whose script does not work is a broken test: stop at once, and say where.
void Must(const absl::Status& status) {
  if (status.ok()) return;
  std::cerr << "driver: " << status << std::endl;
  std::abort();
}

}  // namespace

const Granted& AllGrants() {
  static const Granted all = {
      {v1::PURPOSE_MEASURE, v1::AUDIENCE_SELF},
      {v1::PURPOSE_GROUP, v1::AUDIENCE_SESSION},
      {v1::PURPOSE_PAIR, v1::AUDIENCE_PARTNER},
      {v1::PURPOSE_PAIR, v1::AUDIENCE_FACILITATOR},
      {v1::PURPOSE_INDIVIDUAL, v1::AUDIENCE_FACILITATOR},
      {v1::PURPOSE_REPORT, v1::AUDIENCE_SELF},
  };
  return all;
}

v1::Consent ConsentTo(v1::Purpose purpose, v1::Audience audience, bool granted) {
  v1::Consent consent;
  consent.set_purpose(purpose);
  consent.set_audience(audience);
  consent.set_granted(granted);
  consent.set_text_version("1");
  return consent;
}

Driver::Driver(v1::SessionKind kind, uint32_t k_min, int64_t planned_end_us, const Limits& limits,
               const std::vector<v1::Measure>& measures)
    : limits_(limits), core_(limits) {
  v1::CreateSessionRequest request;
  request.set_request_id(NextRequestId());
  request.set_kind(kind);
  request.set_title("Test");
  request.set_k_min(k_min);
  request.set_planned_end_session_us(planned_end_us);
  for (const v1::Measure measure : measures) request.add_measures(measure);
  SessionCore::CreateOptions options;
  options.session_id = "session-0123456789";
  options.join_code = "ABCDEF";
  options.utc_us = 1'700'000'000'000'000;
  options.lab_allowed = true;
  Do(SessionCore::ProposeCreate(request, options));
  Owner(0);
}

std::string Driver::NextRequestId() { return "request-" + std::to_string(++requests_); }

Effects Driver::Do(const absl::StatusOr<v1::JournalRecord>& proposal) {
  Must(proposal.status());
  absl::StatusOr<Effects> effects = core_.Apply(*proposal);
  Must(effects.status());
  records_.push_back(*proposal);
  log_.insert(log_.end(), effects->log.begin(), effects->log.end());
  if (effects->frame != nullptr) {
    last_frame_ = effects->frame;
    const auto [known, fresh] =
        frames_.emplace(effects->frame->tick(), effects->frame->SerializeAsString());
    if (!fresh && known->second != effects->frame->SerializeAsString()) {
      Must(absl::DataLossError("tick " + std::to_string(known->first) + " came out differently"));
    }
  }
  return *std::move(effects);
}

void Driver::Owner(int64_t now_us) {
  v1::OwnerTaken owner;
  owner.set_epoch(++epoch_);
  owner.set_nonce(std::string(16, 'n'));
  owner.set_node("node-1");
  Do(core_.ProposeOwnerTaken(owner, now_us));
}

uint32_t Driver::Join(const std::string& alias, const Granted& granted, int64_t now_us,
                      const std::string& dyad_key) {
  v1::JoinSessionRequest request;
  request.set_request_id(NextRequestId());
  request.set_alias(alias);
  request.set_dyad_key(dyad_key);
  for (const auto& [purpose, audience] : granted) {
    *request.add_consents() = ConsentTo(purpose, audience);
  }
  std::string subject = "subject:" + alias;
  subject.resize(16, '.');
  const absl::StatusOr<v1::JournalRecord> record = core_.ProposeJoin(request, subject, now_us);
  Do(record);
  while (auto dyad = core_.ProposeDyad(now_us)) Do(*dyad);
  return record->joined().participant();
}

void Driver::Consent(uint32_t participant, v1::Purpose purpose, v1::Audience audience, bool granted,
                     int64_t now_us) {
  v1::SetConsentRequest request;
  request.set_request_id(NextRequestId());
  *request.add_consents() = ConsentTo(purpose, audience, granted);
  Do(core_.ProposeConsent(participant, request, now_us));
}

v1::Observations BeatsMessage(const std::vector<HeartBeat>& beats, size_t from, size_t to,
                              int64_t complete_us) {
  v1::Observations message;
  message.set_first_seq(from + 1);
  message.set_complete_through_session_us(complete_us);
  message.mutable_timing()->set_jitter_us(10'000);
  message.mutable_timing()->set_offset_bound_us(50'000);
  for (size_t i = from; i < to; ++i) {
    message.mutable_beats()->add_time_session_us(beats[i].time_us);
    message.mutable_beats()->add_rr_1024(beats[i].rr_1024);
  }
  return message;
}

bool Driver::Send(uint32_t participant, const std::vector<HeartBeat>& beats, size_t from, size_t to,
                  int64_t complete_us, int64_t now_us, const std::string& boot_id) {
  if (from == to) {
    core_.NoteComplete(participant, complete_us);
    return false;
  }
  const auto proposal = core_.ProposeObservations(
      participant, boot_id, BeatsMessage(beats, from, to, complete_us), now_us);
  Must(proposal.status());
  if (!proposal->has_value()) {
    core_.NoteComplete(participant, complete_us);
    return false;
  }
  Do(**proposal);
  return true;
}

void Driver::Tick(int64_t now_us) {
  while (auto record = core_.ProposeTimed(now_us)) Do(*record);
}

void Driver::End(int64_t at_us, int64_t now_us) {
  v1::EndSessionRequest request;
  request.set_request_id(NextRequestId());
  request.set_at_session_us(at_us);
  Do(core_.ProposeEnd(request, now_us));
}

v1::Report Driver::Report() {
  const auto builder = core_.BuildReport();
  while (!builder->Step(50)) {
  }
  return builder->Take();
}

void Driver::Replay(size_t lost) {
  for (; lost > 0; --lost) {
    const v1::JournalRecord& last = records_.back();
    if (!last.has_observations() && !last.has_tick_closed() && !last.has_gap()) break;
    records_.pop_back();
  }
  SessionCore fresh(limits_);
  for (const v1::JournalRecord& record : records_) Must(fresh.Apply(record).status());
  core_ = std::move(fresh);
}

void Driver::SaveAndRestore() {
  absl::StatusOr<SessionCore> restored = SessionCore::Restore(core_.Save(), limits_);
  Must(restored.status());
  core_ = *std::move(restored);
}

Staged Stage(v1::SessionKind kind, int people, int seconds, const Granted& granted,
             const std::vector<std::string>& keys, uint32_t k_min) {
  Staged staged{Driver(kind, k_min), {}};
  for (int i = 0; i < people; ++i) {
    const std::string key = static_cast<size_t>(i) < keys.size() ? keys[i] : "";
    const uint32_t number = staged.driver.Join("P" + std::to_string(i + 1), granted, 0, key);
    staged.driver.core().NoteAttached(number, true, 0);
    HeartSpec spec;
    spec.seed = static_cast<uint64_t>(i) + 1;
    // Neighbours 1-2, 3-4 ... share their slow wave.
    spec.wave_seed = static_cast<uint64_t>(i / 2) + 1;
    spec.mean_rr_s = 0.8 + 0.03 * (i % 5);
    spec.to_us = seconds * kS;
    staged.hearts.push_back(Heart(spec));
  }
  PlaySeconds(staged, 0, seconds);
  return staged;
}

void PlaySeconds(Staged& staged, int from, int to) {
  for (int second = from + 1; second <= to; ++second) {
    const int64_t now_us = second * kS;
    for (size_t i = 0; i < staged.hearts.size(); ++i) {
      const auto& beats = staged.hearts[i];
      size_t begin = 0;
      while (begin < beats.size() && beats[begin].time_us <= now_us - kS) ++begin;
      size_t end = begin;
      while (end < beats.size() && beats[end].time_us <= now_us) ++end;
      const auto number = static_cast<uint32_t>(i) + 1;
      if (!staged.driver.core().IsActive(number)) continue;
      staged.driver.Send(number, beats, begin, end, now_us, now_us);
    }
    staged.driver.Tick(now_us);
  }
}

}  // namespace attune::session::testing
