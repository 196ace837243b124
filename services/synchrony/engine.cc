#include "services/synchrony/engine.h"

#include <algorithm>
#include <cstdlib>
#include <map>
#include <utility>
#include <vector>

#include "services/synchrony/chance/null.h"
#include "services/synchrony/chance/shift_rows.h"
#include "services/synchrony/group/group_measures.h"
#include "services/synchrony/kernel/prefetch.h"
#include "services/synchrony/pair/pair_measures.h"
#include "services/synchrony/pair/pair_track.h"
#include "services/synchrony/person_track.h"
#include "services/synchrony/person_values.h"
#include "services/synchrony/requested.h"

namespace attune::synchrony {
namespace {

using PairKey = std::pair<int, int>;

// Sums over shifts do not depend on who is named first (lags do): one per unordered pair.
PairKey Unordered(int a, int b) { return {std::min(a, b), std::max(a, b)}; }

struct PairHolds {
  Hold r_mean_windowed;
  Hold plv_lf;
  bool holding() const { return r_mean_windowed.holding() || plv_lf.holding(); }
};

// Where everything is that a selection asks for; made anew only when somebody comes or goes or the
// selection changes.
struct Plan {
  struct Pair {
    int a, b;
    const PersonTrack* track_a = nullptr;  // null, like all that follows: somebody is unknown
    const PersonTrack* track_b = nullptr;
    LaggedWindows* lagged_a = nullptr;
    LaggedWindows* lagged_b = nullptr;
    PairTrack* track = nullptr;
    PairHolds* holds = nullptr;
  };
  struct Followed {
    PairTrack* track;
    const PersonTrack *a, *b;
  };
  struct InPair {
    const PersonTrack* track;
    LaggedWindows windows;
  };

  bool valid = false;
  bool small_group = true;  // up to group_max_people_chance: its pairs are followed
  std::vector<PersonTrack*> everybody;
  std::vector<int> person_ids;
  std::vector<const PersonTrack*> people;  // of the same; null: unknown
  std::vector<int> group;
  std::vector<std::pair<int, int>> selected;
  std::vector<Pair> pairs;
  std::vector<InPair> in_pairs;
  std::vector<Followed> followed;
  ShiftRows shift_rows;  // of the same
  std::vector<PersonTrack*> group_tracks;
  // Of a small group: pairs (i, j), i < j, in lexicographic order, null where one is unknown.
  std::vector<const ShiftSums*> group_sums;
};

}  // namespace

class Engine::Impl {
 public:
  Impl(const Params& params, const Kernels& kernels)
      : params(params),
        kernels(kernels),
        filter(params),
        pair_measures(this->params, kernels),
        group_measures(this->params, kernels),
        requested(this->params) {}

  PersonTrack* Find(int person) {
    const auto it = people.find(person);
    return it == people.end() ? nullptr : &it->second;
  }

  void MakePlan(const Selection& selection);
  void PlanSums(const Selection& selection);
  void PlanPairs(const Selection& selection);
  void Pairs(const Selection& selection, const Span& span, Frame* frame);
  void Persist(Number PairNumbers::*number, Hold PairHolds::*hold, Frame* frame);
  void Group(const Selection& selection, const Span& span, Frame* frame);

  const Params params;
  const Kernels& kernels;
  const PhaseFilter filter;
  PairMeasures pair_measures;
  GroupMeasures group_measures;
  std::map<int, PersonTrack> people;
  std::map<PairKey, PairTrack> pairs;       // by Unordered; those that the plan names
  std::map<PairKey, PairHolds> pair_holds;  // as selected
  Hold order_hold;
  Hold pairwise_hold;
  int64_t last_tick_end_us = -1;
  Plan plan;
  Requested requested;
  // For the time of a tick; kept for their capacity.
  GroupBasis basis;
  std::vector<double> p_values;
  std::vector<size_t> with_p;
};

void Engine::Impl::MakePlan(const Selection& selection) {
  if (plan.valid && plan.person_ids == selection.people && plan.selected == selection.pairs &&
      plan.group == selection.group) {
    return;
  }
  plan = Plan{};
  plan.valid = true;
  for (auto& [id, track] : people) plan.everybody.push_back(&track);
  plan.person_ids = selection.people;
  for (const int person : selection.people) plan.people.push_back(Find(person));
  plan.selected = selection.pairs;
  plan.group = selection.group;
  for (const int person : selection.group) plan.group_tracks.push_back(Find(person));
  plan.small_group = static_cast<int>(selection.group.size()) <= params.group_max_people_chance;
  if (plan.small_group) group_measures.ForgetCrowd();
  PlanSums(selection);
  PlanPairs(selection);
}

// Which sums are followed: of the selected pairs, and of all pairs of a small group (of everybody
// in it from the start, so that a new contributor costs no more). Others would only grow stale.
void Engine::Impl::PlanSums(const Selection& selection) {
  std::vector<PairKey> wanted;
  for (const auto& [a, b] : selection.pairs) {
    if (a != b && Find(a) != nullptr && Find(b) != nullptr) wanted.push_back(Unordered(a, b));
  }
  std::sort(wanted.begin(), wanted.end());
  const std::vector<PairKey> looked_at = wanted;
  if (plan.small_group) {
    for (size_t i = 0; i < plan.group.size(); ++i) {
      for (size_t j = i + 1; j < plan.group.size(); ++j) {
        if (plan.group_tracks[i] == nullptr || plan.group_tracks[j] == nullptr) continue;
        wanted.push_back(Unordered(plan.group[i], plan.group[j]));
      }
    }
    std::sort(wanted.begin(), wanted.end());
  }
  wanted.erase(std::unique(wanted.begin(), wanted.end()), wanted.end());
  std::erase_if(pairs, [&](const auto& entry) {
    return !std::binary_search(wanted.begin(), wanted.end(), entry.first);
  });
  for (const PairKey& key : wanted) {
    PairTrack& track = pairs.try_emplace(key, params).first->second;
    if (std::binary_search(looked_at.begin(), looked_at.end(), key)) {
      track.KeepPhases(params);
    } else {
      track.DropPhases();
    }
    const PersonTrack* a = Find(key.first);
    const PersonTrack* b = Find(key.second);
    plan.followed.push_back({&track, a, b});
    plan.shift_rows.Add(&a->windows(), &b->windows(), track.mutable_shifts());
  }
  if (!plan.small_group) return;
  for (size_t i = 0; i < plan.group.size(); ++i) {
    for (size_t j = i + 1; j < plan.group.size(); ++j) {
      const auto it = pairs.find(Unordered(plan.group[i], plan.group[j]));
      plan.group_sums.push_back(it == pairs.end() ? nullptr : &it->second.shifts());
    }
  }
}

void Engine::Impl::PlanPairs(const Selection& selection) {
  std::map<int, size_t> places;
  for (const auto& [a, b] : selection.pairs) {
    for (const int person : {a, b}) {
      if (a == b || Find(a) == nullptr || Find(b) == nullptr) continue;
      if (places.try_emplace(person, plan.in_pairs.size()).second) {
        plan.in_pairs.push_back({Find(person), LaggedWindows(params)});
      }
    }
  }
  for (const auto& [a, b] : selection.pairs) {
    Plan::Pair& pair = plan.pairs.emplace_back();
    pair.a = a;
    pair.b = b;
    pair.holds = &pair_holds[{a, b}];
    if (a == b || Find(a) == nullptr || Find(b) == nullptr) continue;
    pair.track_a = Find(a);
    pair.track_b = Find(b);
    pair.lagged_a = &plan.in_pairs[places.at(a)].windows;
    pair.lagged_b = &plan.in_pairs[places.at(b)].windows;
    pair.track = &pairs.at(Unordered(a, b));
  }
  std::erase_if(pair_holds, [&](const auto& entry) {
    return std::find(selection.pairs.begin(), selection.pairs.end(), entry.first) ==
           selection.pairs.end();
  });
}

void Engine::Impl::Pairs(const Selection& selection, const Span& span, Frame* frame) {
  plan.shift_rows.Follow(kernels);
  for (size_t i = 0; i < plan.followed.size(); ++i) {
    if (i + 1 < plan.followed.size()) {
      const Plan::Followed& next = plan.followed[i + 1];
      next.track->PrefetchPhases(*next.a, *next.b);
    }
    const Plan::Followed& followed = plan.followed[i];
    followed.track->FollowPhases(*followed.a, *followed.b, kernels);
  }
  for (Plan::InPair& person : plan.in_pairs) {
    person.windows.Update(person.track->grid(), span.last_sample);
  }
  frame->pairs.resize(plan.pairs.size());
  for (size_t i = 0; i < plan.pairs.size(); ++i) {
    const Plan::Pair& pair = plan.pairs[i];
    PairNumbers& numbers = frame->pairs[i];
    numbers.a = pair.a;
    numbers.b = pair.b;
    if (pair.track == nullptr) {
      pair_measures.Nobody(span, selection.common_cause, &numbers);
      continue;
    }
    pair_measures.Lagged(*pair.track_a, *pair.track_b, *pair.lagged_a, *pair.lagged_b, span,
                         &numbers);
    pair_measures.OverSpan(*pair.track_a, *pair.track_b, *pair.track, span, selection.common_cause,
                           &numbers);
  }
}

// Benjamini & Hochberg over the pairs asked for, then the time for which it has held.
void Engine::Impl::Persist(Number PairNumbers::*number, Hold PairHolds::*hold, Frame* frame) {
  p_values.clear();
  with_p.clear();
  bool any = false;
  for (size_t i = 0; i < frame->pairs.size(); ++i) {
    const Number& of_pair = frame->pairs[i].*number;
    if (!of_pair.has_chance) continue;
    p_values.push_back(of_pair.chance.p);
    with_p.push_back(i);
    any |= of_pair.chance.p <= params.alpha;
  }
  std::vector<double> adjusted;
  if (any) adjusted = BenjaminiHochberg(p_values);  // else none of them passes
  size_t next = 0;
  for (size_t i = 0; i < frame->pairs.size(); ++i) {
    bool holds = false;
    if (next < with_p.size() && with_p[next] == i) {
      holds = any && adjusted[next] <= params.alpha;
      ++next;
    }
    (frame->pairs[i].*number).chance.above =
        (plan.pairs[i].holds->*hold)
            .Update(holds, frame->tick_end_us, last_tick_end_us, params.persistence_us,
                    params.persistence_break_us);
  }
}

void Engine::Impl::Group(const Selection& selection, const Span& span, Frame* frame) {
  GroupNumbers& numbers = frame->group;
  numbers.people = static_cast<int>(selection.group.size());
  group_measures.FindBasis(plan.group, plan.group_tracks, span, &basis);
  numbers.contributors = basis.contributors;
  numbers.order_parameter =
      group_measures.OrderParameter(basis, frame->tick_end_us, selection.common_cause);
  numbers.r_mean_pairwise =
      plan.small_group ? group_measures.MeanPairwise(basis, plan.group_sums, plan.group.size(),
                                                     selection.common_cause)
                       : group_measures.MeanPairwiseOfCrowd(basis, selection.common_cause);
  const auto update = [&](Number* number, Hold* hold) {
    const bool holds = number->has_chance && number->chance.p <= params.alpha;
    number->chance.above = hold->Update(holds, frame->tick_end_us, last_tick_end_us,
                                        params.persistence_us, params.persistence_break_us);
  };
  update(&numbers.order_parameter, &order_hold);
  update(&numbers.r_mean_pairwise, &pairwise_hold);
}

Engine::Engine(const Params& params, std::optional<Path> path) {
  // Asking the CPU takes long beside all else that is done here.
  static const Path best = BestPath();
  if (!params.Valid() || (path.has_value() && !Supports(*path))) std::abort();
  impl_ = std::make_unique<Impl>(params, KernelsFor(path.value_or(best)));
}
Engine::~Engine() = default;
Engine::Engine(Engine&&) noexcept = default;
Engine& Engine::operator=(Engine&&) noexcept = default;

const Params& Engine::params() const { return impl_->params; }

void Engine::AddPerson(int person) {
  if (!impl_->people.try_emplace(person, impl_->params, kMaxBeats).second) return;
  impl_->plan.valid = false;
  impl_->group_measures.Forget(person);
  impl_->requested.Forget();
}

void Engine::RemovePerson(int person) {
  if (impl_->Find(person) == nullptr) return;
  impl_->plan.valid = false;
  impl_->group_measures.Forget(person);
  impl_->requested.Forget();
  impl_->people.erase(person);
  const auto names = [person](const auto& entry) {
    return entry.first.first == person || entry.first.second == person;
  };
  std::erase_if(impl_->pairs, names);
  std::erase_if(impl_->pair_holds, names);
}

bool Engine::AddBeat(int person, const Beat& beat) {
  PersonTrack* track = impl_->Find(person);
  if (track == nullptr || beat.time_us < 0 || beat.time_us > kMaxTimeUs) return false;
  return track->AddBeat(beat, impl_->params);
}

void Engine::SetTiming(int person, const Timing& timing) {
  PersonTrack* track = impl_->Find(person);
  if (track != nullptr) track->timing = timing;
}

Frame Engine::Evaluate(int64_t tick_end_us, const Selection& selection) {
  Frame frame;
  Evaluate(tick_end_us, selection, &frame);
  return frame;
}

void Engine::Evaluate(int64_t tick_end_us, const Selection& selection, Frame* frame) {
  Impl& impl = *impl_;
  frame->tick_end_us = tick_end_us;
  if (tick_end_us <= impl.last_tick_end_us || tick_end_us > kMaxTimeUs) {
    *frame = Frame{};
    frame->tick_end_us = tick_end_us;
    for (int person : selection.people) frame->people.emplace_back().person = person;
    for (const auto& [a, b] : selection.pairs) {
      PairNumbers& numbers = frame->pairs.emplace_back();
      numbers.a = a;
      numbers.b = b;
    }
    frame->group.people = static_cast<int>(selection.group.size());
    return;
  }
  impl.MakePlan(selection);
  const std::vector<PersonTrack*>& everybody = impl.plan.everybody;
  for (const PersonTrack* track : everybody) Prefetch(track, sizeof(PersonTrack));
  if (!everybody.empty()) everybody.front()->Prefetch();
  for (size_t i = 0; i < everybody.size(); ++i) {
    if (i + 1 < everybody.size()) everybody[i + 1]->Prefetch();
    everybody[i]->Advance(tick_end_us, impl.params, impl.filter);
  }
  frame->people.resize(selection.people.size());
  for (size_t i = 0; i < selection.people.size(); ++i) {
    const int person = selection.people[i];
    PersonValues(person, impl.plan.people[i], impl.params, &frame->people[i]);
  }
  const Span span = SpanAt(tick_end_us, impl.params);
  impl.Pairs(selection, span, frame);
  impl.Persist(&PairNumbers::r_mean_windowed, &PairHolds::r_mean_windowed, frame);
  impl.Persist(&PairNumbers::plv_lf, &PairHolds::plv_lf, frame);
  impl.Group(selection, span, frame);
  impl.requested.Fill(impl.people, selection, frame);
  impl.last_tick_end_us = tick_end_us;
}

EngineState Engine::Save() const {
  EngineState state;
  state.last_tick_end_us = impl_->last_tick_end_us;
  for (const auto& [id, track] : impl_->people) {
    state.people.push_back({id, track.timing, track.SaveBeats()});
  }
  for (const auto& [key, holds] : impl_->pair_holds) {
    if (!holds.holding()) continue;
    state.pairs.push_back(
        {key.first, key.second, holds.r_mean_windowed.since_us(), holds.plv_lf.since_us()});
  }
  state.order_parameter_since_us = impl_->order_hold.since_us();
  state.r_mean_pairwise_since_us = impl_->pairwise_hold.since_us();
  return state;
}

void Engine::Restore(const EngineState& state) {
  impl_ = std::make_unique<Impl>(Params(impl_->params), impl_->kernels);
  impl_->last_tick_end_us = state.last_tick_end_us;
  for (const EngineState::Person& saved : state.people) {
    AddPerson(saved.person);
    PersonTrack& track = impl_->people.at(saved.person);
    track.timing = saved.timing;
    track.RestoreBeats(saved.beats, state.last_tick_end_us, impl_->params);
  }
  for (const EngineState::PairHold& hold : state.pairs) {
    impl_->pair_holds[{hold.a, hold.b}] = {Hold(hold.since_us), Hold(hold.plv_lf_since_us)};
  }
  impl_->order_hold = Hold(state.order_parameter_since_us);
  impl_->pairwise_hold = Hold(state.r_mean_pairwise_since_us);
}

size_t Engine::MemoryBytes() const {
  size_t bytes = sizeof(Impl) + impl_->requested.MemoryBytes();
  for (const auto& [id, track] : impl_->people) bytes += track.MemoryBytes();
  for (const Plan::InPair& person : impl_->plan.in_pairs) bytes += person.windows.MemoryBytes();
  return bytes;
}

size_t Engine::ChanceMemoryBytes() const {
  size_t bytes = impl_->group_measures.MemoryBytes();
  for (const auto& [id, track] : impl_->people) bytes += track.ChanceMemoryBytes();
  for (const auto& [key, pair] : impl_->pairs) bytes += pair.MemoryBytes();
  return bytes;
}

}  // namespace attune::synchrony
