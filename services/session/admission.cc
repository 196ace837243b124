#include "services/session/admission.h"

#include <algorithm>
#include <cmath>
#include <string>

#include "absl/strings/str_cat.h"
#include "services/base/status_macros.h"
#include "services/messages/observations.h"
#include "services/session/consent.h"
#include "services/session/roster.h"

namespace attune::session {
namespace {

constexpr uint32_t kRrMost = 65'535;
constexpr uint32_t kTimingMostUs = 60 * 1'000'000;
constexpr uint32_t kPercentMost = 100;

absl::Status CheckTimes(const google::protobuf::RepeatedField<int64_t>& times, int64_t latest_us) {
  if (times.empty() || times.size() > kValuesMost) {
    return absl::InvalidArgumentError(
        absl::StrCat("a message holds 1..", kValuesMost, " values, this one ", times.size()));
  }
  int64_t before_us = 0;
  for (int i = 0; i < times.size(); ++i) {
    if (times[i] < 0) {
      return absl::InvalidArgumentError(
          absl::StrCat("value ", i, " lies before the session (", times[i], " us)"));
    }
    if (times[i] < before_us) {
      return absl::InvalidArgumentError(
          absl::StrCat("the time of value ", i, " is less than that of the value before it"));
    }
    if (times[i] > latest_us) {
      return absl::InvalidArgumentError(absl::StrCat(
          "value ", i, " lies ", (times[i] - latest_us) / 1000,
          " ms beyond the latest time that is taken; probe the clock and stamp again"));
    }
    before_us = times[i];
  }
  return absl::OkStatus();
}

absl::Status CheckLength(int values, int times) {
  if (values == times) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat(times, " times but ", values, " values: the arrays must be equally long"));
}

absl::Status CheckBeats(const v1::Beats& beats) {
  ATTUNE_RETURN_IF_ERROR(CheckLength(beats.rr_1024_size(), beats.time_session_us_size()));
  for (int i = 0; i < beats.rr_1024_size(); ++i) {
    if (beats.rr_1024(i) == 0 || beats.rr_1024(i) > kRrMost) {
      return absl::InvalidArgumentError(absl::StrCat("beat ", i, " has rr_1024 ", beats.rr_1024(i),
                                                     "; 1..", kRrMost, " is taken (64 s at most)"));
    }
  }
  int64_t before = -1;
  for (const uint32_t index : beats.gap_before()) {
    if (int64_t{index} <= before || index >= static_cast<uint32_t>(beats.rr_1024_size())) {
      return absl::InvalidArgumentError("gap_before must be ascending indices of beats");
    }
    before = index;
  }
  return absl::OkStatus();
}

absl::Status CheckFinite(const google::protobuf::RepeatedField<float>& values) {
  for (int i = 0; i < values.size(); ++i) {
    if (!std::isfinite(values[i])) {
      return absl::InvalidArgumentError(absl::StrCat("value ", i, " is not a finite number"));
    }
  }
  return absl::OkStatus();
}

// Drops the first `count` of `field`.
template <typename Field>
void Cut(Field* field, int count) {
  field->erase(field->begin(), field->begin() + count);
}

void CutKnown(v1::Observations& observations, int count) {
  switch (observations.kind_case()) {
    case v1::Observations::kBeats: {
      v1::Beats& beats = *observations.mutable_beats();
      Cut(beats.mutable_time_session_us(), count);
      Cut(beats.mutable_rr_1024(), count);
      std::vector<uint32_t> gaps(beats.gap_before().begin(), beats.gap_before().end());
      beats.clear_gap_before();
      for (const uint32_t index : gaps) {
        if (index >= static_cast<uint32_t>(count)) beats.add_gap_before(index - count);
      }
      break;
    }
    case v1::Observations::kContacts:
      Cut(observations.mutable_contacts()->mutable_time_session_us(), count);
      Cut(observations.mutable_contacts()->mutable_on_skin(), count);
      break;
    case v1::Observations::kMotions:
      Cut(observations.mutable_motions()->mutable_time_session_us(), count);
      Cut(observations.mutable_motions()->mutable_rms_g(), count);
      break;
    case v1::Observations::kRespirations:
      Cut(observations.mutable_respirations()->mutable_time_session_us(), count);
      Cut(observations.mutable_respirations()->mutable_value(), count);
      break;
    case v1::Observations::kBatteries:
      Cut(observations.mutable_batteries()->mutable_time_session_us(), count);
      Cut(observations.mutable_batteries()->mutable_percent(), count);
      break;
    case v1::Observations::KIND_NOT_SET:
      break;
  }
  observations.set_first_seq(observations.first_seq() + count);
}

absl::Status CheckBootId(const State& state, const Person& person, std::string_view boot_id) {
  if (boot_id.size() != kBootIdBytes) {
    return absl::InvalidArgumentError(absl::StrCat("boot_id must be ", kBootIdBytes, " bytes"));
  }
  if (FindSpool(person, boot_id) == nullptr &&
      person.spools.size() >= state.limits.spools_per_person) {
    return absl::ResourceExhaustedError(
        absl::StrCat("at most ", state.limits.spools_per_person,
                     " spools of one person in a session: keep the spool over restarts"));
  }
  return absl::OkStatus();
}

absl::Status JumpError(uint64_t cursor, uint64_t first) {
  return absl::OutOfRangeError(absl::StrCat("the next number is ", cursor + 1, ", not ", first,
                                            ": send what is between, or a Gap for it"));
}

}  // namespace

const Spool* FindSpool(const Person& person, std::string_view boot_id) {
  for (const Spool& spool : person.spools) {
    if (spool.boot_id == boot_id) return &spool;
  }
  return nullptr;
}

absl::Status CheckSource(const State& state, uint32_t participant) {
  const Person* person = state.book.Find(participant);
  if (person == nullptr) {
    return absl::NotFoundError(absl::StrCat("no participant ", participant, " in this session"));
  }
  if (person->erased) {
    return absl::FailedPreconditionError("this person was erased; nothing more is taken");
  }
  if (person->left) return absl::FailedPreconditionError("this person left; join again");
  if (LifeOf(state.book) == v1::SESSION_STATE_CLOSED) {
    return absl::FailedPreconditionError("the session is closed; nothing more is taken");
  }
  if (!Has(GrantsOf(*person), kMeasure)) {
    return absl::PermissionDeniedError(
        "no data without consent: grant PURPOSE_MEASURE to AUDIENCE_SELF");
  }
  return absl::OkStatus();
}

absl::Status CheckObservations(const v1::Observations& observations, int64_t latest_us) {
  if (observations.first_seq() == 0 || observations.first_seq() >= kSeqMost - kValuesMost) {
    return absl::InvalidArgumentError("first_seq must be at least 1 (and below 2^62)");
  }
  if (observations.complete_through_session_us() < 0) {
    return absl::InvalidArgumentError("complete_through_session_us is negative");
  }
  if (observations.timing().jitter_us() > kTimingMostUs ||
      observations.timing().offset_bound_us() > kTimingMostUs) {
    return absl::InvalidArgumentError("jitter and offset bound must be at most 60 s");
  }
  switch (observations.kind_case()) {
    case v1::Observations::kBeats:
      ATTUNE_RETURN_IF_ERROR(CheckTimes(observations.beats().time_session_us(), latest_us));
      return CheckBeats(observations.beats());
    case v1::Observations::kContacts: {
      const v1::Contacts& contacts = observations.contacts();
      ATTUNE_RETURN_IF_ERROR(CheckTimes(contacts.time_session_us(), latest_us));
      return CheckLength(contacts.on_skin_size(), contacts.time_session_us_size());
    }
    case v1::Observations::kMotions: {
      const v1::Motions& motions = observations.motions();
      ATTUNE_RETURN_IF_ERROR(CheckTimes(motions.time_session_us(), latest_us));
      ATTUNE_RETURN_IF_ERROR(CheckLength(motions.rms_g_size(), motions.time_session_us_size()));
      return CheckFinite(motions.rms_g());
    }
    case v1::Observations::kRespirations: {
      const v1::Respirations& breath = observations.respirations();
      ATTUNE_RETURN_IF_ERROR(CheckTimes(breath.time_session_us(), latest_us));
      ATTUNE_RETURN_IF_ERROR(CheckLength(breath.value_size(), breath.time_session_us_size()));
      return CheckFinite(breath.value());
    }
    case v1::Observations::kBatteries: {
      const v1::Batteries& batteries = observations.batteries();
      ATTUNE_RETURN_IF_ERROR(CheckTimes(batteries.time_session_us(), latest_us));
      ATTUNE_RETURN_IF_ERROR(
          CheckLength(batteries.percent_size(), batteries.time_session_us_size()));
      const auto& percent = batteries.percent();
      if (std::any_of(percent.begin(), percent.end(),
                      [](uint32_t value) { return value > kPercentMost; })) {
        return absl::InvalidArgumentError("a battery level is 0..100 percent");
      }
      return absl::OkStatus();
    }
    case v1::Observations::KIND_NOT_SET:
      break;
  }
  return absl::InvalidArgumentError("observations without a kind that is known here");
}

absl::StatusOr<std::optional<v1::ObservationsAdmitted>> AdmitObservations(
    const State& state, uint32_t participant, std::string_view boot_id,
    const v1::Observations& observations, int64_t now_us) {
  ATTUNE_RETURN_IF_ERROR(CheckSource(state, participant));
  const Person& person = *state.book.Find(participant);
  ATTUNE_RETURN_IF_ERROR(CheckBootId(state, person, boot_id));
  const int64_t latest_us = now_us + state.book.Scaled(kAheadUs);
  ATTUNE_RETURN_IF_ERROR(CheckObservations(observations, latest_us));

  const Spool* spool = FindSpool(person, boot_id);
  const uint64_t cursor = spool == nullptr ? 0 : spool->cursor;
  const int count = messages::CountOf(observations);
  const uint64_t first = observations.first_seq();
  if (first > cursor + 1) return JumpError(cursor, first);
  if (first + count - 1 <= cursor) return std::nullopt;

  v1::ObservationsAdmitted admitted;
  admitted.set_participant(participant);
  admitted.set_boot_id(std::string(boot_id));
  *admitted.mutable_observations() = observations;
  if (first <= cursor) {
    CutKnown(*admitted.mutable_observations(), static_cast<int>(cursor + 1 - first));
  }
  // A claim about the far future would only take its sender out of what ticks wait for.
  if (observations.complete_through_session_us() > latest_us) {
    admitted.mutable_observations()->set_complete_through_session_us(latest_us);
  }
  if (person.beats.size() + admitted.observations().beats().rr_1024_size() >
      state.limits.beats_per_person) {
    return absl::ResourceExhaustedError(
        absl::StrCat("at most ", state.limits.beats_per_person, " beats of one person"));
  }
  return admitted;
}

absl::StatusOr<std::optional<v1::GapAdmitted>> AdmitGap(const State& state, uint32_t participant,
                                                        std::string_view boot_id,
                                                        const v1::Gap& gap) {
  ATTUNE_RETURN_IF_ERROR(CheckSource(state, participant));
  const Person& person = *state.book.Find(participant);
  ATTUNE_RETURN_IF_ERROR(CheckBootId(state, person, boot_id));
  if (gap.reason() == v1::GAP_REASON_UNSPECIFIED || !v1::GapReason_IsValid(gap.reason())) {
    return absl::InvalidArgumentError("a gap needs a reason");
  }
  if (gap.from_session_us() < 0 || gap.to_session_us() < 0 ||
      (gap.to_session_us() != 0 && gap.to_session_us() < gap.from_session_us())) {
    return absl::InvalidArgumentError("the times of a gap must not be negative or reversed");
  }
  const bool numbers = gap.first_seq() != 0 || gap.last_seq() != 0;
  if (numbers &&
      (gap.first_seq() == 0 || gap.last_seq() < gap.first_seq() || gap.last_seq() >= kSeqMost)) {
    return absl::InvalidArgumentError("a gap's numbers must be first <= last, from 1, or both 0");
  }
  const Spool* spool = FindSpool(person, boot_id);
  const uint64_t cursor = spool == nullptr ? 0 : spool->cursor;
  v1::GapAdmitted admitted;
  admitted.set_participant(participant);
  admitted.set_boot_id(std::string(boot_id));
  *admitted.mutable_gap() = gap;
  if (!numbers) {
    const bool known =
        spool != nullptr && spool->last_gap.SerializeAsString() == gap.SerializeAsString();
    if (known) return std::nullopt;
    return admitted;
  }
  if (gap.first_seq() > cursor + 1) return JumpError(cursor, gap.first_seq());
  if (gap.last_seq() <= cursor) return std::nullopt;
  admitted.mutable_gap()->set_first_seq(cursor + 1);
  return admitted;
}

}  // namespace attune::session
