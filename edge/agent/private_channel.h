// What the node sends to one person alone - own values, cues, prompts - and where it goes: notes
// and own values for the terminal, lines of JSON for other programs (local_socket.h), streams for
// recorders (Lab Streaming Layer).
//
// Lines, one JSON object each. `session_us` is the session's time at which the line was written
// (absent while it is not known): with it a light can follow a shared pacer, whose phase counts
// from the practice's start.
//
//   {"event":"hello","format":1,"name":..,"session_id":..,"participant":..,"clock_rate":..}
//   {"event":"link","connected":true}           the stream to the node is there, or not
//   {"event":"beat","beat":{"time_session_us":..,"rr_1024":..,"gap_before":..}}
//   {"event":"frame","frame":FrameEnvelope}     as this person may see it, each tick
//   {"event":"entry","entry":LogEntry}          practices, marks, prompts, people
//   {"event":"over"}                            the last line
//
// Messages are protobuf JSON with the field names of proto/attune/v1/live.proto. A new reader gets
// hello, link, the running practice and the newest frame.
//
// LSL: "Attune RR NAME" (type RR, ms, stamped with the time of the beat) and "Attune markers NAME"
// (type Markers: the words of practices, marks and prompts).
//
// Not thread-safe; belongs to the agent's loop.
#ifndef ATTUNE_EDGE_AGENT_PRIVATE_CHANNEL_H_
#define ATTUNE_EDGE_AGENT_PRIVATE_CHANNEL_H_

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "attune/v1/edge.pb.h"
#include "edge/agent/local_socket.h"
#include "edge/client/clock_sync.h"
#include "edge/client/outbox.h"
#include "edge/lsl/library.h"

namespace attune::edge {

class PrivateChannel {
 public:
  explicit PrivateChannel(std::string name) : name_(std::move(name)) {}

  // Where else things go; each at most once, before anything happens.
  absl::Status OfferSocket(const std::string& path);
  absl::Status OfferLsl(std::shared_ptr<const LslLibrary> library);

  void OnWelcome(const v1::Welcome& welcome);
  // A frame or a log entry.
  void OnMessage(const v1::EdgeDown& message);
  void OnOver();

  // Passes new beats of `outbox` on and serves readers. Often.
  void Step(int64_t now_us, bool connected, const ClockSync& clock, const Outbox* outbox);

  // Words for this person since the last call.
  std::vector<std::string> TakeNotes();
  // "HR 64, RMSSD 42 ms" of the newest frame; empty when there is none or it is old.
  std::string OwnWords(int64_t now_us) const;

 private:
  static constexpr size_t kMostNotes = 64;            // oldest dropped
  static constexpr size_t kMostBeatsPerStep = 1'024;  // older ones are not told
  static constexpr int64_t kFreshUs = 5'000'000;      // values older than this are not shown

  std::string Line(const std::string& event, const std::string& rest) const;
  void Publish(const std::string& event, const std::string& rest);
  void OnEntry(const v1::LogEntry& entry);
  void Note(const std::string& words);
  void Mark(const std::string& words, int64_t at_session_us);
  double LslTime(int64_t session_us) const;
  std::string NameOf(uint32_t participant) const;
  std::vector<std::string> Greeting() const;

  const std::string name_;
  std::unique_ptr<LocalSocket> socket_;
  std::shared_ptr<const LslLibrary> lsl_;
  std::optional<LslOutlet> lsl_rr_;
  std::optional<LslOutlet> lsl_markers_;

  std::string hello_;  // rest of the line
  uint32_t participant_ = 0;
  double rate_ = 1;
  std::optional<bool> connected_;
  std::map<uint32_t, std::string> aliases_;  // of the people in the session: bounded by the node
  std::optional<v1::LogEntry> practice_;     // while it runs
  std::optional<v1::FrameEnvelope> frame_;
  int64_t frame_at_us_ = 0;
  int64_t now_us_ = 0;
  std::optional<int64_t> session_now_us_;
  uint64_t next_seq_ = 0;  // of the beats to pass on; 0: not begun
  std::vector<std::string> notes_;
};

}  // namespace attune::edge

#endif  // ATTUNE_EDGE_AGENT_PRIVATE_CHANNEL_H_
