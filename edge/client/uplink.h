// The uplink: many people's beats over one stream, exactly once, whatever breaks.
//
// A state machine without threads and without a clock of its own: its owner calls Tick with the
// steady time, passes on what the transport received, and sleeps until the time that Tick returns.
//
//   kWaiting --Open--> kOpen --(Closed | Redirect | Reconnect | silence | stale owner)--> kWaiting
//
// and, per person on an open stream:
//
//   kGreeting --Welcome--> kLive --SessionClosed--> kOver
//       \--Refusal--> kPaused (tries again), kRefused (does not), kOver
//
// Rules it keeps (each has a test):
// - A beat is sent with the number and stamp it has in its outbox, never beyond the node's credit.
// - After a Welcome it sends from `resume_seq`, again if need be; numbers that no longer exist are
//   sent as a Gap.
// - New beats leave within kBatchDelayUs of session time, at most kBatchBeats in a message.
// - `complete_through` never covers a beat that has not been sent.
// - Ownership never goes back: a Welcome of a lower epoch than one seen, or of the same epoch with
//   another nonce, is not accepted, and the stream is given up.
// - One person's refusal does not touch the others.
// - Nothing hangs on one message: a message that was lost or spoiled although the stream goes on
//   (something between may speak gRPC too), and a refusal that comes of it, lead back to kGreeting
//   and to what the node says it has.
#ifndef ATTUNE_EDGE_CLIENT_UPLINK_H_
#define ATTUNE_EDGE_CLIENT_UPLINK_H_

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "attune/v1/edge.pb.h"
#include "edge/client/backoff.h"
#include "edge/client/clock_sync.h"
#include "edge/client/outbox.h"
#include "edge/client/transport.h"
#include "services/base/random.h"

namespace attune::edge {

inline constexpr int kBatchBeats = 256;
inline constexpr int64_t kBatchDelayUs = 250'000;       // session time
inline constexpr int64_t kProgressEveryUs = 1'000'000;  // session time
// Nothing heard from the node for so long: the stream is dead, whatever TCP believes.
inline constexpr int64_t kSilenceUs = 15'000'000;
inline constexpr uint32_t kMostHandles = 1000;
// A spool whose end was lost cannot know its next number: it says one that is surely larger, and
// Welcome.resume_seq tells where to go on.
inline constexpr uint64_t kFarAhead = 1'000'000;
inline constexpr int kMostRedirects = 5;  // in a row, without a Welcome
// No answer to Hello, or nothing acknowledged of what was sent, for so long: greets again.
inline constexpr int64_t kAnswerUs = 5'000'000;
inline constexpr int64_t kAckUs = 10'000'000;
// A finished source's Bye has no answer of its own: it is said again so often.
inline constexpr int64_t kByeAgainUs = 15'000'000;
// Refusals of a message or its numbers in a row, with nothing acknowledged between: then it is no
// accident. They are half a minute apart in all.
inline constexpr int kMostDisputes = 8;
// A Hello of a stream that was given up may reach the node after that of the next one, which is
// then REPLACED by it. So that is believed only when it goes on: another agent is at work.
inline constexpr int kMostReplaced = 2;
inline constexpr int64_t kReplacedUs = 60'000'000;

enum class PersonState {
  kConnecting,  // no stream, or no answer to Hello yet
  kLive,        // the node takes beats
  kPaused,      // refused for now; tries again by itself
  kNeedsToken,  // refused until SetToken
  kRefused,     // refused; `words` says why
  kOver,        // the session is closed, or this person was erased
};
const char* NameOf(PersonState state);

struct PersonProgress {
  PersonState state = PersonState::kConnecting;
  std::string words;          // of the last refusal
  uint64_t highest_sent = 0;  // largest number ever sent; all of this outbox's numbers
  uint64_t received_seq = 0;  // acknowledged
  uint64_t durable_seq = 0;   // in the node's journal
  bool bye_sent = false;      // on the present stream
  bool delete_raw = false;    // kOver: the local copy must go now
  v1::DurabilityTier durability = v1::DURABILITY_TIER_UNSPECIFIED;
};

// Told from inside Tick and On..., on the owner's thread. Any may be empty.
struct UplinkEvents {
  std::function<void(uint32_t handle, const v1::Welcome&)> welcome;
  std::function<void(uint32_t handle, const std::string& words)> refused;
  std::function<void(uint32_t handle)> token_needed;
  std::function<void(uint32_t handle, bool delete_raw)> over;
  std::function<void(const v1::EpochTicket&)> ticket;     // a higher one; keep it over restarts
  std::function<void(const std::string& words)> trouble;  // the stream as a whole
  // Frames, and log entries: each once, in order, over reconnects too.
  std::function<void(uint32_t handle, const v1::EdgeDown&)> other;
};

struct UplinkOptions {
  std::vector<std::string> addresses;  // tried in turn; at least one
  std::string agent = "attune-agent";  // at most 64 characters
  v1::EpochTicket ticket;              // highest seen before; may be empty
  UplinkEvents events;
};

// Not thread-safe; everything passed by reference must outlive it.
class Uplink {
 public:
  Uplink(StreamTransport& transport, ClockSync& clock, RandomSource& random, UplinkOptions options);

  // Introduces a person; `outbox` must outlive the uplink. `handle` 1..kMostHandles, new.
  absl::Status Add(uint32_t handle, Outbox* outbox, std::string token, v1::SensorKind sensor,
                   bool follow);
  // Replaces the token, on the stream too.
  void SetToken(uint32_t handle, std::string token);
  // No beat at or before this session time will still be appended to the outbox.
  void SetComplete(uint32_t handle, int64_t through_session_us);
  // The source has ended for good; everything is in the outbox.
  void SetFinished(uint32_t handle);
  // The agent stops: everything pending is sent as far as credit allows, then Bye for everybody and
  // the end of the stream. Nothing is reconnected after that.
  void Stop();

  // Does what is due. Returns the steady time at which to call again at the latest; call also after
  // appending to an outbox and after the transport became ready.
  int64_t Tick(int64_t now_us);
  void OnMessage(int64_t now_us, const v1::EdgeDown& message);
  void OnClosed(int64_t now_us, const absl::Status& why);

  const PersonProgress& progress(uint32_t handle) const { return people_.at(handle).progress; }
  bool open() const { return open_; }
  // After Stop: nothing is left to do on the stream.
  bool stopped() const { return stopping_ && !open_; }
  const std::string& address() const { return address_; }
  uint64_t epoch() const { return ticket_.epoch(); }
  uint64_t reconnects() const { return opened_ == 0 ? 0 : opened_ - 1; }

 private:
  struct Person {
    Outbox* outbox = nullptr;
    std::string token;
    v1::SensorKind sensor = v1::SENSOR_KIND_UNSPECIFIED;
    bool follow = false;
    uint64_t cursor = 0;  // of the newest log entry that came
    PersonProgress progress;
    bool hello_sent = false;
    int64_t hello_us = 0;    // the first that has no answer yet
    int64_t greeted_us = 0;  // the last one
    int64_t retry_us = 0;    // kPaused: when to greet again
    int disputes = 0;        // see kMostDisputes
    int replaced = 0;        // see kMostReplaced
    int64_t replaced_us = 0;
    bool token_to_send = false;
    bool behind = false;  // the node said that it knows numbers beyond our next one
    uint64_t next_send = 1;
    uint64_t credit_through = 0;  // largest number that may be sent
    int64_t complete_us = INT64_MIN;
    int64_t complete_told_us = INT64_MIN;
    bool finished = false;
    uint64_t noticed_seq = 1;     // beats below were seen by Tick
    int64_t batch_since_us = -1;  // when the oldest unsent beat was noticed; -1: none
    int64_t spoke_us = 0;         // last data or progress
    int64_t ack_wait_us = 0;      // since when nothing was acknowledged, if something should be
    int64_t bye_us = 0;
    std::optional<v1::Timing> timing_told;
  };

  int64_t RealUs(int64_t session_us) const;  // a duration, by the session's rate
  bool Wanted() const;                       // somebody has a use for a stream
  int64_t TickPerson(int64_t now_us, uint32_t handle, Person& person);
  int64_t TickProbes(int64_t now_us);
  void Greet(int64_t now_us, uint32_t handle, Person& person);
  bool SendDue(int64_t now_us, uint32_t handle, Person& person);
  void SendGap(int64_t now_us, uint32_t handle, Person& person);
  void SendBatch(int64_t now_us, uint32_t handle, Person& person);
  void SendProgress(int64_t now_us, uint32_t handle, Person& person);
  bool EverythingSent(const Person& person) const;
  bool Unacknowledged(const Person& person) const;
  // Whether a refusal may be an accident; then it is tried again.
  bool MayBeAccident(int64_t now_us, Person& person, v1::RefusalReason reason);
  void OnWelcome(int64_t now_us, uint32_t handle, Person& person, const v1::Welcome& welcome);
  void OnRefusal(int64_t now_us, uint32_t handle, Person& person, const v1::Refusal& refusal);
  void OnAck(int64_t now_us, Person& person, const v1::Ack& ack);
  void Over(uint32_t handle, Person& person, bool delete_raw);
  // Leaves the stream and comes again after the delay.
  void Leave(int64_t now_us, int64_t delay_us, std::string next_address);
  void Fail(int64_t now_us, const std::string& words, int64_t hint_us = 0);
  void Forget();  // the stream is gone

  StreamTransport& transport_;
  ClockSync& clock_;
  RandomSource& random_;
  UplinkOptions options_;
  Backoff backoff_;
  Backoff person_backoff_;
  std::map<uint32_t, Person> people_;

  v1::EpochTicket ticket_;  // highest accepted
  std::string address_;
  size_t address_index_ = 0;
  bool open_ = false;
  bool stopping_ = false;
  bool half_closed_ = false;
  bool anchored_ = false;   // the clock was anchored on this stream
  int64_t open_at_us_ = 0;  // when to open next
  int64_t heard_us_ = 0;
  int redirects_ = 0;
  uint64_t opened_ = 0;
};

}  // namespace attune::edge

#endif  // ATTUNE_EDGE_CLIENT_UPLINK_H_
