#include "services/synchrony/engine.h"

#include <algorithm>
#include <cstdlib>
#include <map>
#include <memory_resource>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include "services/synchrony/chance/null.h"
#include "services/synchrony/chance/shift_rows.h"
#include "services/synchrony/group/group_measures.h"
#include "services/synchrony/kernel/aligned.h"
#include "services/synchrony/kernel/prefetch.h"
#include "services/synchrony/pair/pair_measures.h"
#include "services/synchrony/pair/pair_tracks.h"
#include "services/synchrony/person_track.h"
#include "services/synchrony/person_values.h"
#include "services/synchrony/requested.h"

namespace attune::synchrony {
namespace {

using PairKey = std::pair<int, int>;

PairTracks::Key Unordered(int a, int b) { return {std::min(a, b), std::max(a, b)}; }

// What few people bring to their pairs lies on the stack, which is always near.
constexpr size_t kLaggedBytes = 32 * 1024;

// What a plan takes of memory, from above.
constexpr size_t kPlanBytes = 256;
constexpr size_t kPlanBytesPerPerson = 96;
constexpr size_t kPlanBytesPerPair = 160;

// The work for a person beside that for a pair.
constexpr size_t kPersonWeight = 4;

struct PairHolds {
  Hold r_mean_windowed;
  Hold plv_lf;
  bool holding() const { return r_mean_windowed.holding() || plv_lf.holding(); }
};

using HeldPair = std::pair<PairKey, PairHolds>;
bool ByPair(const HeldPair& x, const HeldPair& y) { return x.first < y.first; }

// Null: not among them. They are ascending.
PairHolds* HoldsOf(const PairKey& pair, std::pmr::vector<HeldPair>* held) {
  const auto at = std::lower_bound(held->begin(), held->end(), HeldPair{pair, {}}, ByPair);
  return at == held->end() || at->first != pair ? nullptr : &at->second;
}

// Where everything is that a selection asks for; made anew only when somebody comes or goes or the
// selection changes. In one piece of memory, unless that was estimated too small.
struct Plan {
  struct Pair {
    int a, b;
    const PersonTrack* track_a = nullptr;  // null, like all that follows: somebody is unknown
    const PersonTrack* track_b = nullptr;
    uint32_t lagged_a = 0;  // in in_pairs
    uint32_t lagged_b = 0;
    PairTrack* track = nullptr;
    PairHolds* holds = nullptr;
  };
  struct Followed {
    PairTrack* track;
    const PersonTrack *a, *b;
  };

  Plan(size_t bytes, std::pmr::memory_resource* memory) : room(bytes, memory) {}

  Room room;

  bool followed_once = false;  // the sums
  bool small_group = true;     // up to group_max_people_chance: its pairs are followed
  std::pmr::vector<PersonTrack*> everybody{room.memory()};
  std::pmr::vector<int> person_ids{room.memory()};
  std::pmr::vector<const PersonTrack*> people{room.memory()};  // of the same; null: unknown
  std::pmr::vector<int> group{room.memory()};
  std::pmr::vector<std::pair<int, int>> selected{room.memory()};
  std::pmr::vector<Pair> pairs{room.memory()};
  std::pmr::vector<const PersonTrack*> in_pairs{room.memory()};
  std::pmr::vector<Followed> followed{room.memory()};
  ShiftRows shift_rows{room.memory()};  // of the same
  std::pmr::vector<PersonTrack*> group_tracks{room.memory()};
  // Of a small group: pairs (i, j), i < j, in lexicographic order, null where one is unknown.
  std::pmr::vector<const ShiftSums*> group_sums{room.memory()};
  // What people bring to the lags is made for each pair (couples in a hall), as it is too much for
  // the stack and serves hardly two; else once for everybody.
  bool lagged_by_pair = false;
};

size_t LaggedBytesEach(const Params& params) {
  return sizeof(LaggedWindows) + LaggedWindows::Bytes(params);
}

size_t PairsIn(size_t people) { return people < 2 ? 0 : people * (people - 1) / 2; }

}  // namespace

class Engine::Impl {
 public:
  Impl(const Params& params, const Kernels& kernels, std::pmr::memory_resource* memory)
      : memory(memory),
        params(params),
        kernels(kernels),
        filter(params),
        pair_measures(this->params, kernels),
        group_measures(this->params, kernels, memory),
        people(memory),
        pairs(this->params, memory),
        pair_holds(memory) {}

  PersonTrack* Find(int person) {
    const auto it = people.find(person);
    return it == people.end() ? nullptr : &it->second;
  }

  bool Planned(const Selection& selection) const;
  void MakePlan(const Selection& selection);
  void PlanSums(const Selection& selection);
  void PlanPairs(const Selection& selection);
  bool Still() const;
  void Announce(int64_t tick_end_us, PrefetchQueue* soon) const;
  void Lagged(const Span& span, PrefetchQueue* soon, Frame* frame);
  void OverSpan(const Selection& selection, const Span& span, Frame* frame);
  void Persist(Number PairNumbers::*number, Hold PairHolds::*hold, Frame* frame);
  void Group(const Selection& selection, const Span& span, Frame* frame);

  std::pmr::memory_resource* const memory;
  const Params params;
  const Kernels& kernels;
  const PhaseFilter filter;
  PairMeasures pair_measures;
  GroupMeasures group_measures;
  std::pmr::map<int, PersonTrack> people;
  PairTracks pairs;                       // those that the plan names
  std::pmr::vector<HeldPair> pair_holds;  // as selected, ascending
  Hold order_hold;
  Hold pairwise_hold;
  int64_t last_tick_end_us = -1;
  std::optional<Plan> plan;
  std::unique_ptr<Requested> requested;  // once a selection asks for measures
  GroupBasis basis;                      // for the time of a tick; kept for its capacity
};

bool Engine::Impl::Planned(const Selection& selection) const {
  return plan.has_value() && std::ranges::equal(plan->person_ids, selection.people) &&
         std::ranges::equal(plan->selected, selection.pairs) &&
         std::ranges::equal(plan->group, selection.group);
}

void Engine::Impl::MakePlan(const Selection& selection) {
  if (Planned(selection)) return;
  const bool small_group =
      static_cast<int>(selection.group.size()) <= params.group_max_people_chance;
  const size_t pair_count =
      std::max(selection.pairs.size(), small_group ? PairsIn(selection.group.size()) : size_t{0});
  plan.emplace(kPlanBytes + people.size() * kPlanBytesPerPerson + pair_count * kPlanBytesPerPair,
               memory);
  plan->small_group = small_group;
  plan->everybody.reserve(people.size());
  for (auto& [id, track] : people) plan->everybody.push_back(&track);
  plan->person_ids.assign(selection.people.begin(), selection.people.end());
  plan->people.reserve(selection.people.size());
  for (const int person : selection.people) plan->people.push_back(Find(person));
  plan->selected.assign(selection.pairs.begin(), selection.pairs.end());
  plan->group.assign(selection.group.begin(), selection.group.end());
  plan->group_tracks.reserve(selection.group.size());
  for (const int person : selection.group) plan->group_tracks.push_back(Find(person));
  if (plan->small_group) group_measures.ForgetCrowd();
  PlanSums(selection);
  PlanPairs(selection);
}

// Which sums are followed: of the selected pairs, and of all pairs of a small group (of everybody
// in it from the start, so that a new contributor costs no more). Others would only grow stale.
void Engine::Impl::PlanSums(const Selection& selection) {
  std::vector<PairTracks::Key> wanted;
  for (const auto& [a, b] : selection.pairs) {
    if (a != b && Find(a) != nullptr && Find(b) != nullptr) wanted.push_back(Unordered(a, b));
  }
  std::sort(wanted.begin(), wanted.end());
  const std::vector<PairTracks::Key> looked_at = wanted;
  if (plan->small_group) {
    for (size_t i = 0; i < plan->group.size(); ++i) {
      for (size_t j = i + 1; j < plan->group.size(); ++j) {
        if (plan->group_tracks[i] == nullptr || plan->group_tracks[j] == nullptr) continue;
        wanted.push_back(Unordered(plan->group[i], plan->group[j]));
      }
    }
    std::sort(wanted.begin(), wanted.end());
  }
  wanted.erase(std::unique(wanted.begin(), wanted.end()), wanted.end());
  std::vector<PairTracks::Wanted> followed;
  for (const PairTracks::Key& key : wanted) {
    followed.push_back({key, std::binary_search(looked_at.begin(), looked_at.end(), key)});
  }
  pairs.Keep(followed);
  plan->followed.reserve(wanted.size());
  plan->shift_rows.Reserve(wanted.size(), people.size());
  for (size_t i = 0; i < wanted.size(); ++i) {
    const PersonTrack* a = Find(wanted[i].first);
    const PersonTrack* b = Find(wanted[i].second);
    plan->followed.push_back({&pairs[i], a, b});
    plan->shift_rows.Add(&a->windows(), &b->windows(), pairs[i].mutable_shifts());
  }
  if (!plan->small_group) return;
  plan->group_sums.reserve(PairsIn(plan->group.size()));
  for (size_t i = 0; i < plan->group.size(); ++i) {
    for (size_t j = i + 1; j < plan->group.size(); ++j) {
      const PairTrack* track = pairs.Find(Unordered(plan->group[i], plan->group[j]));
      plan->group_sums.push_back(track == nullptr ? nullptr : &track->shifts());
    }
  }
}

void Engine::Impl::PlanPairs(const Selection& selection) {
  std::map<int, uint32_t> places;
  plan->in_pairs.reserve(people.size());
  for (const auto& [a, b] : selection.pairs) {
    for (const int person : {a, b}) {
      if (a == b || Find(a) == nullptr || Find(b) == nullptr) continue;
      if (places.try_emplace(person, static_cast<uint32_t>(plan->in_pairs.size())).second) {
        plan->in_pairs.push_back(Find(person));
      }
    }
  }
  plan->lagged_by_pair = plan->in_pairs.size() * LaggedBytesEach(params) > kLaggedBytes &&
                         selection.pairs.size() <= plan->in_pairs.size();
  // Since when the p of those who were selected before have held.
  std::pmr::vector<HeldPair> before(memory);
  before.swap(pair_holds);
  for (const auto& pair : selection.pairs) pair_holds.push_back({pair, {}});
  std::sort(pair_holds.begin(), pair_holds.end(), ByPair);
  const auto same = [](const HeldPair& x, const HeldPair& y) { return x.first == y.first; };
  pair_holds.erase(std::unique(pair_holds.begin(), pair_holds.end(), same), pair_holds.end());
  for (auto& [pair, holds] : pair_holds) {
    if (const PairHolds* held = HoldsOf(pair, &before)) holds = *held;
  }
  plan->pairs.reserve(selection.pairs.size());
  for (const auto& [a, b] : selection.pairs) {
    Plan::Pair& pair = plan->pairs.emplace_back();
    pair.a = a;
    pair.b = b;
    pair.holds = HoldsOf({a, b}, &pair_holds);
    if (a == b || Find(a) == nullptr || Find(b) == nullptr) continue;
    pair.track_a = Find(a);
    pair.track_b = Find(b);
    pair.lagged_a = places.at(a);
    pair.lagged_b = places.at(b);
    pair.track = pairs.Find(Unordered(a, b));
  }
}

// Between two moments nothing changes in what the sums stand on: they need not be gone through.
bool Engine::Impl::Still() const {
  return plan->followed_once &&
         std::all_of(plan->everybody.begin(), plan->everybody.end(), [](const PersonTrack* track) {
           return track->windows().changes().empty() && track->phases().changes().empty();
         });
}

// What this tick will read, in the order in which it does.
void Engine::Impl::Announce(int64_t tick_end_us, PrefetchQueue* soon) const {
  const std::span<const PairTrack> tracks = pairs.tracks();
  soon->Add(tracks.data(), tracks.size_bytes());
  // What follows is read once a moment.
  if (MomentAt(tick_end_us, params) == MomentAt(last_tick_end_us, params)) return;
  if (const Room* sums = pairs.sums()) soon->Add(sums->data(), sums->bytes());
  for (const PersonTrack* track : plan->everybody) {
    const WindowRing& windows = track->windows();
    soon->Add(windows.blocks(), windows.BlockBytes());
  }
}

void Engine::Impl::Lagged(const Span& span, PrefetchQueue* soon, Frame* frame) {
  alignas(64) std::byte stack[kLaggedBytes];
  std::pmr::monotonic_buffer_resource memory(stack, sizeof(stack));
  if (plan->lagged_by_pair) {
    for (size_t i = 0; i < plan->pairs.size(); ++i) {
      soon->Step(1, plan->pairs.size() - i);
      const Plan::Pair& pair = plan->pairs[i];
      if (pair.track == nullptr) continue;
      memory.release();
      LaggedWindows of_a(params, &memory), of_b(params, &memory);
      of_a.Update(pair.track_a->grid(), span.last_sample);
      of_b.Update(pair.track_b->grid(), span.last_sample);
      pair_measures.Lagged(*pair.track_a, *pair.track_b, of_a, of_b, span, &frame->pairs[i]);
    }
    return;
  }
  // Beyond the stack's room the resource goes on in the heap, for the time of the tick.
  std::pmr::vector<LaggedWindows> windows(&memory);
  windows.reserve(plan->in_pairs.size());
  for (const PersonTrack* track : plan->in_pairs) {
    windows.emplace_back(params, &memory).Update(track->grid(), span.last_sample);
  }
  for (size_t i = 0; i < plan->pairs.size(); ++i) {
    soon->Step(1, plan->pairs.size() - i);
    const Plan::Pair& pair = plan->pairs[i];
    if (pair.track == nullptr) continue;
    pair_measures.Lagged(*pair.track_a, *pair.track_b, windows[pair.lagged_a],
                         windows[pair.lagged_b], span, &frame->pairs[i]);
  }
}

void Engine::Impl::OverSpan(const Selection& selection, const Span& span, Frame* frame) {
  if (!Still()) {
    plan->shift_rows.Follow(kernels);
    for (const Plan::Followed& followed : plan->followed) {
      followed.track->FollowPhases(*followed.a, *followed.b, kernels);
    }
    plan->followed_once = true;
  }
  for (size_t i = 0; i < plan->pairs.size(); ++i) {
    const Plan::Pair& pair = plan->pairs[i];
    PairNumbers& numbers = frame->pairs[i];
    numbers.a = pair.a;
    numbers.b = pair.b;
    if (pair.track == nullptr) {
      pair_measures.Nobody(span, selection.common_cause, &numbers);
      continue;
    }
    pair_measures.OverSpan(*pair.track_a, *pair.track_b, *pair.track, span, selection.common_cause,
                           &numbers);
  }
}

// Benjamini & Hochberg over the pairs asked for, then the time for which it has held.
void Engine::Impl::Persist(Number PairNumbers::*number, Hold PairHolds::*hold, Frame* frame) {
  std::byte stack[1024];
  std::pmr::monotonic_buffer_resource memory(stack, sizeof(stack));
  std::pmr::vector<double> small(&memory);
  size_t count = 0;
  for (const PairNumbers& pair : frame->pairs) {
    const Number& of_pair = pair.*number;
    if (!of_pair.has_chance) continue;
    ++count;
    if (of_pair.chance.p <= 2 * params.alpha) small.push_back(of_pair.chance.p);
  }
  const double rejected = LargestRejected(small, count, params.alpha);
  for (size_t i = 0; i < frame->pairs.size(); ++i) {
    Number& of_pair = frame->pairs[i].*number;
    const bool holds = of_pair.has_chance && of_pair.chance.p <= rejected;
    of_pair.chance.above = (plan->pairs[i].holds->*hold)
                               .Update(holds, frame->tick_end_us, last_tick_end_us,
                                       params.persistence_us, params.persistence_break_us);
  }
}

void Engine::Impl::Group(const Selection& selection, const Span& span, Frame* frame) {
  GroupNumbers& numbers = frame->group;
  numbers.people = static_cast<int>(selection.group.size());
  group_measures.FindBasis(selection.group, plan->group_tracks, span, &basis);
  numbers.contributors = basis.contributors;
  numbers.order_parameter =
      group_measures.OrderParameter(basis, frame->tick_end_us, selection.common_cause);
  numbers.r_mean_pairwise =
      plan->small_group
          ? group_measures.MeanPairwise(basis, plan->group_sums, selection.group.size(),
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

void Engine::Free::operator()(Impl* impl) const {
  std::pmr::polymorphic_allocator<>(impl->memory).delete_object(impl);
}

Engine::Engine(const Params& params, std::optional<Path> path, std::pmr::memory_resource* memory) {
  // Asking the CPU takes long beside all else that is done here.
  static const Path best = BestPath();
  if (!params.Valid() || (path.has_value() && !Supports(*path))) std::abort();
  if (memory == nullptr) memory = std::pmr::get_default_resource();
  Begin(params, KernelsFor(path.value_or(best)), memory);
}
void Engine::Begin(const Params& params, const Kernels& kernels,
                   std::pmr::memory_resource* memory) {
  impl_.reset(std::pmr::polymorphic_allocator<>(memory).new_object<Impl>(params, kernels, memory));
}
Engine::~Engine() = default;
Engine::Engine(Engine&&) noexcept = default;
Engine& Engine::operator=(Engine&&) noexcept = default;

const Params& Engine::params() const { return impl_->params; }

void Engine::AddPerson(int person) {
  if (!impl_->people.try_emplace(person, impl_->params, kMaxBeats, impl_->memory).second) return;
  impl_->plan.reset();
  impl_->group_measures.Forget(person);
  if (impl_->requested != nullptr) impl_->requested->Forget();
}

void Engine::RemovePerson(int person) {
  if (impl_->Find(person) == nullptr) return;
  impl_->plan.reset();
  impl_->group_measures.Forget(person);
  if (impl_->requested != nullptr) impl_->requested->Forget();
  impl_->people.erase(person);
  const auto names = [person](const auto& entry) {
    return entry.first.first == person || entry.first.second == person;
  };
  impl_->pairs.Forget(person);
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
  Prefetch(&impl, sizeof(impl));
  if (impl.plan.has_value()) Prefetch(impl.plan->room.data(), impl.plan->room.bytes());
  impl.MakePlan(selection);
  PrefetchQueue soon;
  impl.Announce(tick_end_us, &soon);
  const std::pmr::vector<PersonTrack*>& everybody = impl.plan->everybody;
  for (const PersonTrack* track : everybody) Prefetch(track, sizeof(PersonTrack));
  const bool new_moment =
      MomentAt(tick_end_us, impl.params) != MomentAt(impl.last_tick_end_us, impl.params);
  if (!everybody.empty()) everybody.front()->Prefetch(new_moment);
  for (size_t i = 0; i < everybody.size(); ++i) {
    if (i + 1 < everybody.size()) everybody[i + 1]->Prefetch(new_moment);
    soon.Step(kPersonWeight, (everybody.size() - i) * kPersonWeight + impl.plan->pairs.size());
    everybody[i]->Advance(tick_end_us, impl.params, impl.filter);
  }
  frame->people.resize(selection.people.size());
  for (size_t i = 0; i < selection.people.size(); ++i) {
    const int person = selection.people[i];
    PersonValues(person, impl.plan->people[i], impl.params, &frame->people[i]);
  }
  const Span span = SpanAt(tick_end_us, impl.params);
  frame->pairs.resize(selection.pairs.size());
  impl.Lagged(span, &soon, frame);
  impl.OverSpan(selection, span, frame);
  impl.Persist(&PairNumbers::r_mean_windowed, &PairHolds::r_mean_windowed, frame);
  impl.Persist(&PairNumbers::plv_lf, &PairHolds::plv_lf, frame);
  impl.Group(selection, span, frame);
  if (impl.requested == nullptr && !selection.measures.empty()) {
    impl.requested = std::make_unique<Requested>(impl.params);
  }
  // Also when nothing is asked for any more: the frame may still hold what was.
  if (impl.requested != nullptr) impl.requested->Fill(impl.people, selection, frame);
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
  Begin(Params(impl_->params), impl_->kernels, impl_->memory);
  impl_->last_tick_end_us = state.last_tick_end_us;
  for (const EngineState::Person& saved : state.people) {
    AddPerson(saved.person);
    PersonTrack& track = impl_->people.at(saved.person);
    track.timing = saved.timing;
    track.RestoreBeats(saved.beats, state.last_tick_end_us, impl_->params);
  }
  for (const EngineState::PairHold& hold : state.pairs) {
    impl_->pair_holds.push_back(
        {{hold.a, hold.b}, {Hold(hold.since_us), Hold(hold.plv_lf_since_us)}});
  }
  std::sort(impl_->pair_holds.begin(), impl_->pair_holds.end(), ByPair);
  impl_->order_hold = Hold(state.order_parameter_since_us);
  impl_->pairwise_hold = Hold(state.r_mean_pairwise_since_us);
}

// Of the session itself: the group's sums and shifts serve its chance levels, and most of the plan
// is there by pair.
constexpr size_t kForChance = sizeof(GroupMeasures) + sizeof(std::optional<Plan>);

size_t Engine::MemoryBytes() const {
  size_t bytes = sizeof(Impl) - kForChance;
  if (impl_->requested != nullptr) bytes += sizeof(Requested) + impl_->requested->MemoryBytes();
  for (const auto& [id, track] : impl_->people) bytes += track.MemoryBytes();
  return bytes;
}

size_t Engine::ChanceMemoryBytes() const {
  size_t bytes = kForChance + impl_->group_measures.MemoryBytes() + impl_->pairs.MemoryBytes();
  if (impl_->plan.has_value()) bytes += impl_->plan->room.bytes();
  for (const auto& [id, track] : impl_->people) bytes += track.ChanceMemoryBytes();
  return bytes;
}

}  // namespace attune::synchrony
