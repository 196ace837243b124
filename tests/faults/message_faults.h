// Which message of a stream is dropped, doubled or spoiled, and where a stream is cut: decided by
// rules, or drawn from a seed.
//
// Reordering is not here: messages of one gRPC stream come in order or not at all. What comes near
// it - a message of a stream that was given up, after those of the next one - is a held connection
// (tcp_proxy.h).
//
// A spoiled message is one whose receiver can tell: bytes that are no message, fields out of range,
// arrays of unequal length, numbers that jump, a person who is not on this stream. A value that is
// merely another valid value cannot be told by anybody but TLS, so it is not made.
#ifndef ATTUNE_TESTS_FAULTS_MESSAGE_FAULTS_H_
#define ATTUNE_TESTS_FAULTS_MESSAGE_FAULTS_H_

#include <cstdint>
#include <deque>
#include <string>

#include "services/base/mutex.h"
#include "services/base/random.h"
#include "tests/faults/fault_log.h"
#include "tests/faults/tcp_proxy.h"

namespace attune::faults {

enum class Action { kPass, kDrop, kDouble, kSpoil, kCut };  // cut: before this message
const char* NameOf(Action action);

// Probability of each, per message.
struct MessageRates {
  double drop = 0;
  double twice = 0;
  double spoil = 0;
  double cut = 0;
};

// The next `count` messages of one kind; comes before the rates.
struct MessageRule {
  Direction direction = Direction::kUp;
  std::string kind;  // field of EdgeUp or EdgeDown, "hello", "ack" ...; empty: any
  Action action = Action::kPass;
  int count = 1;
  int after = 0;  // so many that no rule before it takes pass first
};

// Name of the field that the message holds: "hello", "observations", "ack" ...; "" when it is no
// message of this direction.
std::string KindOf(Direction direction, const std::string& message);

// Thread-safe.
class MessageFaults {
 public:
  MessageFaults(uint64_t seed, FaultLog& log) : log_(log), random_(seed) {}

  void SetRates(Direction direction, const MessageRates& rates);
  void Add(const MessageRule& rule);
  void Clear();

  // Decides about one message; kSpoil has changed it.
  Action Decide(Direction direction, uint64_t stream, std::string* message);
  uint64_t seen(Direction direction) const;

 private:
  void Spoil(Direction direction, std::string* message) ATTUNE_REQUIRES(mu_);

  FaultLog& log_;
  mutable Mutex mu_;
  SeededRandom random_ ATTUNE_GUARDED_BY(mu_);
  MessageRates rates_[2] ATTUNE_GUARDED_BY(mu_);
  std::deque<MessageRule> rules_ ATTUNE_GUARDED_BY(mu_);
  uint64_t seen_[2] ATTUNE_GUARDED_BY(mu_) = {0, 0};
};

}  // namespace attune::faults

#endif  // ATTUNE_TESTS_FAULTS_MESSAGE_FAULTS_H_
