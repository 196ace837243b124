// The tracks of all pairs that are followed: side by side in memory, and all their sums in one
// piece, in the order in which a tick goes through them. Of rooms that are many each finds its own
// data far away from the CPU: in one piece it comes as fast as memory can bring it.
#ifndef ATTUNE_SERVICES_SYNCHRONY_PAIR_PAIR_TRACKS_H_
#define ATTUNE_SERVICES_SYNCHRONY_PAIR_PAIR_TRACKS_H_

#include <cstddef>
#include <memory>
#include <memory_resource>
#include <span>
#include <utility>
#include <vector>

#include "services/synchrony/kernel/aligned.h"
#include "services/synchrony/pair/pair_track.h"
#include "services/synchrony/params.h"

namespace attune::synchrony {

class PairTracks {
 public:
  // Two people, the smaller number first: sums over shifts do not depend on who is named first.
  using Key = std::pair<int, int>;
  struct Wanted {
    Key key;
    bool phases;  // somebody looks at the pair
    friend bool operator==(const Wanted&, const Wanted&) = default;
  };

  // `params` must outlive this, as must `memory`, in which it lies.
  explicit PairTracks(const Params& params,
                      std::pmr::memory_resource* memory = std::pmr::get_default_resource())
      : params_(params), memory_(memory), kept_(memory), tracks_(memory) {}

  // From now on these (ascending), each once: what is known of one that stays is kept, the others
  // go. Tracks stay where they are until the next Keep() or Forget().
  void Keep(const std::vector<Wanted>& wanted);
  // Somebody goes, and all their pairs.
  void Forget(int person);

  size_t size() const { return tracks_.size(); }
  PairTrack& operator[](size_t i) { return tracks_[i]; }
  // Null: not followed.
  PairTrack* Find(const Key& key);

  // The tracks themselves, and their sums.
  std::span<const PairTrack> tracks() const { return tracks_; }
  const Room* sums() const { return room_.get(); }  // null: none

  size_t MemoryBytes() const;

 private:
  const Params& params_;
  std::pmr::memory_resource* memory_;
  std::unique_ptr<Room> room_;     // of the sums; outlives them
  std::pmr::vector<Wanted> kept_;  // whose the tracks are
  std::pmr::vector<PairTrack> tracks_;
};

}  // namespace attune::synchrony

#endif  // ATTUNE_SERVICES_SYNCHRONY_PAIR_PAIR_TRACKS_H_
