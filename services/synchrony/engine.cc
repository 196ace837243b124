#include "services/synchrony/engine.h"

#include <algorithm>
#include <cstdlib>
#include <map>
#include <utility>
#include <vector>

#include "services/synchrony/chance/null.h"
#include "services/synchrony/chance/shift_sums.h"
#include "services/synchrony/group/group_measures.h"
#include "services/synchrony/pair/pair_measures.h"
#include "services/synchrony/person_track.h"
#include "services/synchrony/signal/hrv.h"

namespace attune::synchrony {
namespace {

using PairKey = std::pair<int, int>;

// Shift sums do not depend on who is named first (lags do): one per unordered pair.
PairKey Unordered(int a, int b) { return {std::min(a, b), std::max(a, b)}; }

Number OfPerson(Absence absent, int64_t window_us, double coverage) {
  Number number;
  number.absent = absent;
  number.window_us = window_us;
  number.coverage = coverage;
  return number;
}

}  // namespace

class Engine::Impl {
 public:
  explicit Impl(const Params& params)
      : params(params), filter(params), pair_measures(this->params), group_measures(this->params) {}

  const PersonTrack* Find(int person) const {
    const auto it = people.find(person);
    return it == people.end() ? nullptr : &it->second;
  }

  PersonNumbers Person(int id, int64_t tick_end_us) const;
  void Pairs(const Selection& selection, const Span& span, Frame* frame);
  void Group(const Selection& selection, const Span& span, Frame* frame);
  // The pair's sums over the span; marks them as used at this tick.
  const ShiftSums& Sums(const PairKey& key, const Span& span);

  struct PairTrack {
    ShiftSums sums;
    int64_t moved_us = -1;  // the tick to which the sums belong
  };

  const Params params;
  const PhaseFilter filter;
  PairMeasures pair_measures;
  GroupMeasures group_measures;
  std::map<int, PersonTrack> people;
  std::map<PairKey, PairTrack> pairs;  // by Unordered
  std::map<PairKey, Hold> pair_holds;  // as selected
  Hold order_hold;
  Hold pairwise_hold;
  int64_t last_tick_end_us = -1;
  int64_t tick_end_us = -1;  // the one being evaluated
};

PersonNumbers Engine::Impl::Person(int id, int64_t tick_end_us) const {
  PersonNumbers numbers;
  numbers.person = id;
  const PersonTrack* track = Find(id);
  const auto coverage = [&](int64_t window_us) {
    const int samples = static_cast<int>(window_us / kSampleUs);
    return track == nullptr
               ? 0.0
               : static_cast<double>(track->grid().CountValid(tick_end_us / kSampleUs, samples)) /
                     samples;
  };
  const double hrv_coverage = coverage(params.hrv_window_us);
  numbers.hr_bpm =
      OfPerson(Absence::kNotEnoughData, params.hr_window_us, coverage(params.hr_window_us));
  numbers.rmssd_ms = OfPerson(Absence::kNotEnoughData, params.hrv_window_us, hrv_coverage);
  numbers.artefact_share = numbers.rmssd_ms;
  if (track == nullptr) return numbers;

  const std::vector<Beat>& beats = track->beats();
  const auto after =
      std::upper_bound(beats.begin(), beats.end(), tick_end_us,
                       [](int64_t time, const Beat& beat) { return time < beat.time_us; });
  if (after != beats.begin()) numbers.last_beat_us = (after - 1)->time_us;

  const BeatSums& recent = track->hr_sums();
  if (track->hrv_artefacts().too_many) {
    numbers.hr_bpm.absent = Absence::kArtefacts;
  } else if (recent.intervals >= std::max(1, params.hr_min_beats)) {
    numbers.hr_bpm.absent = Absence::kNone;
    numbers.hr_bpm.value = HeartRateBpm(recent);
  } else if (recent.beats >= params.hr_min_beats) {
    numbers.hr_bpm.absent = Absence::kArtefacts;
  }
  const BeatSums& sums = track->hrv_sums();
  if (track->hrv_artefacts().too_many) {
    numbers.rmssd_ms.absent = Absence::kArtefacts;
  } else if (sums.differences >= std::max(1, params.rmssd_min_differences)) {
    numbers.rmssd_ms.absent = Absence::kNone;
    numbers.rmssd_ms.value = RmssdMs(sums);
  }
  if (sums.beats >= std::max(1, params.artefact_min_beats)) {
    numbers.artefact_share.absent = Absence::kNone;
    numbers.artefact_share.value = static_cast<double>(sums.artefacts) / sums.beats;
  }
  numbers.hr_bpm.doubtful = numbers.rmssd_ms.doubtful = track->hrv_artefacts().doubtful;
  return numbers;
}

const ShiftSums& Engine::Impl::Sums(const PairKey& key, const Span& span) {
  auto it = pairs.find(key);
  if (it == pairs.end()) {
    it = pairs.emplace(key, PairTrack{ShiftSums(SpanWindows(params))}).first;
  }
  PairTrack& track = it->second;
  if (track.moved_us != tick_end_us) {
    track.sums.MoveTo(people.at(key.first).windows(), people.at(key.second).windows(), span.begin,
                      span.end);
    track.moved_us = tick_end_us;
  }
  return track.sums;
}

void Engine::Impl::Pairs(const Selection& selection, const Span& span, Frame* frame) {
  std::vector<double> p;
  std::vector<size_t> with_p;
  for (const auto& [a, b] : selection.pairs) {
    PairNumbers numbers;
    numbers.a = a;
    numbers.b = b;
    const PersonTrack* track_a = Find(a);
    const PersonTrack* track_b = Find(b);
    if (track_a != nullptr && track_b != nullptr && a != b) {
      pair_measures.Lagged(*track_a, *track_b, span.last_sample, &numbers);
      numbers.r_mean_windowed = pair_measures.Windowed(
          *track_a, *track_b, Sums(Unordered(a, b), span), span, selection.common_cause);
    } else {
      numbers.r_zero_lag.window_us = params.lagged_window * kSampleUs;
      numbers.r_peak = numbers.lag_ms = numbers.r_zero_lag;
      numbers.r_mean_windowed.window_us = span.window_us();
      numbers.r_mean_windowed.chance_absent =
          selection.common_cause ? Absence::kCommonCause : Absence::kNotEnoughData;
    }
    if (numbers.r_mean_windowed.has_chance) {
      p.push_back(numbers.r_mean_windowed.chance.p);
      with_p.push_back(frame->pairs.size());
    }
    frame->pairs.push_back(numbers);
  }

  const std::vector<double> adjusted = BenjaminiHochberg(p);
  std::map<PairKey, Hold> holds;
  for (size_t i = 0; i < with_p.size(); ++i) {
    PairNumbers& numbers = frame->pairs[with_p[i]];
    const PairKey key{numbers.a, numbers.b};
    Hold hold;
    if (const auto it = pair_holds.find(key); it != pair_holds.end()) hold = it->second;
    numbers.r_mean_windowed.chance.above =
        hold.Update(adjusted[i] <= params.alpha, tick_end_us, last_tick_end_us,
                    params.persistence_us, params.persistence_break_us);
    if (hold.holding()) holds.emplace(key, hold);
  }
  pair_holds = std::move(holds);
}

void Engine::Impl::Group(const Selection& selection, const Span& span, Frame* frame) {
  GroupNumbers& numbers = frame->group;
  numbers.people = static_cast<int>(selection.group.size());
  std::vector<const PersonTrack*> tracks;
  for (int person : selection.group) tracks.push_back(Find(person));
  const GroupBasis basis = group_measures.Basis(selection.group, tracks, span);
  numbers.contributors = basis.contributors;
  numbers.order_parameter =
      group_measures.OrderParameter(basis, tick_end_us, selection.common_cause);
  if (static_cast<int>(selection.group.size()) > params.group_max_people_chance) {
    numbers.r_mean_pairwise = group_measures.MeanPairwiseLarge(basis, span, selection.common_cause);
  } else {
    // Kept up for everybody in the group from the start, so that a new contributor costs no more.
    std::vector<const ShiftSums*> sums;
    const auto contributes = [&](int person) {
      return std::binary_search(basis.contributors.begin(), basis.contributors.end(), person);
    };
    for (size_t i = 0; i < tracks.size(); ++i) {
      for (size_t j = i + 1; j < tracks.size(); ++j) {
        if (tracks[i] == nullptr || tracks[j] == nullptr) continue;
        const ShiftSums& pair = Sums(Unordered(selection.group[i], selection.group[j]), span);
        if (contributes(selection.group[i]) && contributes(selection.group[j])) {
          sums.push_back(&pair);
        }
      }
    }
    numbers.r_mean_pairwise =
        group_measures.MeanPairwise(basis, sums, span, selection.common_cause);
  }
  const auto update = [this](Number* number, Hold* hold) {
    const bool holds = number->has_chance && number->chance.p <= params.alpha;
    number->chance.above = hold->Update(holds, tick_end_us, last_tick_end_us, params.persistence_us,
                                        params.persistence_break_us);
  };
  update(&numbers.order_parameter, &order_hold);
  update(&numbers.r_mean_pairwise, &pairwise_hold);
}

Engine::Engine(const Params& params) {
  if (!params.Valid()) std::abort();
  impl_ = std::make_unique<Impl>(params);
}
Engine::~Engine() = default;
Engine::Engine(Engine&&) noexcept = default;
Engine& Engine::operator=(Engine&&) noexcept = default;

const Params& Engine::params() const { return impl_->params; }

void Engine::AddPerson(int person) { impl_->people.try_emplace(person, impl_->params, kMaxBeats); }

void Engine::RemovePerson(int person) {
  impl_->people.erase(person);
  const auto names = [person](const auto& entry) {
    return entry.first.first == person || entry.first.second == person;
  };
  std::erase_if(impl_->pairs, names);
  std::erase_if(impl_->pair_holds, names);
}

bool Engine::AddBeat(int person, const Beat& beat) {
  const auto it = impl_->people.find(person);
  if (it == impl_->people.end() || beat.time_us < 0 || beat.time_us > kMaxTimeUs) return false;
  return it->second.AddBeat(beat, impl_->params);
}

void Engine::SetTiming(int person, const Timing& timing) {
  const auto it = impl_->people.find(person);
  if (it != impl_->people.end()) it->second.timing = timing;
}

Frame Engine::Evaluate(int64_t tick_end_us, const Selection& selection) {
  Frame frame;
  frame.tick_end_us = tick_end_us;
  Impl& impl = *impl_;
  if (tick_end_us <= impl.last_tick_end_us || tick_end_us > kMaxTimeUs) {
    for (int person : selection.people) frame.people.emplace_back().person = person;
    for (const auto& [a, b] : selection.pairs) {
      PairNumbers& numbers = frame.pairs.emplace_back();
      numbers.a = a;
      numbers.b = b;
    }
    frame.group.people = static_cast<int>(selection.group.size());
    return frame;
  }
  impl.tick_end_us = tick_end_us;
  for (auto& [id, track] : impl.people) track.Advance(tick_end_us, impl.params, impl.filter);
  for (int person : selection.people) frame.people.push_back(impl.Person(person, tick_end_us));
  const Span span = SpanAt(tick_end_us, impl.params);
  impl.Pairs(selection, span, &frame);
  impl.Group(selection, span, &frame);
  // Sums nobody asked for at this tick would only grow stale.
  std::erase_if(impl.pairs,
                [&](const auto& entry) { return entry.second.moved_us != tick_end_us; });
  impl.last_tick_end_us = tick_end_us;
  return frame;
}

EngineState Engine::Save() const {
  EngineState state;
  state.last_tick_end_us = impl_->last_tick_end_us;
  for (const auto& [id, track] : impl_->people) {
    state.people.push_back({id, track.timing, track.SaveBeats()});
  }
  for (const auto& [key, hold] : impl_->pair_holds) {
    state.pairs.push_back({key.first, key.second, hold.since_us()});
  }
  state.order_parameter_since_us = impl_->order_hold.since_us();
  state.r_mean_pairwise_since_us = impl_->pairwise_hold.since_us();
  return state;
}

void Engine::Restore(const EngineState& state) {
  impl_ = std::make_unique<Impl>(Params(impl_->params));
  impl_->last_tick_end_us = state.last_tick_end_us;
  for (const EngineState::Person& saved : state.people) {
    AddPerson(saved.person);
    PersonTrack& track = impl_->people.at(saved.person);
    track.timing = saved.timing;
    track.RestoreBeats(saved.beats, state.last_tick_end_us, impl_->params);
  }
  for (const EngineState::PairHold& hold : state.pairs) {
    impl_->pair_holds[{hold.a, hold.b}] = Hold(hold.since_us);
  }
  impl_->order_hold = Hold(state.order_parameter_since_us);
  impl_->pairwise_hold = Hold(state.r_mean_pairwise_since_us);
}

size_t Engine::MemoryBytes() const {
  size_t bytes = sizeof(Impl);
  for (const auto& [id, track] : impl_->people) bytes += track.MemoryBytes();
  for (const auto& [key, pair] : impl_->pairs) bytes += sizeof(pair) + pair.sums.MemoryBytes();
  return bytes;
}

}  // namespace attune::synchrony
