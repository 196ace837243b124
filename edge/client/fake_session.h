// A session as an edge sees it, without a network: takes EdgeUp, answers EdgeDown, remembers every
// beat and every broken rule. For tests of the uplink and the agent; the real thing is
// services/node.
#ifndef ATTUNE_EDGE_CLIENT_FAKE_SESSION_H_
#define ATTUNE_EDGE_CLIENT_FAKE_SESSION_H_

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "attune/v1/edge.pb.h"

namespace attune::edge {

// Not thread-safe. A token is "p1", "p2", ...: the participant's number.
class FakeSession {
 public:
  struct Beat {
    int64_t time_us = 0;
    uint32_t rr_1024 = 0;
    bool gap_before = false;
    friend bool operator==(const Beat&, const Beat&) = default;
  };
  struct Person {
    std::string boot_id;
    std::map<uint64_t, Beat> beats;     // admitted
    std::map<uint64_t, Beat> promised;  // every stamp ever seen: a re-send must be the same
    std::set<uint64_t> missing;         // numbers given up by a Gap
    uint64_t received_seq = 0;
    int64_t complete_us = INT64_MIN;
    uint64_t complete_seq = 0;  // numbers above may not be at or before complete_us
    bool finished = false;
    int hellos = 0;
    std::vector<int64_t> delays_us;    // of each new beat: receipt minus its time, session time
    std::vector<v1::EdgeUp> messages;  // all, when `keep_messages`
  };

  explicit FakeSession(std::function<int64_t()> session_now_us);

  // ---- What the test sets.
  uint64_t epoch = 1;
  std::string nonce = std::string(16, 'n');
  std::string session_id = "session-0123456789";
  double clock_rate = 1;
  uint32_t credit = 1000;
  bool hold_acks = false;
  bool durable = true;  // acks say durable as far as received
  bool keep_messages = false;
  bool lossy = false;  // messages may get lost on the way: numbers that jump are refused
  std::map<std::string, v1::Refusal> refusals;  // by token: answer to Hello
  std::optional<v1::Redirect> redirect;         // answer to every Hello

  // ---- What the transport calls. `stream`: a number of its own for each stream.
  std::vector<v1::EdgeDown> OnMessage(uint64_t stream, const v1::EdgeUp& up);
  void OnGone(uint64_t stream);

  // ---- What the test does.
  // A new owner that has lost each person's last `lost` numbers.
  void Restart(uint64_t lost);
  // Acks that were held.
  std::vector<v1::EdgeDown> Acks(uint64_t stream);
  std::vector<v1::EdgeDown> Close(uint64_t stream, bool delete_raw);

  // ---- What it saw.
  std::map<uint32_t, Person> people;    // by participant
  std::vector<std::string> violations;  // rules broken by the edge
  uint64_t repeated_beats = 0;          // sent again

 private:
  struct Link {
    uint32_t participant = 0;
    uint64_t credit_through = 0;
  };
  std::vector<v1::EdgeDown> OnHello(uint64_t stream, const v1::EdgeUp& up);
  // With `lossy`: what the real one says when something before this message is missing.
  std::optional<v1::Refusal> RefusalOf(const Person& person, const v1::EdgeUp& up) const;
  void OnObservations(Person& person, Link& link, const v1::Observations& observations);
  void OnGap(Person& person, const v1::Gap& gap);
  void Complete(Person& person, int64_t through_us);
  v1::EdgeDown AckOf(uint32_t handle, Link& link);
  void Broken(const std::string& rule) { violations.push_back(rule); }

  std::function<int64_t()> session_now_us_;
  std::map<uint64_t, std::map<uint32_t, Link>> links_;  // stream -> handle
};

}  // namespace attune::edge

#endif  // ATTUNE_EDGE_CLIENT_FAKE_SESSION_H_
