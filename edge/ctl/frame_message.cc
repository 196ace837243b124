#include "edge/ctl/frame_message.h"

#include <algorithm>

namespace attune::edge {
namespace {

v1::Absence ToMessage(synchrony::Absence absence) {
  switch (absence) {
    case synchrony::Absence::kNone:
      return v1::ABSENCE_NOT_APPLICABLE;  // of a chance level: it has none by its nature
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
  return v1::ABSENCE_UNSPECIFIED;
}

}  // namespace

v1::Number ToMessage(const synchrony::Number& number) {
  v1::Number out;
  if (number.absent == synchrony::Absence::kNone) {
    out.set_value(number.value);
  } else {
    out.set_absent(ToMessage(number.absent));
  }
  out.set_window_us(number.window_us);
  out.set_coverage(number.coverage);
  if (number.has_chance) {
    v1::Chance* chance = out.mutable_chance();
    chance->set_mean(number.chance.mean);
    chance->set_low(number.chance.low);
    chance->set_high(number.chance.high);
    chance->set_p(number.chance.p);
    chance->set_shifts(static_cast<uint32_t>(number.chance.shifts));
    chance->set_above(number.chance.above);
  } else {
    out.set_chance_absent(ToMessage(number.chance_absent));
  }
  return out;
}

v1::Frame ToMessage(const synchrony::Frame& frame, uint64_t tick) {
  v1::Frame out;
  out.set_tick(tick);
  out.set_end_session_us(frame.tick_end_us);
  for (const synchrony::PersonNumbers& person : frame.people) {
    v1::PersonFrame* to = out.add_people();
    to->set_participant(static_cast<uint32_t>(person.person));
    *to->mutable_hr_bpm() = ToMessage(person.hr_bpm);
    *to->mutable_rmssd_ms() = ToMessage(person.rmssd_ms);
    *to->mutable_artefact_share() = ToMessage(person.artefact_share);
    to->set_last_beat_session_us(std::max<int64_t>(0, person.last_beat_us));
  }
  for (const synchrony::PairNumbers& pair : frame.pairs) {
    v1::PairFrame* to = out.add_pairs();
    to->set_a(static_cast<uint32_t>(pair.a));
    to->set_b(static_cast<uint32_t>(pair.b));
    *to->mutable_r_mean_windowed() = ToMessage(pair.r_mean_windowed);
    *to->mutable_r_zero_lag() = ToMessage(pair.r_zero_lag);
    *to->mutable_r_peak() = ToMessage(pair.r_peak);
    *to->mutable_lag_ms() = ToMessage(pair.lag_ms);
  }
  v1::GroupFrame* group = out.mutable_group();
  group->set_people(static_cast<uint32_t>(frame.group.contributors.size()));
  *group->mutable_order_parameter() = ToMessage(frame.group.order_parameter);
  *group->mutable_r_mean_pairwise() = ToMessage(frame.group.r_mean_pairwise);
  return out;
}

}  // namespace attune::edge
