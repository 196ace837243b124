#include "edge/ctl/watch_model.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "edge/words/text.h"

namespace attune::edge {
namespace {

void Append(Series& series, int64_t end_session_us, const v1::Number& number) {
  if (!series.empty() && series.back().end_session_us >= end_session_us) return;
  std::optional<double> value;
  if (number.has_value()) value = number.value();
  series.push_back({end_session_us, value});
  while (series.size() > WatchModel::kMaxPoints ||
         series.front().end_session_us <= end_session_us - WatchModel::kHistoryUs) {
    series.pop_front();
  }
}

bool Shared(const v1::Number& number) { return number.absent() != v1::ABSENCE_NO_CONSENT; }

}  // namespace

void WatchModel::Apply(const v1::WatchEvent& event, int64_t now_us) {
  switch (event.event_case()) {
    case v1::WatchEvent::kSnapshot:
      ApplySnapshot(event.snapshot(), now_us);
      break;
    case v1::WatchEvent::kFrame:
      ApplyFrame(event.frame(), now_us);
      break;
    case v1::WatchEvent::kEntry:
      ApplyEntry(event.entry());
      break;
    case v1::WatchEvent::kClosed:
      snapshot_.mutable_session()->set_state(event.closed().state());
      break;
    case v1::WatchEvent::EVENT_NOT_SET:
      break;
  }
}

void WatchModel::ApplySnapshot(const v1::Snapshot& snapshot, int64_t now_us) {
  if (has_session() && snapshot.epoch() > snapshot_.epoch()) {
    recovered_session_us_ = snapshot.session().now_session_us();
  }
  snapshot_ = snapshot;
  told_session_us_ = snapshot.session().now_session_us();
  told_at_us_ = now_us;
}

void WatchModel::ApplyFrame(const v1::FrameEnvelope& envelope, int64_t now_us) {
  if (frame_ && envelope.frame().tick() < frame_->frame().tick()) return;
  if (envelope.recovered()) recovered_session_us_ = envelope.frame().end_session_us();
  frame_ = envelope;
  frame_at_us_ = now_us;
  *snapshot_.mutable_people() = envelope.people();
  snapshot_.set_epoch(std::max(snapshot_.epoch(), envelope.epoch()));
  // What is not in the newest frame is not shared any more: its past goes too.
  std::map<std::pair<uint32_t, uint32_t>, Series> kept;
  for (const v1::PairFrame& pair : envelope.frame().pairs()) {
    const auto key = std::make_pair(pair.a(), pair.b());
    const auto it = pairs_.find(key);
    if (it != pairs_.end() && Shared(pair.r_mean_windowed())) kept.insert(pairs_.extract(it));
  }
  pairs_ = std::move(kept);
  AddToSeries(envelope.frame());
}

void WatchModel::AddToSeries(const v1::Frame& frame) {
  for (const v1::PairFrame& pair : frame.pairs()) {
    if (!Shared(pair.r_mean_windowed())) continue;
    Append(pairs_[{pair.a(), pair.b()}], frame.end_session_us(), pair.r_mean_windowed());
  }
  Append(order_, frame.end_session_us(), frame.group().order_parameter());
  Append(pairwise_, frame.end_session_us(), frame.group().r_mean_pairwise());
}

void WatchModel::ApplyHistory(const v1::HistoryResponse& history) {
  pairs_.clear();
  order_.clear();
  pairwise_.clear();
  for (const v1::Frame& frame : history.frames()) {
    if (!frame_ || frame.tick() < frame_->frame().tick()) AddToSeries(frame);
  }
  if (frame_) AddToSeries(frame_->frame());
}

void WatchModel::ApplyEntry(const v1::LogEntry& entry) {
  log_.push_back(entry);
  if (log_.size() > kMaxEntries) log_.pop_front();
  switch (entry.what_case()) {
    case v1::LogEntry::kJoined: {
      const uint32_t id = entry.joined().participant();
      if (!FindPresence(id) && !entry.joined().viewer()) *snapshot_.add_people() = entry.joined();
      break;
    }
    case v1::LogEntry::kErased:
      Forget(entry.erased());
      break;
    case v1::LogEntry::kPractice:
      if (entry.practice().stopped_session_us() > 0) {
        snapshot_.clear_practice();
      } else {
        *snapshot_.mutable_practice() = entry.practice();
      }
      break;
    case v1::LogEntry::kState:
      snapshot_.mutable_session()->set_state(entry.state());
      break;
    default:
      break;
  }
}

void WatchModel::Forget(uint32_t participant) {
  std::erase_if(pairs_, [&](const auto& item) {
    return item.first.first == participant || item.first.second == participant;
  });
  auto* people = snapshot_.mutable_people();
  people->erase(std::remove_if(people->begin(), people->end(),
                               [&](const v1::Presence& presence) {
                                 return !presence.viewer() && presence.participant() == participant;
                               }),
                people->end());
  // Their name stood in the entries that tell of their joining.
  std::erase_if(log_, [&](const v1::LogEntry& entry) {
    return (entry.has_joined() && entry.joined().participant() == participant) ||
           (entry.has_annotation() && entry.annotation().participant() == participant);
  });
  if (!frame_) return;
  auto* frame = frame_->mutable_frame();
  auto* persons = frame->mutable_people();
  persons->erase(
      std::remove_if(persons->begin(), persons->end(),
                     [&](const v1::PersonFrame& p) { return p.participant() == participant; }),
      persons->end());
  auto* pairs = frame->mutable_pairs();
  pairs->erase(std::remove_if(pairs->begin(), pairs->end(),
                              [&](const v1::PairFrame& p) {
                                return p.a() == participant || p.b() == participant;
                              }),
               pairs->end());
}

void WatchModel::SetLink(Link link, const std::string& reason, int64_t retry_at_us) {
  link_ = link;
  link_reason_ = reason;
  retry_at_us_ = retry_at_us;
}

int64_t WatchModel::FrameAgeUs(int64_t now_us) const {
  return frame_ ? std::max<int64_t>(0, now_us - frame_at_us_) : -1;
}

bool WatchModel::Fresh(int64_t now_us) const {
  return link_ == Link::kLive && frame_ && FrameAgeUs(now_us) <= kOldAfterUs;
}

int64_t WatchModel::SessionNowUs(int64_t now_us) const {
  if (session().state() == v1::SESSION_STATE_CLOSED && session().ended_session_us() > 0) {
    return session().ended_session_us();
  }
  const double rate = session().clock_rate() > 0 ? session().clock_rate() : 1;
  return told_session_us_ + static_cast<int64_t>(static_cast<double>(now_us - told_at_us_) * rate);
}

const v1::Presence* WatchModel::FindPresence(uint32_t participant) const {
  for (const v1::Presence& presence : snapshot_.people()) {
    if (!presence.viewer() && presence.participant() == participant) return &presence;
  }
  return nullptr;
}

const v1::PersonFrame* WatchModel::FindPerson(uint32_t participant) const {
  if (!frame_) return nullptr;
  for (const v1::PersonFrame& person : frame_->frame().people()) {
    if (person.participant() == participant) return &person;
  }
  return nullptr;
}

std::string WatchModel::Name(uint32_t participant) const {
  const v1::Presence* presence = FindPresence(participant);
  const std::string alias = presence ? Harmless(presence->alias()) : "";
  return alias.empty() ? absl::StrCat("participant ", participant) : alias;
}

const Series& WatchModel::PairSeries(uint32_t a, uint32_t b) const {
  static const Series& none = *new Series;
  const auto it = pairs_.find({a, b});
  return it == pairs_.end() ? none : it->second;
}

}  // namespace attune::edge
