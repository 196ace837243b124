// What a live view knows of a session, built from the events of LiveService.Watch and History.
// Holds only what the newest frame still shows: what is no longer shared is forgotten with its
// past. Bounded. Not thread-safe.
#ifndef ATTUNE_EDGE_CTL_WATCH_MODEL_H_
#define ATTUNE_EDGE_CTL_WATCH_MODEL_H_

#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <string>
#include <utility>

#include "attune/v1/live.pb.h"

namespace attune::edge {

// One tick of a measure; no value: a gap that stays one.
struct SeriesPoint {
  int64_t end_session_us = 0;
  std::optional<double> value;
};
using Series = std::deque<SeriesPoint>;

class WatchModel {
 public:
  static constexpr int64_t kHistoryUs = 120'000'000;  // session time that sparklines show
  static constexpr size_t kMaxPoints = 600;           // of one series; the oldest go first
  static constexpr size_t kMaxEntries = 200;          // of the log; the oldest go first
  static constexpr int64_t kOldAfterUs = 4'000'000;   // real time after which a frame is old

  enum class Link { kConnecting, kLive, kReconnecting, kClosed };

  // `now_us` is the local steady clock, everywhere.
  void Apply(const v1::WatchEvent& event, int64_t now_us);
  // Frames of the past, by tick: replaces what the series held.
  void ApplyHistory(const v1::HistoryResponse& history);
  // How the connection stands; `reason` in words, `retry_at_us` 0 when no try is planned.
  void SetLink(Link link, const std::string& reason, int64_t retry_at_us);

  Link link() const { return link_; }
  const std::string& link_reason() const { return link_reason_; }
  int64_t retry_at_us() const { return retry_at_us_; }

  bool has_session() const { return snapshot_.has_session(); }
  const v1::Snapshot& snapshot() const { return snapshot_; }  // kept up to date by log entries
  const v1::SessionInfo& session() const { return snapshot_.session(); }
  const std::deque<v1::LogEntry>& log() const { return log_; }

  // The newest frame, null before the first.
  const v1::FrameEnvelope* frame() const { return frame_ ? &*frame_ : nullptr; }
  // Real microseconds since the newest frame came; -1: none yet.
  int64_t FrameAgeUs(int64_t now_us) const;
  // The newest frame may be shown as what is now.
  bool Fresh(int64_t now_us) const;
  // Session time now, by the local clock since it was last told.
  int64_t SessionNowUs(int64_t now_us) const;
  // Session time of the last change of owner that was seen; -1: none.
  int64_t recovered_session_us() const { return recovered_session_us_; }

  // Shown name: the alias made harmless, "participant 3" when there is none.
  std::string Name(uint32_t participant) const;
  const v1::Presence* FindPresence(uint32_t participant) const;
  const v1::PersonFrame* FindPerson(uint32_t participant) const;

  const Series& PairSeries(uint32_t a, uint32_t b) const;
  const Series& order_series() const { return order_; }
  const Series& pairwise_series() const { return pairwise_; }

 private:
  void ApplySnapshot(const v1::Snapshot& snapshot, int64_t now_us);
  void ApplyFrame(const v1::FrameEnvelope& frame, int64_t now_us);
  void ApplyEntry(const v1::LogEntry& entry);
  void AddToSeries(const v1::Frame& frame);
  void Forget(uint32_t participant);

  v1::Snapshot snapshot_;
  std::optional<v1::FrameEnvelope> frame_;
  std::deque<v1::LogEntry> log_;
  std::map<std::pair<uint32_t, uint32_t>, Series> pairs_;
  Series order_;
  Series pairwise_;
  Link link_ = Link::kConnecting;
  std::string link_reason_;
  int64_t retry_at_us_ = 0;
  int64_t frame_at_us_ = 0;
  int64_t told_session_us_ = 0;  // session time as last told, and when that was
  int64_t told_at_us_ = 0;
  int64_t recovered_session_us_ = -1;
};

}  // namespace attune::edge

#endif  // ATTUNE_EDGE_CTL_WATCH_MODEL_H_
