// The measures that a selection asks for beyond the core set, each at its own cadence.
//
// A value stands on the window that ends with the last moment of its cadence at or before the tick
// (as_of), and is a pure function of the beats known at the tick. It is kept until the next such
// moment; a beat that comes late, other timing or another selection make it anew, for those whom it
// concerns: what is shown is always what would be computed now.
#ifndef ATTUNE_SERVICES_SYNCHRONY_REQUESTED_H_
#define ATTUNE_SERVICES_SYNCHRONY_REQUESTED_H_

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <memory_resource>
#include <tuple>
#include <vector>

#include "services/synchrony/group/stretch_measures.h"
#include "services/synchrony/measure.h"
#include "services/synchrony/numbers.h"
#include "services/synchrony/params.h"
#include "services/synchrony/person_track.h"
#include "services/synchrony/signal/stretch.h"

namespace attune::synchrony {

class Requested {
 public:
  explicit Requested(const Params& params) : params_(params) {}

  // Fills `more` of the frame's people and pairs (in the order of the selection) and of its group.
  // `tracks`: everybody's, by person, advanced to the tick.
  void Fill(const std::pmr::map<int, PersonTrack>& tracks, const Selection& selection,
            Frame* frame);

  // Somebody comes or goes.
  void Forget() { asked_ = {}; }

  size_t MemoryBytes() const;

 private:
  // What a value of one person stands on, beside the beats.
  struct Stamp {
    uint32_t late = 0;
    Timing timing;
    friend bool operator==(const Stamp&, const Stamp&) = default;
  };
  struct Known {
    bool valid = false;
    std::vector<Stamp> stamps;   // of whom it stands on
    std::vector<Number> values;  // one per measure
  };
  // Measures of one subject that share their window and cadence.
  struct Batch {
    int64_t window_us = 0;
    int64_t cadence_us = 0;
    std::vector<Measure> measures;
    std::vector<size_t> places;  // of the measures, in `more`
    int64_t as_of_us = -1;
    std::vector<Known> known;  // by subject
  };
  // Of one tick, by person, beginning and end.
  using Stretches = std::map<std::tuple<int, int64_t, int64_t>, std::unique_ptr<Stretch>>;

  void Plan(const Selection& selection);
  // False while the window does not fit into the session.
  bool Begin(Batch* batch, size_t subjects, int64_t tick_end_us) const;
  bool Current(Known* known, std::vector<Stamp> stamps) const;
  void Show(const Batch& batch, const Known* known, std::vector<NamedNumber>* more) const;
  const Stretch* StretchOf(int person, const Batch& batch);
  std::vector<Stamp> StampsOf(const std::vector<int>& people) const;

  std::unique_ptr<GroupAnalysis> Analyse(const Batch& batch);

  void People(Batch* batch, Frame* frame);
  void Within(Batch* batch, Frame* frame);
  void Pairs(Batch* batch, Frame* frame);
  void Group(Batch* batch, Frame* frame);

  const Params& params_;
  Selection asked_;
  std::vector<Batch> people_, within_, pairs_, group_;  // within: people, within the group
  std::vector<Measure> of_people_, of_pairs_, of_group_;
  // For the time of a call.
  const std::pmr::map<int, PersonTrack>* tracks_ = nullptr;
  Stretches stretches_;
};

}  // namespace attune::synchrony

#endif  // ATTUNE_SERVICES_SYNCHRONY_REQUESTED_H_
