#include "services/synchrony/engine.h"

#include <map>
#include <utility>

#include "services/synchrony/signal/beat_series.h"

namespace attune::synchrony {

class Engine::Impl {
 public:
  explicit Impl(const Params& params) : params(params) {}

  struct Person {
    BeatSeries series{kMaxBeats};
    Timing timing;
  };

  Params params;
  std::map<int, Person> people;
  int64_t last_tick_end_us = -1;
};

Engine::Engine(const Params& params) : impl_(std::make_unique<Impl>(params)) {}
Engine::~Engine() = default;
Engine::Engine(Engine&&) noexcept = default;
Engine& Engine::operator=(Engine&&) noexcept = default;

const Params& Engine::params() const { return impl_->params; }

void Engine::AddPerson(int person) { impl_->people.try_emplace(person); }

void Engine::RemovePerson(int person) { impl_->people.erase(person); }

bool Engine::AddBeat(int person, const Beat& beat) {
  const auto it = impl_->people.find(person);
  if (it == impl_->people.end()) return false;
  return it->second.series.Add(beat) != BeatSeries::Added::kRefused;
}

void Engine::SetTiming(int person, const Timing& timing) {
  const auto it = impl_->people.find(person);
  if (it != impl_->people.end()) it->second.timing = timing;
}

Frame Engine::Evaluate(int64_t tick_end_us, const Selection& selection) {
  Frame frame;
  frame.tick_end_us = tick_end_us;
  for (int person : selection.people) {
    PersonNumbers numbers;
    numbers.person = person;
    frame.people.push_back(numbers);
  }
  for (const auto& [a, b] : selection.pairs) {
    PairNumbers numbers;
    numbers.a = a;
    numbers.b = b;
    frame.pairs.push_back(numbers);
  }
  frame.group.people = static_cast<int>(selection.group.size());
  frame.group.order_parameter.absent = Absence::kTooFewPeople;
  frame.group.r_mean_pairwise.absent = Absence::kTooFewPeople;
  return frame;
}

EngineState Engine::Save() const {
  EngineState state;
  state.last_tick_end_us = impl_->last_tick_end_us;
  for (const auto& [id, person] : impl_->people) {
    state.people.push_back({id, person.timing, person.series.beats()});
  }
  return state;
}

void Engine::Restore(const EngineState& state) {
  impl_ = std::make_unique<Impl>(Params(impl_->params));
  impl_->last_tick_end_us = state.last_tick_end_us;
  for (const EngineState::Person& saved : state.people) {
    Impl::Person& person = impl_->people[saved.person];
    person.timing = saved.timing;
    for (const Beat& beat : saved.beats) person.series.Add(beat);
  }
}

size_t Engine::MemoryBytes() const {
  size_t bytes = sizeof(Impl);
  for (const auto& [id, person] : impl_->people) {
    bytes += sizeof(person) + person.series.beats().capacity() * sizeof(Beat);
  }
  return bytes;
}

}  // namespace attune::synchrony
