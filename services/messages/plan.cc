#include "services/messages/plan.h"

#include <algorithm>
#include <limits>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "services/synchrony/engine.h"

namespace attune::messages {
namespace {

absl::Status Wrong(const std::string& what) { return absl::InvalidArgumentError(what); }

int64_t FromProto(int64_t from_us) { return from_us < 0 ? synchrony::kNever : from_us; }

// Engines count people in int.
bool IsParticipant(uint32_t number) {
  return number >= 1 && number <= static_cast<uint32_t>(std::numeric_limits<int>::max());
}

absl::Status AddPhases(const v1::ExportHead& head, synchrony::Plan& plan) {
  int64_t end_us = 0;
  for (const v1::Phase& phase : head.phases()) {
    if (phase.from_session_us() != end_us || phase.to_session_us() < end_us) {
      return Wrong(
          absl::StrCat("phase ", phase.phase(), " does not begin where the last one ends"));
    }
    end_us = phase.to_session_us();
    plan.phases.push_back({phase.phase(), phase.from_session_us(), end_us});
  }
  if (plan.phases.empty() || end_us != plan.length_us) {
    return Wrong("the phases do not end where the session does");
  }
  return absl::OkStatus();
}

absl::Status AddPeople(const v1::ExportHead& head, synchrony::Plan& plan) {
  if (head.people_size() > kExportPeopleMost) {
    return Wrong(absl::StrCat("more than ", kExportPeopleMost, " people"));
  }
  for (const v1::ExportPerson& person : head.people()) {
    const auto number = static_cast<int>(person.participant());
    if (!IsParticipant(person.participant()) ||
        (!plan.people.empty() && plan.people.back().person >= number)) {
      return Wrong(
          absl::StrCat("participant ", person.participant(), " is not in the order of numbers"));
    }
    synchrony::PlanPerson& to = plan.people.emplace_back();
    to.person = number;
    to.until_us = person.left_session_us() > 0 ? person.left_session_us() : synchrony::kNever;
    to.measured_from_us = FromProto(person.measured_from_us());
    to.group_from_us = FromProto(person.group_from_us());
    to.open_from_us = FromProto(person.open_from_us());
    to.counts_from_us = FromProto(person.counts_from_us());
  }
  return absl::OkStatus();
}

// In Plan::people; its size when there is no such participant.
size_t IndexOf(const synchrony::Plan& plan, uint32_t participant) {
  const auto it = std::lower_bound(plan.people.begin(), plan.people.end(), participant,
                                   [](const synchrony::PlanPerson& person, uint32_t number) {
                                     return static_cast<uint32_t>(person.person) < number;
                                   });
  const bool found = it != plan.people.end() && static_cast<uint32_t>(it->person) == participant;
  return found ? static_cast<size_t>(it - plan.people.begin()) : plan.people.size();
}

}  // namespace

std::vector<synchrony::PlanCause> CausesOf(
    const google::protobuf::RepeatedPtrField<v1::Practice>& practices) {
  std::vector<synchrony::PlanCause> causes;
  for (const v1::Practice& practice : practices) {
    if (practice.kind() != v1::PRACTICE_KIND_PACED_BREATHING &&
        practice.kind() != v1::PRACTICE_KIND_SHARED_STIMULUS) {
      continue;
    }
    synchrony::PlanCause& cause = causes.emplace_back();
    cause.from_us = practice.started_session_us();
    if (practice.stopped_session_us() != 0) cause.to_us = practice.stopped_session_us();
    const v1::Pacer& pacer = practice.pacer();
    const uint64_t breath_ms =
        uint64_t{pacer.inhale_ms()} + uint64_t{pacer.hold_ms()} + uint64_t{pacer.exhale_ms()};
    if (breath_ms > 0) cause.pacer_hz = 1000.0 / static_cast<double>(breath_ms);
  }
  return causes;
}

void SetBaseline(const google::protobuf::RepeatedPtrField<v1::Practice>& practices,
                 const google::protobuf::RepeatedPtrField<v1::Phase>& phases,
                 synchrony::Plan& plan) {
  for (const v1::Practice& practice : practices) {
    if (practice.kind() != v1::PRACTICE_KIND_BASELINE) continue;
    const int64_t stopped_us = practice.stopped_session_us();
    plan.baseline_from_us = practice.started_session_us();
    plan.baseline_to_us = stopped_us == 0 ? plan.length_us : std::min(stopped_us, plan.length_us);
    return;
  }
  for (const v1::Phase& phase : phases) {
    if (!absl::EqualsIgnoreCase(absl::StripAsciiWhitespace(phase.label()), "baseline")) continue;
    plan.baseline_from_us = phase.from_session_us();
    plan.baseline_to_us = phase.to_session_us();
    return;
  }
}

int64_t FromToProto(int64_t from_us) { return from_us == synchrony::kNever ? -1 : from_us; }

absl::StatusOr<synchrony::Plan> PlanOf(const v1::ExportHead& head) {
  synchrony::Plan plan;
  if (head.tick_ms() != 250 && head.tick_ms() != 1000) {
    return Wrong(absl::StrCat("tick_ms is ", head.tick_ms(), ", neither 250 nor 1000"));
  }
  plan.tick_us = int64_t{head.tick_ms()} * 1000;
  if (head.length_us() < 0 || head.length_us() > kExportLengthMostUs) {
    return Wrong(absl::StrCat("length_us is ", head.length_us(), ", not between 0 and a month"));
  }
  plan.length_us = head.length_us();
  if (const absl::Status status = AddPhases(head, plan); !status.ok()) return status;
  if (const absl::Status status = AddPeople(head, plan); !status.ok()) return status;
  for (const v1::ExportPair& pair : head.pairs()) {
    const size_t people = plan.people.size();
    if (pair.a() >= pair.b() || IndexOf(plan, pair.a()) == people ||
        IndexOf(plan, pair.b()) == people) {
      return Wrong(absl::StrCat("pair ", pair.a(), " and ", pair.b(), ": not two exported people"));
    }
    plan.pairs.push_back({static_cast<int>(pair.a()), static_cast<int>(pair.b()),
                          FromProto(pair.from_session_us())});
  }
  plan.open_people_most = std::min<uint32_t>(head.open_people_most(), kExportPeopleMost);
  plan.causes = CausesOf(head.practices());
  SetBaseline(head.practices(), head.phases(), plan);
  for (const int number : head.measures()) {
    const auto measure = static_cast<synchrony::Measure>(number);
    const synchrony::MeasureInfo* info =
        number > 0 && number <= UINT16_MAX ? synchrony::FindMeasure(measure) : nullptr;
    if (info == nullptr || info->availability != synchrony::Availability::kOnRequest ||
        (!plan.measures.empty() && plan.measures.back() >= measure)) {
      return Wrong(absl::StrCat("measure ", number, " is unknown here, or out of order"));
    }
    plan.measures.push_back(measure);
  }
  return plan;
}

absl::Status AddBeat(uint32_t participant, const synchrony::TimedBeat& beat,
                     synchrony::Plan& plan) {
  const size_t index = IndexOf(plan, participant);
  if (index == plan.people.size()) {
    return Wrong(absl::StrCat("participant ", participant, " is not one of the people above"));
  }
  std::vector<synchrony::TimedBeat>& beats = plan.people[index].beats;
  if (beat.beat.time_us < 0 || beat.beat.time_us > kExportLengthMostUs || beat.beat.rr_1024 == 0) {
    return Wrong("a beat's time lies outside the session, or its interval is 0");
  }
  if (beat.timing.jitter_us < 0 || beat.timing.offset_bound_us < 0) {
    return Wrong("an uncertainty is negative");
  }
  if (!beats.empty() && beats.back().beat.time_us > beat.beat.time_us) {
    return Wrong(absl::StrCat("the time goes back for participant ", participant));
  }
  beats.push_back(beat);
  return absl::OkStatus();
}

}  // namespace attune::messages
