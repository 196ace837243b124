#include "services/node/stream_set.h"

namespace attune::node {

bool StreamSet::Add(const std::shared_ptr<Stream>& stream) {
  MutexLock lock(mu_);
  if (streams_.size() >= limit_) return false;
  streams_.emplace(stream.get(), stream);
  return true;
}

void StreamSet::Remove(const Stream* stream) {
  MutexLock lock(mu_);
  streams_.erase(stream);
}

std::vector<std::shared_ptr<Stream>> StreamSet::All() const {
  MutexLock lock(mu_);
  std::vector<std::shared_ptr<Stream>> all;
  for (const auto& [key, weak] : streams_) {
    if (auto stream = weak.lock()) all.push_back(std::move(stream));
  }
  return all;
}

void StreamSet::CheckAll(int64_t now_steady_us) {
  for (const auto& stream : All()) stream->Check(now_steady_us);
}

void StreamSet::CloseAll() {
  for (const auto& stream : All()) stream->Close();
}

size_t StreamSet::size() const {
  MutexLock lock(mu_);
  return streams_.size();
}

}  // namespace attune::node
