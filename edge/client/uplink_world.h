// For tests of the uplink: a network with a virtual clock between it and a fake session.
#ifndef ATTUNE_EDGE_CLIENT_UPLINK_WORLD_H_
#define ATTUNE_EDGE_CLIENT_UPLINK_WORLD_H_

#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "edge/client/fake_session.h"
#include "edge/client/uplink.h"
#include "services/base/random.h"

namespace attune::edge {

inline constexpr int64_t kSecond = 1'000'000;

class MemoryOutbox final : public Outbox {
 public:
  explicit MemoryOutbox(char id) : boot_id_(16, id) {}
  const std::string& boot_id() const override { return boot_id_; }
  uint64_t next_seq() const override { return next_seq_; }
  uint64_t oldest_retained_seq() const override {
    return beats_.empty() ? next_seq_ : beats_.begin()->first;
  }
  std::optional<StampedBeat> Get(uint64_t seq) const override {
    const auto found = beats_.find(seq);
    if (found == beats_.end()) return std::nullopt;
    return found->second;
  }
  void NoteDurable(uint64_t seq) override { durable_ = std::max(durable_, seq); }
  void NoteKnown(uint64_t seq) override { next_seq_ = std::max(next_seq_, seq + 1); }
  void Append(int64_t time_us, uint32_t rr) {
    beats_[next_seq_++] = {time_us, rr, next_seq_ % 11 == 0, 1000, 0};
  }
  void Evict(uint64_t first, uint64_t last) {
    for (uint64_t seq = first; seq <= last; ++seq) beats_.erase(seq);
  }
  uint64_t durable_ = 0;

 private:
  std::string boot_id_;
  uint64_t next_seq_ = 1;
  std::map<uint64_t, StampedBeat> beats_;
};

// A network with a virtual clock: each message takes a while, the stream can be cut before the
// n-th delivery, either way.
class World final : public StreamTransport {
 public:
  static constexpr int64_t kBeatEveryUs = 800'000;

  explicit World(uint64_t seed, std::vector<std::string> addresses = {"node"},
                 v1::EpochTicket ticket = {})
      : random_(seed), session_([this] { return now_us_ + 3'000'000; }) {
    UplinkOptions options;
    options.addresses = std::move(addresses);
    options.ticket = std::move(ticket);
    options.events.ticket = [this](const v1::EpochTicket& higher) {
      if (events_ticket_) events_ticket_(higher);
    };
    options.events.refused = [this](uint32_t handle, const std::string& words) {
      refused_[handle] = words;
    };
    options.events.trouble = [this](const std::string& words) { troubles_.push_back(words); };
    options.events.token_needed = [this](uint32_t handle) { token_needed_.push_back(handle); };
    options.events.over = [this](uint32_t handle, bool raw) { over_[handle] = raw; };
    options.events.other = [this](uint32_t, const v1::EdgeDown& down) {
      if (down.has_entry()) cursors_.push_back(down.entry().cursor());
    };
    uplink_ = std::make_unique<Uplink>(*this, clock_, random_, options);
  }

  void AddPerson(uint32_t handle, bool follow = false) {
    boxes_[handle] = std::make_unique<MemoryOutbox>(static_cast<char>('A' + handle));
    ASSERT_TRUE(uplink_
                    ->Add(handle, boxes_[handle].get(), "p" + std::to_string(handle),
                          v1::SENSOR_KIND_SIMULATED, follow)
                    .ok());
    next_beat_us_[handle] = now_us_ + handle * 1000;
  }

  // ---- StreamTransport
  void Open(const std::string& address) override {
    ++stream_;
    opened_.push_back(address);
    open_ = true;
    if (address == "nowhere" || down_) Cut();
  }
  bool Ready() const override { return open_ && in_flight_up_ < 4; }
  void Send(const v1::EdgeUp& message) override {
    ASSERT_TRUE(Ready());
    ++in_flight_up_;
    if (message.has_observations()) NoteDelay(message);
    if (message.has_hello()) hellos_.push_back(message.hello());
    queue_.emplace(now_us_ + Latency(), Delivery{stream_, true, message, {}, false});
  }
  void HalfClose() override {
    queue_.emplace(now_us_ + 50'000, Delivery{stream_, false, {}, {}, true});
  }
  void Abort() override {
    session_.OnGone(stream_);
    open_ = false;
    in_flight_up_ = 0;
    ++stream_;
  }

  // ---- The test's hand
  void Cut() {
    if (!open_) return;
    session_.OnGone(stream_);
    open_ = false;
    in_flight_up_ = 0;
    ++stream_;
    queue_.emplace(now_us_ + 1'000, Delivery{stream_, false, {}, {}, true});
  }
  void Down(const v1::EdgeDown& message) {
    queue_.emplace(now_us_ + Latency(), Delivery{stream_, false, {}, message, false});
  }

  void RunFor(int64_t duration_us) {
    const int64_t end_us = now_us_ + duration_us;
    while (now_us_ < end_us) {
      int64_t next_us = std::min(uplink_->Tick(now_us_), end_us);
      ASSERT_GT(next_us, now_us_) << "the uplink would spin";
      if (!queue_.empty()) next_us = std::min(next_us, queue_.begin()->first);
      for (auto& [handle, at_us] : next_beat_us_) next_us = std::min(next_us, at_us);
      now_us_ = std::max(now_us_, next_us);
      for (auto& [handle, at_us] : next_beat_us_) {
        while (at_us <= now_us_) {
          boxes_[handle]->Append(session_us(), 800 + handle);
          born_us_[{handle, boxes_[handle]->next_seq() - 1}] = now_us_;
          uplink_->SetComplete(handle, session_us());
          at_us += kBeatEveryUs;
        }
      }
      while (!queue_.empty() && queue_.begin()->first <= now_us_) Deliver();
    }
  }

  void CheckAllThere(uint32_t handle) {
    const auto& person = session_.people[handle];
    const auto& box = *boxes_[handle];
    EXPECT_EQ(person.received_seq, box.next_seq() - 1) << "person " << handle;
    for (uint64_t seq = 1; seq < box.next_seq(); ++seq) {
      const auto sent = box.Get(seq);
      const auto got = person.beats.find(seq);
      ASSERT_TRUE(sent.has_value() && got != person.beats.end()) << handle << ":" << seq;
      EXPECT_EQ(sent->time_session_us, got->second.time_us);
      EXPECT_EQ(sent->rr_1024, got->second.rr_1024);
      EXPECT_EQ(sent->gap_before, got->second.gap_before);
    }
    EXPECT_EQ(uplink_->progress(handle).received_seq, box.next_seq() - 1);
  }
  void CheckRules() {
    EXPECT_TRUE(session_.violations.empty())
        << session_.violations.size() << " rules broken, first: " << session_.violations.front();
  }
  int64_t session_us() const { return now_us_ + 3'000'000; }

  int64_t now_us_ = 1'000'000;
  SeededRandom random_;
  FakeSession session_;
  ClockSync clock_;
  std::unique_ptr<Uplink> uplink_;
  std::map<uint32_t, std::unique_ptr<MemoryOutbox>> boxes_;
  std::map<uint32_t, int64_t> next_beat_us_;
  std::map<uint32_t, std::string> refused_;
  std::map<uint32_t, bool> over_;
  std::function<void(const v1::EpochTicket&)> events_ticket_;
  std::vector<uint32_t> token_needed_;
  std::vector<std::string> troubles_;
  std::vector<std::string> opened_;
  std::vector<v1::Hello> hellos_;
  std::vector<uint64_t> cursors_;  // of the log entries that were passed on
  bool down_ = false;
  bool mute_ = false;                         // the node's answers get lost
  std::optional<v1::EdgeDown> hello_answer_;  // instead of the session's own
  uint64_t deliveries_ = 0;
  uint64_t cut_at_ = 0;     // before this delivery
  uint64_t cut_every_ = 0;  // and after that again
  enum class Mishap { kNone, kLost, kTwice, kSpoilt };
  Mishap mishap_ = Mishap::kNone;  // to that delivery, and after that to every
  uint64_t mishap_at_ = 0, mishap_every_ = 0;
  uint64_t mishaps_ = 0;
  uint64_t restart_loses_ = 0;  // each cut is a new owner that has lost so much
  int64_t longest_delay_us_ = 0;
  uint64_t stream_ = 0;

 private:
  struct Delivery {
    uint64_t stream;
    bool up;
    v1::EdgeUp message_up;
    v1::EdgeDown message_down;
    bool closed;
  };

  // Same latency each way, in order: what was sent later arrives later.
  int64_t Latency() { return 5'000; }

  void NoteDelay(const v1::EdgeUp& up) {
    const auto& observations = up.observations();
    for (int i = 0; i < observations.beats().rr_1024_size(); ++i) {
      const auto born =
          born_us_.find({up.handle(), observations.first_seq() + static_cast<uint64_t>(i)});
      if (born != born_us_.end()) {
        longest_delay_us_ = std::max(longest_delay_us_, now_us_ - born->second);
      }
    }
  }

  void Deliver() {
    const Delivery delivery = std::move(queue_.begin()->second);
    queue_.erase(queue_.begin());
    if (delivery.stream != stream_) return;
    if (delivery.closed) {
      open_ = false;
      uplink_->OnClosed(now_us_, absl::UnavailableError("cut"));
      return;
    }
    if (++deliveries_ == cut_at_) {
      cut_at_ = cut_every_ == 0 ? 0 : cut_at_ + cut_every_;
      if (restart_loses_ > 0) session_.Restart(restart_loses_);
      Cut();
      return;
    }
    if (mishap_ != Mishap::kNone && deliveries_ == mishap_at_) {
      mishap_at_ = mishap_every_ == 0 ? 0 : mishap_at_ + mishap_every_;
      ++mishaps_;
      if (delivery.up) --in_flight_up_;
      if (mishap_ == Mishap::kLost) return;
      if (mishap_ == Mishap::kTwice) {
        Hand(delivery);
        Hand(delivery);
        return;
      }
      Delivery spoilt = delivery;
      if (delivery.up && delivery.message_up.has_observations()) {
        spoilt.message_up.mutable_observations()->mutable_beats()->add_rr_1024(1);
      } else {
        spoilt.message_up.set_handle(997);
        spoilt.message_down.set_handle(997);
      }
      Hand(spoilt);
      return;
    }
    if (delivery.up) --in_flight_up_;
    Hand(delivery);
  }

  void Hand(const Delivery& delivery) {
    if (delivery.up) {
      if (hello_answer_ && delivery.message_up.has_hello()) {
        Down(*hello_answer_);
        return;
      }
      for (const v1::EdgeDown& down : session_.OnMessage(stream_, delivery.message_up)) {
        if (!mute_) Down(down);
      }
    } else {
      uplink_->OnMessage(now_us_, delivery.message_down);
    }
  }

  std::multimap<int64_t, Delivery> queue_;
  std::map<std::pair<uint32_t, uint64_t>, int64_t> born_us_;
  bool open_ = false;
  int in_flight_up_ = 0;
};

}  // namespace attune::edge

#endif  // ATTUNE_EDGE_CLIENT_UPLINK_WORLD_H_
