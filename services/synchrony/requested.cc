#include "services/synchrony/requested.h"

#include <algorithm>

#include "services/synchrony/pair/stretch_measures.h"
#include "services/synchrony/person/person_measures.h"

namespace attune::synchrony {
namespace {

constexpr int64_t kSecondUs = 1'000'000;

}  // namespace

void Requested::Fill(const std::pmr::map<int, PersonTrack>& tracks, const Selection& selection,
                     Frame* frame) {
  Plan(selection);
  tracks_ = &tracks;
  const auto make_room = [](const std::vector<Measure>& measures, std::vector<NamedNumber>* more) {
    more->assign(measures.size(), NamedNumber{});
    for (size_t i = 0; i < measures.size(); ++i) (*more)[i].measure = measures[i];
  };
  for (PersonNumbers& person : frame->people) make_room(of_people_, &person.more);
  for (PairNumbers& pair : frame->pairs) make_room(of_pairs_, &pair.more);
  make_room(of_group_, &frame->group.more);
  for (Batch& batch : people_) People(&batch, frame);
  for (Batch& batch : within_) Within(&batch, frame);
  for (Batch& batch : pairs_) Pairs(&batch, frame);
  for (Batch& batch : group_) Group(&batch, frame);
  stretches_.clear();
}

// Everything is made anew when something else is asked for.
void Requested::Plan(const Selection& selection) {
  if (asked_.measures == selection.measures && asked_.people == selection.people &&
      asked_.pairs == selection.pairs && asked_.group == selection.group &&
      asked_.common_cause == selection.common_cause && asked_.pacer_hz == selection.pacer_hz) {
    return;
  }
  asked_ = selection;
  for (auto* batches : {&people_, &within_, &pairs_, &group_}) batches->clear();
  for (auto* measures : {&of_people_, &of_pairs_, &of_group_}) measures->clear();
  for (const Measure measure : selection.measures) {
    const MeasureInfo* info = FindMeasure(measure);
    if (info == nullptr) continue;
    std::vector<Measure>* all = info->subject == Subject::kPerson ? &of_people_
                                : info->subject == Subject::kPair ? &of_pairs_
                                                                  : &of_group_;
    const size_t place = all->size();
    all->push_back(measure);
    if (info->availability != Availability::kOnRequest) continue;  // absent
    const bool alone = info->subject == Subject::kPerson && IsPersonMeasure(measure);
    std::vector<Batch>* batches = alone                               ? &people_
                                  : info->subject == Subject::kPerson ? &within_
                                  : info->subject == Subject::kPair   ? &pairs_
                                                                      : &group_;
    const int64_t window_us = info->window_seconds * kSecondUs;
    const int64_t cadence_us = info->cadence_seconds * kSecondUs;
    auto batch = std::find_if(batches->begin(), batches->end(), [&](const Batch& one) {
      return one.window_us == window_us && one.cadence_us == cadence_us;
    });
    if (batch == batches->end()) {
      batches->push_back({window_us, cadence_us, {}, {}, -1, {}});
      batch = batches->end() - 1;
    }
    batch->measures.push_back(measure);
    batch->places.push_back(place);
  }
}

bool Requested::Begin(Batch* batch, size_t subjects, int64_t tick_end_us) const {
  const int64_t as_of_us = tick_end_us / batch->cadence_us * batch->cadence_us;
  if (as_of_us != batch->as_of_us) {
    batch->as_of_us = as_of_us;
    batch->known.assign(subjects, {});
  }
  return as_of_us >= batch->window_us;
}

bool Requested::Current(Known* known, std::vector<Stamp> stamps) const {
  if (known->valid && known->stamps == stamps) return true;
  known->valid = true;
  known->stamps = std::move(stamps);
  known->values.clear();
  return false;
}

void Requested::Show(const Batch& batch, const Known* known, std::vector<NamedNumber>* more) const {
  for (size_t i = 0; i < batch.measures.size(); ++i) {
    NamedNumber& named = (*more)[batch.places[i]];
    named.as_of_us = batch.as_of_us;
    named.number.window_us = batch.window_us;
    if (known != nullptr) named.number = known->values[i];
  }
}

const Stretch* Requested::StretchOf(int person, const Batch& batch) {
  const auto track = tracks_->find(person);
  if (track == tracks_->end()) return nullptr;
  const int64_t from_us = batch.as_of_us - batch.window_us;
  std::unique_ptr<Stretch>& stretch = stretches_[{person, from_us, batch.as_of_us}];
  if (stretch == nullptr) {
    stretch = std::make_unique<Stretch>(BuildStretch(
        track->second.SaveBeats(), track->second.timing, from_us, batch.as_of_us, params_));
  }
  return stretch.get();
}

std::vector<Requested::Stamp> Requested::StampsOf(const std::vector<int>& people) const {
  std::vector<Stamp> stamps;
  for (const int person : people) {
    const auto track = tracks_->find(person);
    stamps.push_back(track == tracks_->end() ? Stamp{}
                                             : Stamp{track->second.late(), track->second.timing});
  }
  return stamps;
}

void Requested::People(Batch* batch, Frame* frame) {
  const bool fits = Begin(batch, frame->people.size(), frame->tick_end_us);
  for (size_t i = 0; i < frame->people.size(); ++i) {
    const int person = frame->people[i].person;
    Known& known = batch->known[i];
    const bool unknown = tracks_->find(person) == tracks_->end();
    if (fits && !unknown && !Current(&known, StampsOf({person}))) {
      const Stretch& stretch = *StretchOf(person, *batch);
      for (const Measure measure : batch->measures) {
        known.values.push_back(MeasurePerson(measure, stretch, asked_.pacer_hz, params_));
      }
    }
    Show(*batch, fits && !unknown ? &known : nullptr, &frame->people[i].more);
  }
}

void Requested::Within(Batch* batch, Frame* frame) {
  const bool fits = Begin(batch, frame->people.size(), frame->tick_end_us);
  const std::vector<Stamp> stamps = StampsOf(asked_.group);
  std::unique_ptr<GroupAnalysis> analysis;
  for (size_t i = 0; i < frame->people.size(); ++i) {
    const auto place =
        std::lower_bound(asked_.group.begin(), asked_.group.end(), frame->people[i].person);
    const bool member = place != asked_.group.end() && *place == frame->people[i].person;
    Known& known = batch->known[i];
    if (fits && member && !Current(&known, stamps)) {
      if (analysis == nullptr) analysis = Analyse(*batch);
      for (const Measure measure : batch->measures) {
        known.values.push_back(
            analysis->Own(measure, static_cast<size_t>(place - asked_.group.begin())));
      }
    }
    Show(*batch, fits && member ? &known : nullptr, &frame->people[i].more);
  }
}

void Requested::Pairs(Batch* batch, Frame* frame) {
  const bool fits = Begin(batch, frame->pairs.size(), frame->tick_end_us);
  for (size_t i = 0; i < frame->pairs.size(); ++i) {
    const int a = frame->pairs[i].a;
    const int b = frame->pairs[i].b;
    Known& known = batch->known[i];
    const bool unknown =
        a == b || tracks_->find(a) == tracks_->end() || tracks_->find(b) == tracks_->end();
    if (fits && !unknown && !Current(&known, StampsOf({a, b}))) {
      PairAnalysis analysis(*StretchOf(a, *batch), *StretchOf(b, *batch), asked_.pacer_hz,
                            asked_.common_cause, params_);
      for (const Measure measure : batch->measures) known.values.push_back(analysis.Of(measure));
    }
    Show(*batch, fits && !unknown ? &known : nullptr, &frame->pairs[i].more);
  }
}

void Requested::Group(Batch* batch, Frame* frame) {
  const bool fits = Begin(batch, 1, frame->tick_end_us);
  Known& known = batch->known[0];
  if (fits && !Current(&known, StampsOf(asked_.group))) {
    const std::unique_ptr<GroupAnalysis> analysis = Analyse(*batch);
    for (const Measure measure : batch->measures) {
      known.values.push_back(analysis->Group(measure));
    }
  }
  Show(*batch, fits ? &known : nullptr, &frame->group.more);
}

std::unique_ptr<GroupAnalysis> Requested::Analyse(const Batch& batch) {
  std::vector<const Stretch*> stretches;
  for (const int person : asked_.group) stretches.push_back(StretchOf(person, batch));
  return std::make_unique<GroupAnalysis>(stretches, asked_.common_cause, params_);
}

size_t Requested::MemoryBytes() const {
  size_t bytes = 0;
  for (const auto* batches : {&people_, &within_, &pairs_, &group_}) {
    for (const Batch& batch : *batches) {
      for (const Known& known : batch.known) {
        bytes += sizeof(Known) + known.stamps.capacity() * sizeof(Stamp) +
                 known.values.capacity() * sizeof(Number);
      }
    }
  }
  return bytes;
}

}  // namespace attune::synchrony
