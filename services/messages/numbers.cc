#include "services/messages/numbers.h"

#include <cmath>

namespace attune::messages {
v1::Absence ToProto(synchrony::Absence absence) {
  switch (absence) {
    case synchrony::Absence::kNone:
      return v1::ABSENCE_NOT_APPLICABLE;
    case synchrony::Absence::kNotEnoughData:
      return v1::ABSENCE_NOT_ENOUGH_DATA;
    case synchrony::Absence::kArtefacts:
      return v1::ABSENCE_ARTEFACTS;
    case synchrony::Absence::kTimingTooUncertain:
      return v1::ABSENCE_TIMING_TOO_UNCERTAIN;
    case synchrony::Absence::kTooFewPeople:
      return v1::ABSENCE_TOO_FEW_PEOPLE;
    case synchrony::Absence::kNoConsent:
      return v1::ABSENCE_NO_CONSENT;
    case synchrony::Absence::kCommonCause:
      return v1::ABSENCE_COMMON_CAUSE;
    case synchrony::Absence::kTooManyPeople:
      return v1::ABSENCE_TOO_MANY_PEOPLE;
  }
  return v1::ABSENCE_NOT_ENOUGH_DATA;
}

v1::Number ToProto(const synchrony::Number& number) {
  v1::Number out;
  out.set_window_us(number.window_us);
  out.set_coverage(number.coverage);
  if (number.absent != synchrony::Absence::kNone) {
    out.set_absent(ToProto(number.absent));
    return out;
  }
  if (!std::isfinite(number.value)) {
    out.set_absent(v1::ABSENCE_NOT_ENOUGH_DATA);
    return out;
  }
  out.set_value(number.value);
  out.set_doubtful(number.doubtful);
  out.set_uncertainty(number.uncertainty);
  if (number.has_chance) {
    v1::Chance& chance = *out.mutable_chance();
    chance.set_mean(number.chance.mean);
    chance.set_low(number.chance.low);
    chance.set_high(number.chance.high);
    chance.set_p(number.chance.p);
    chance.set_shifts(static_cast<uint32_t>(number.chance.shifts));
    chance.set_above(number.chance.above);
    chance.set_z(number.chance.z);
  } else {
    out.set_chance_absent(ToProto(number.chance_absent));
  }
  return out;
}

v1::Measure ToProto(synchrony::Measure measure) { return static_cast<v1::Measure>(measure); }

void AddTo(const std::vector<synchrony::NamedNumber>& more,
           google::protobuf::RepeatedPtrField<v1::NamedNumber>& out) {
  for (const synchrony::NamedNumber& named : more) {
    v1::NamedNumber& to = *out.Add();
    to.set_measure(ToProto(named.measure));
    to.set_as_of_session_us(named.as_of_us);
    *to.mutable_number() = ToProto(named.number);
  }
}

v1::Frame ToProto(const synchrony::Frame& frame) {
  v1::Frame out;
  for (const synchrony::PersonNumbers& numbers : frame.people) {
    v1::PersonFrame& person = *out.add_people();
    person.set_participant(static_cast<uint32_t>(numbers.person));
    *person.mutable_hr_bpm() = ToProto(numbers.hr_bpm);
    *person.mutable_rmssd_ms() = ToProto(numbers.rmssd_ms);
    *person.mutable_artefact_share() = ToProto(numbers.artefact_share);
    if (numbers.last_beat_us >= 0) person.set_last_beat_session_us(numbers.last_beat_us);
    AddTo(numbers.more, *person.mutable_more());
  }
  for (const synchrony::PairNumbers& numbers : frame.pairs) {
    v1::PairFrame& pair = *out.add_pairs();
    pair.set_a(static_cast<uint32_t>(numbers.a));
    pair.set_b(static_cast<uint32_t>(numbers.b));
    *pair.mutable_r_mean_windowed() = ToProto(numbers.r_mean_windowed);
    *pair.mutable_r_zero_lag() = ToProto(numbers.r_zero_lag);
    *pair.mutable_r_peak() = ToProto(numbers.r_peak);
    *pair.mutable_lag_ms() = ToProto(numbers.lag_ms);
    *pair.mutable_plv_lf() = ToProto(numbers.plv_lf);
    AddTo(numbers.more, *pair.mutable_more());
  }
  v1::GroupFrame& group = *out.mutable_group();
  group.set_people(static_cast<uint32_t>(frame.group.contributors.size()));
  *group.mutable_order_parameter() = ToProto(frame.group.order_parameter);
  *group.mutable_r_mean_pairwise() = ToProto(frame.group.r_mean_pairwise);
  AddTo(frame.group.more, *group.mutable_more());
  return out;
}

}  // namespace attune::messages
