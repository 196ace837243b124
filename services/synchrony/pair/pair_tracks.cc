#include "services/synchrony/pair/pair_tracks.h"

#include <algorithm>

namespace attune::synchrony {

void PairTracks::Keep(const std::vector<Wanted>& wanted) {
  if (std::ranges::equal(wanted, kept_)) return;
  size_t bytes = 0;
  for (const Wanted& pair : wanted) bytes += PairTrack::SumBytes(params_, pair.phases);
  auto room = std::make_unique<Room>(bytes, memory_);
  std::pmr::vector<PairTrack> tracks(memory_);
  tracks.reserve(wanted.size());
  for (const Wanted& pair : wanted) {
    PairTrack* old = Find(pair.key);
    if (old == nullptr) {
      tracks.emplace_back(params_, room->memory());
    } else {
      if (!pair.phases) old->DropPhases();
      tracks.emplace_back(std::move(*old), room->memory());
    }
    if (pair.phases) tracks.back().KeepPhases(params_, room->memory());
  }
  tracks_ = std::move(tracks);
  kept_.assign(wanted.begin(), wanted.end());
  room_ = std::move(room);
}

void PairTracks::Forget(int person) {
  std::vector<Wanted> others;
  for (const Wanted& pair : kept_) {
    if (pair.key.first != person && pair.key.second != person) others.push_back(pair);
  }
  Keep(others);
}

PairTrack* PairTracks::Find(const Key& key) {
  const auto at =
      std::lower_bound(kept_.begin(), kept_.end(), key,
                       [](const Wanted& pair, const Key& sought) { return pair.key < sought; });
  if (at == kept_.end() || at->key != key) return nullptr;
  return &tracks_[static_cast<size_t>(at - kept_.begin())];
}

size_t PairTracks::MemoryBytes() const {
  size_t bytes = kept_.capacity() * sizeof(Wanted);
  for (const PairTrack& track : tracks_) bytes += track.MemoryBytes();
  return bytes;
}

}  // namespace attune::synchrony
