#include "services/messages/summary.h"

#include "services/messages/numbers.h"

namespace attune::messages {
namespace {

void WriteQuality(const synchrony::DataQuality& quality, v1::DataQuality& out) {
  out.set_beats(quality.beats);
  out.set_artefacts(quality.artefacts);
  out.set_gaps(quality.gaps);
  out.set_coverage(quality.coverage);
  out.set_first_beat_session_us(quality.first_beat_us);
  out.set_last_beat_session_us(quality.last_beat_us);
  out.set_rejudged(quality.rejudged);
}

}  // namespace

void AddSummary(const synchrony::Summary& summary, v1::Report& report) {
  for (const synchrony::PersonSummary& person : summary.people) {
    v1::PersonReport& out = *report.add_people();
    out.set_participant(static_cast<uint32_t>(person.person));
    WriteQuality(person.quality, *out.mutable_quality());
    for (const synchrony::PersonPhase& phase : person.phases) {
      v1::PersonPhase& to = *out.add_phases();
      to.set_phase(phase.phase);
      *to.mutable_hr_bpm() = ToProto(phase.hr_bpm);
      *to.mutable_rmssd_ms() = ToProto(phase.rmssd_ms);
      AddTo(phase.more, *to.mutable_more());
    }
  }
  for (const synchrony::PairSummary& pair : summary.pairs) {
    v1::PairReport& out = *report.add_pairs();
    out.set_a(static_cast<uint32_t>(pair.a));
    out.set_b(static_cast<uint32_t>(pair.b));
    for (const synchrony::PairPhase& phase : pair.phases) {
      v1::PairPhase& to = *out.add_phases();
      to.set_phase(phase.phase);
      *to.mutable_r_mean_windowed() = ToProto(phase.r_mean_windowed);
      to.set_share_above(phase.share_above);
      to.set_ticks(phase.ticks);
      *to.mutable_plv_lf() = ToProto(phase.plv_lf);
      to.set_plv_lf_share_above(phase.plv_lf_share_above);
      AddTo(phase.more, *to.mutable_more());
    }
  }
  for (const synchrony::GroupPhase& phase : summary.group) {
    v1::GroupPhase& to = *report.mutable_group()->add_phases();
    to.set_phase(phase.phase);
    *to.mutable_order_parameter() = ToProto(phase.order_parameter);
    *to.mutable_r_mean_pairwise() = ToProto(phase.r_mean_pairwise);
    to.set_share_above(phase.share_above);
    to.set_ticks(phase.ticks);
    to.set_people(static_cast<uint32_t>(phase.people));
    AddTo(phase.more, *to.mutable_more());
    for (const synchrony::PhaseChange& change : phase.changes) {
      v1::Change& out = *to.add_changes();
      out.set_measure(ToProto(change.measure));
      *out.mutable_difference() = ToProto(change.difference);
      out.set_standardised(change.standardised);
    }
  }
}

void AddWhole(const std::vector<synchrony::WholeNumbers>& whole, v1::Analysis& analysis) {
  for (const synchrony::WholeNumbers& numbers : whole) {
    v1::WholeNumbers& to = *analysis.add_whole();
    to.set_a(static_cast<uint32_t>(numbers.a));
    to.set_b(static_cast<uint32_t>(numbers.b));
    AddTo(numbers.numbers, *to.mutable_numbers());
  }
}

}  // namespace attune::messages
