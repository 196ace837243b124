#include "edge/ctl/analysis.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "absl/strings/str_cat.h"
#include "edge/ctl/frame_message.h"
#include "services/synchrony/engine.h"
#include "services/synchrony/params.h"

namespace attune::edge {
namespace {

// Mean over ticks; the reason of the last tick when none had a value.
class Mean {
 public:
  void Add(const v1::Number& number) {
    coverage_ += number.coverage();
    ++all_;
    last_ = number;
    if (!number.has_value()) return;
    sum_ += number.value();
    ++ticks_;
    above_ += number.has_chance() && number.chance().above();
  }
  uint64_t ticks() const { return ticks_; }
  double coverage() const { return all_ == 0 ? 0 : coverage_ / static_cast<double>(all_); }
  double share_above() const {
    return ticks_ == 0 ? 0 : static_cast<double>(above_) / static_cast<double>(ticks_);
  }
  v1::Number Result(int64_t length_us) const {
    v1::Number out;
    if (ticks_ > 0) {
      out.set_value(sum_ / static_cast<double>(ticks_));
    } else {
      out.set_absent(last_.has_value() ? v1::ABSENCE_NOT_ENOUGH_DATA : last_.absent());
    }
    out.set_window_us(length_us);
    out.set_coverage(coverage());
    out.set_chance_absent(v1::ABSENCE_NOT_APPLICABLE);  // each tick is tested, their mean is not
    return out;
  }

 private:
  double sum_ = 0;
  double coverage_ = 0;
  uint64_t ticks_ = 0;
  uint64_t above_ = 0;
  uint64_t all_ = 0;
  v1::Number last_;
};

struct Person {
  std::vector<synchrony::Beat> beats;  // of the chosen part, from 0 on
  size_t fed = 0;
  Mean hr, rmssd;
  uint64_t artefacts = 0;
  uint64_t gaps = 0;
  int64_t artefacts_through_us = 0;
};

struct Pair {
  Mean r;
  std::vector<double> lags_ms;  // of ticks above chance
};

std::vector<synchrony::Beat> Chosen(const Recording& recording, const AnalysisOptions& options) {
  std::vector<synchrony::Beat> beats;
  for (synchrony::Beat beat : recording.beats) {
    const int64_t start_us = beat.time_us - static_cast<int64_t>(beat.rr_1024) * 1'000'000 / 1024;
    // The first interval begins at 0 but for the rounding of its length.
    constexpr int64_t kRoundingUs = 1000;
    if (start_us < options.from_us - kRoundingUs) continue;
    beat.time_us -= options.from_us;
    if (options.length_us > 0 && beat.time_us > options.length_us) break;
    if (beats.empty()) beat.gap_before = false;
    beats.push_back(beat);
  }
  return beats;
}

uint64_t CountGaps(const std::vector<synchrony::Beat>& beats, int64_t tolerance_us) {
  uint64_t gaps = 0;
  for (size_t i = 1; i < beats.size(); ++i) {
    const int64_t rr_us = static_cast<int64_t>(beats[i].rr_1024) * 1'000'000 / 1024;
    const int64_t apart_us = beats[i].time_us - beats[i - 1].time_us;
    gaps += beats[i].gap_before || std::abs(apart_us - rr_us) > tolerance_us;
  }
  return gaps;
}

class Run {
 public:
  Run(std::vector<Person> people, bool with_pairs) : people_(std::move(people)), engine_(params_) {
    for (size_t i = 0; i < people_.size(); ++i) {
      const int id = static_cast<int>(i) + 1;
      engine_.AddPerson(id);
      selection_.people.push_back(id);
      selection_.group.push_back(id);
      people_[i].gaps = CountGaps(people_[i].beats, params_.adjacency_tolerance_us);
      if (people_[i].beats.empty()) continue;
      length_us_ = std::max(length_us_, people_[i].beats.back().time_us);
      for (int other = 1; with_pairs && other < id; ++other) {
        selection_.pairs.emplace_back(other, id);
      }
    }
    std::sort(selection_.pairs.begin(), selection_.pairs.end());
    pairs_.resize(selection_.pairs.size());
  }

  void Go(const AnalysisHooks& hooks) {
    const int64_t ticks = length_us_ / kAnalysisTickUs;
    for (int64_t tick = 1; tick <= ticks; ++tick) {
      const int64_t end_us = tick * kAnalysisTickUs;
      Feed(end_us + params_.horizon_us);
      last_ = ToMessage(engine_.Evaluate(end_us, selection_), static_cast<uint64_t>(tick));
      Collect(last_);
      if (hooks.frame) hooks.frame(last_);
      if (hooks.progress) hooks.progress(static_cast<double>(tick) / static_cast<double>(ticks));
    }
  }

  v1::Analysis Result(const std::vector<Recording>& recordings) const;

 private:
  // No more than a tick can know: the engine holds a bounded number of beats.
  void Feed(int64_t through_us) {
    for (size_t i = 0; i < people_.size(); ++i) {
      Person& person = people_[i];
      while (person.fed < person.beats.size() && person.beats[person.fed].time_us <= through_us) {
        engine_.AddBeat(static_cast<int>(i) + 1, person.beats[person.fed++]);
      }
    }
  }

  void Collect(const v1::Frame& frame) {
    for (int i = 0; i < frame.people_size(); ++i) {
      const v1::PersonFrame& from = frame.people(i);
      Person& person = people_[static_cast<size_t>(i)];
      person.hr.Add(from.hr_bpm());
      person.rmssd.Add(from.rmssd_ms());
      const v1::Number& share = from.artefact_share();
      if (!share.has_value() ||
          frame.end_session_us() - person.artefacts_through_us < share.window_us()) {
        continue;
      }
      person.artefacts_through_us = frame.end_session_us();
      person.artefacts += static_cast<uint64_t>(std::llround(
          share.value() * CountBeats(person, frame.end_session_us(), share.window_us())));
    }
    for (int i = 0; i < frame.pairs_size(); ++i) {
      const v1::PairFrame& from = frame.pairs(i);
      Pair& pair = pairs_[static_cast<size_t>(i)];
      pair.r.Add(from.r_mean_windowed());
      if (from.r_mean_windowed().chance().above() && from.lag_ms().has_value()) {
        pair.lags_ms.push_back(from.lag_ms().value());
      }
    }
    order_.Add(frame.group().order_parameter());
    pairwise_.Add(frame.group().r_mean_pairwise());
  }

  static double CountBeats(const Person& person, int64_t end_us, int64_t window_us) {
    const auto before = [](const synchrony::Beat& beat, int64_t us) { return beat.time_us <= us; };
    const auto first =
        std::lower_bound(person.beats.begin(), person.beats.end(), end_us - window_us, before);
    const auto last = std::lower_bound(first, person.beats.end(), end_us, before);
    return static_cast<double>(last - first);
  }

  const synchrony::Params params_;
  std::vector<Person> people_;
  synchrony::Engine engine_;
  synchrony::Selection selection_;
  std::vector<Pair> pairs_;
  Mean order_, pairwise_;
  int64_t length_us_ = 0;
  v1::Frame last_;
};

v1::Analysis Run::Result(const std::vector<Recording>& recordings) const {
  v1::Analysis analysis;
  v1::Report* report = analysis.mutable_report();
  report->set_revision(1);
  report->set_kind(v1::SESSION_KIND_LAB);
  report->set_length_us(length_us_);
  report->set_engine_version(absl::StrCat(synchrony::kEngineVersion));
  report->set_params_hash(params_.Hash());
  report->add_phases()->set_to_session_us(length_us_);
  for (size_t i = 0; i < people_.size(); ++i) {
    const Person& person = people_[i];
    v1::PersonReport* to = report->add_people();
    to->set_participant(static_cast<uint32_t>(i) + 1);
    to->set_alias(recordings[i].name);
    v1::DataQuality* quality = to->mutable_quality();
    quality->set_beats(person.beats.size());
    quality->set_artefacts(person.artefacts);
    quality->set_gaps(person.gaps);
    quality->set_coverage(person.hr.coverage());
    if (!person.beats.empty()) {
      quality->set_first_beat_session_us(person.beats.front().time_us);
      quality->set_last_beat_session_us(person.beats.back().time_us);
    }
    v1::PersonPhase* phase = to->add_phases();
    *phase->mutable_hr_bpm() = person.hr.Result(length_us_);
    *phase->mutable_rmssd_ms() = person.rmssd.Result(length_us_);
  }
  for (size_t i = 0; i < pairs_.size(); ++i) {
    v1::PairReport* to = report->add_pairs();
    to->set_a(static_cast<uint32_t>(selection_.pairs[i].first));
    to->set_b(static_cast<uint32_t>(selection_.pairs[i].second));
    v1::PairPhase* phase = to->add_phases();
    *phase->mutable_r_mean_windowed() = pairs_[i].r.Result(length_us_);
    phase->set_share_above(pairs_[i].r.share_above());
    phase->set_ticks(pairs_[i].r.ticks());
    std::vector<double> lags_ms = pairs_[i].lags_ms;
    if (lags_ms.empty()) continue;
    const auto middle = lags_ms.begin() + static_cast<std::ptrdiff_t>(lags_ms.size() / 2);
    std::nth_element(lags_ms.begin(), middle, lags_ms.end());
    v1::PairLag* lag = analysis.add_lags();
    lag->set_a(to->a());
    lag->set_b(to->b());
    lag->set_ticks(lags_ms.size());
    lag->mutable_lag_ms()->set_value(*middle);
    lag->mutable_lag_ms()->set_window_us(length_us_);
    lag->mutable_lag_ms()->set_coverage(pairs_[i].r.coverage());
    lag->mutable_lag_ms()->set_chance_absent(v1::ABSENCE_NOT_APPLICABLE);
  }
  v1::GroupPhase* group = report->mutable_group()->add_phases();
  *group->mutable_order_parameter() = order_.Result(length_us_);
  *group->mutable_r_mean_pairwise() = pairwise_.Result(length_us_);
  group->set_share_above(pairwise_.share_above());
  group->set_ticks(pairwise_.ticks());
  *analysis.mutable_last_frame() = last_;
  return analysis;
}

}  // namespace

absl::StatusOr<v1::Analysis> Analyze(const std::vector<Recording>& recordings,
                                     const AnalysisOptions& options, const AnalysisHooks& hooks) {
  if (recordings.empty()) return absl::InvalidArgumentError("no recording to analyse");
  if (recordings.size() > kMaxRecordings) {
    return absl::InvalidArgumentError(absl::StrCat(recordings.size(), " recordings are more than ",
                                                   kMaxRecordings, "; analyse fewer"));
  }
  std::vector<Person> people(recordings.size());
  bool any = false;
  for (size_t i = 0; i < recordings.size(); ++i) {
    people[i].beats = Chosen(recordings[i], options);
    any |= !people[i].beats.empty() && people[i].beats.back().time_us >= kAnalysisTickUs;
  }
  if (!any) {
    return absl::InvalidArgumentError(
        "no recording has beats in the chosen part; look at --from and --seconds");
  }
  Run run(std::move(people), options.pairs);
  run.Go(hooks);
  return run.Result(recordings);
}

}  // namespace attune::edge
