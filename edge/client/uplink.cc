// The stream as a whole and what comes down it; sending is in uplink_send.cc.
#include "edge/client/uplink.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "edge/client/refusal_words.h"

namespace attune::edge {

const char* NameOf(PersonState state) {
  switch (state) {
    case PersonState::kConnecting:
      return "connecting";
    case PersonState::kLive:
      return "live";
    case PersonState::kPaused:
      return "waiting";
    case PersonState::kNeedsToken:
      return "needs_token";
    case PersonState::kRefused:
      return "refused";
    case PersonState::kOver:
      return "over";
  }
  return "unknown";
}

Uplink::Uplink(StreamTransport& transport, ClockSync& clock, RandomSource& random,
               UplinkOptions options)
    : transport_(transport),
      clock_(clock),
      random_(random),
      options_(std::move(options)),
      backoff_(random),
      person_backoff_(random),
      ticket_(options_.ticket),
      address_(options_.addresses.empty() ? "" : options_.addresses.front()) {}

absl::Status Uplink::Add(uint32_t handle, Outbox* outbox, std::string token, v1::SensorKind sensor,
                         bool follow) {
  if (handle < 1 || handle > kMostHandles || people_.contains(handle)) {
    return absl::InvalidArgumentError(
        absl::StrCat("handle ", handle, " is taken or not in 1..", kMostHandles));
  }
  Person& person = people_[handle];
  person.outbox = outbox;
  person.token = std::move(token);
  person.sensor = sensor;
  person.follow = follow;
  return absl::OkStatus();
}

void Uplink::SetToken(uint32_t handle, std::string token) {
  Person& person = people_.at(handle);
  person.token = std::move(token);
  if (person.progress.state == PersonState::kNeedsToken) {
    person.progress.state = PersonState::kConnecting;
  } else if (person.progress.state == PersonState::kLive) {
    person.token_to_send = true;
  }
}

void Uplink::SetComplete(uint32_t handle, int64_t through_session_us) {
  Person& person = people_.at(handle);
  person.complete_us = std::max(person.complete_us, through_session_us);
}

void Uplink::SetFinished(uint32_t handle) { people_.at(handle).finished = true; }

void Uplink::Stop() { stopping_ = true; }

int64_t Uplink::RealUs(int64_t session_us) const {
  // At high rates the loop cannot keep up with less.
  constexpr int64_t kLeastUs = 2'000;
  const double rate = std::max(1.0, clock_.rate());
  return std::max(kLeastUs, static_cast<int64_t>(static_cast<double>(session_us) / rate));
}

bool Uplink::Wanted() const {
  return std::any_of(people_.begin(), people_.end(), [](const auto& entry) {
    const PersonState state = entry.second.progress.state;
    return state == PersonState::kConnecting || state == PersonState::kLive ||
           state == PersonState::kPaused;
  });
}

int64_t Uplink::Tick(int64_t now_us) {
  constexpr int64_t kIdleUs = 1'000'000;
  if (!open_) {
    if (stopping_ || !Wanted()) return now_us + kIdleUs;
    if (now_us < open_at_us_) return open_at_us_;
    open_ = true;
    half_closed_ = false;
    anchored_ = false;
    heard_us_ = now_us;
    ++opened_;
    transport_.Open(address_);
  }
  if (!Wanted() && !half_closed_) {
    transport_.Abort();
    Forget();
    return now_us + kIdleUs;
  }
  if (now_us - heard_us_ >= kSilenceUs) {
    transport_.Abort();
    Fail(now_us, absl::StrCat(address_, " has not answered for ", kSilenceUs / 1'000'000, " s"));
    return open_at_us_;
  }
  int64_t next_us = std::min(now_us + kIdleUs, heard_us_ + kSilenceUs);
  if (half_closed_) return next_us;
  for (auto& [handle, person] : people_) {
    next_us = std::min(next_us, TickPerson(now_us, handle, person));
  }
  next_us = std::min(next_us, TickProbes(now_us));
  if (stopping_) {
    const bool talking = std::any_of(people_.begin(), people_.end(), [](const auto& entry) {
      const PersonState state = entry.second.progress.state;
      return state == PersonState::kConnecting ||
             (state == PersonState::kLive && !entry.second.progress.bye_sent);
    });
    if (!talking) {
      half_closed_ = true;
      transport_.HalfClose();
    }
  }
  return next_us;
}

int64_t Uplink::TickProbes(int64_t now_us) {
  const std::optional<int64_t> due_us = clock_.NextProbeUs();
  if (!due_us || !anchored_) return INT64_MAX;
  if (now_us < *due_us) return *due_us;
  if (!transport_.Ready()) return INT64_MAX;  // woken when it is
  for (const auto& [handle, person] : people_) {
    if (person.progress.state != PersonState::kLive) continue;
    v1::EdgeUp up;
    up.set_handle(handle);
    up.mutable_probe()->set_id(clock_.ProbeSent(now_us));
    up.mutable_probe()->set_t0_edge_us(now_us);
    transport_.Send(up);
    return *clock_.NextProbeUs();
  }
  return INT64_MAX;
}

void Uplink::OnMessage(int64_t now_us, const v1::EdgeDown& message) {
  if (!open_) return;
  heard_us_ = now_us;
  switch (message.what_case()) {
    case v1::EdgeDown::kProbeReply: {
      const v1::ProbeReply& reply = message.probe_reply();
      clock_.ProbeReplied(reply.id(), reply.t0_edge_us(), reply.t1_session_us(),
                          reply.t2_session_us(), now_us);
      return;
    }
    case v1::EdgeDown::kRedirect: {
      const v1::Redirect& redirect = message.redirect();
      transport_.Abort();
      if (redirect.address().empty() || ++redirects_ > kMostRedirects) {
        Fail(now_us, "the nodes send this agent around in a circle");
      } else if (redirect.epoch_ticket().epoch() != 0 &&
                 redirect.epoch_ticket().epoch() < ticket_.epoch()) {
        Fail(now_us, absl::StrCat(address_, " names an owner that is no longer one"));
      } else {
        Leave(now_us, 0, redirect.address());
      }
      return;
    }
    case v1::EdgeDown::kReconnect: {
      const v1::Reconnect& reconnect = message.reconnect();
      transport_.Abort();
      Leave(now_us, int64_t{1000} * reconnect.delay_ms(),
            reconnect.address().empty() ? address_ : reconnect.address());
      return;
    }
    default:
      break;
  }
  for (auto& [handle, person] : people_) {
    if (message.handle() != 0 && message.handle() != handle) continue;
    switch (message.what_case()) {
      case v1::EdgeDown::kWelcome:
        if (message.handle() != 0) OnWelcome(now_us, handle, person, message.welcome());
        break;
      case v1::EdgeDown::kRefusal:
        OnRefusal(now_us, handle, person, message.refusal());
        break;
      case v1::EdgeDown::kAck:
        if (message.handle() != 0) OnAck(now_us, person, message.ack());
        break;
      case v1::EdgeDown::kClosed:
        Over(handle, person, message.closed().delete_raw());
        break;
      case v1::EdgeDown::kFrame:
      case v1::EdgeDown::kEntry:
        if (message.has_entry()) {  // what was sent again may overlap
          if (message.entry().cursor() <= person.cursor) break;
          person.cursor = message.entry().cursor();
        }
        if (options_.events.other) options_.events.other(handle, message);
        break;
      default:
        break;
    }
    if (!open_) return;
  }
}

void Uplink::OnWelcome(int64_t now_us, uint32_t handle, Person& person,
                       const v1::Welcome& welcome) {
  if (person.progress.state != PersonState::kConnecting || !person.hello_sent) return;
  const v1::EpochTicket& ticket = welcome.epoch_ticket();
  if (welcome.epoch() < ticket_.epoch()) {
    transport_.Abort();
    Fail(now_us, absl::StrCat(address_, " claims a session that has a newer owner"));
    return;
  }
  if (welcome.epoch() == ticket_.epoch() && !ticket_.nonce().empty() &&
      ticket.nonce() != ticket_.nonce()) {
    transport_.Abort();
    Fail(now_us, absl::StrCat(address_, " claims a session under an ownership that is another's"));
    return;
  }
  if (!ticket_.session_id().empty() && ticket.session_id() != ticket_.session_id() &&
      welcome.has_epoch_ticket()) {
    person.progress.state = PersonState::kRefused;
    person.progress.words = "this token is for another session: run one agent for each session";
    if (options_.events.refused) options_.events.refused(handle, person.progress.words);
    return;
  }
  if (welcome.epoch() > ticket_.epoch()) {
    ticket_ = ticket;
    ticket_.set_epoch(welcome.epoch());
    if (options_.events.ticket) options_.events.ticket(ticket_);
  }
  if (!anchored_) {
    anchored_ = true;
    clock_.Anchor(welcome.epoch(), welcome.session().clock_rate(),
                  welcome.session().now_session_us(), person.hello_us, now_us);
  }
  redirects_ = 0;
  backoff_.Reset();
  person_backoff_.Reset();

  const uint64_t resume_seq = std::max<uint64_t>(1, welcome.resume_seq());
  if (resume_seq > person.outbox->next_seq()) person.outbox->NoteKnown(resume_seq - 1);
  person.behind = false;
  person.next_send = resume_seq;
  person.credit_through = resume_seq - 1 + welcome.credit();
  person.noticed_seq = person.outbox->next_seq();
  // What waited for the stream has waited long enough.
  person.batch_since_us =
      person.next_send < person.noticed_seq ? now_us - RealUs(kBatchDelayUs) : -1;
  person.spoke_us = now_us - RealUs(kProgressEveryUs);
  person.complete_told_us = INT64_MIN;
  person.timing_told.reset();
  person.token_to_send = false;

  PersonProgress& progress = person.progress;
  progress.state = PersonState::kLive;
  progress.words.clear();
  progress.bye_sent = false;
  progress.received_seq = resume_seq - 1;
  progress.durable_seq = std::min(welcome.durable_seq(), progress.received_seq);
  progress.highest_sent = std::max(progress.highest_sent, progress.received_seq);
  progress.durability = welcome.durability();
  person.outbox->NoteDurable(progress.durable_seq);
  if (options_.events.welcome) options_.events.welcome(handle, welcome);
}

void Uplink::OnAck(int64_t now_us, Person& person, const v1::Ack& ack) {
  PersonProgress& progress = person.progress;
  if (progress.state != PersonState::kLive) return;
  if (ack.epoch() != 0 && ack.epoch() != ticket_.epoch())
    return;  // of an ownership that has passed
  // Numbers that were never sent cannot be acknowledged.
  const uint64_t received_seq = std::min(ack.received_seq(), progress.highest_sent);
  if (received_seq < progress.received_seq) return;  // overtaken
  if (received_seq > progress.received_seq) {
    person.ack_wait_us = now_us;
    person.disputes = 0;
  }
  progress.received_seq = received_seq;
  progress.durable_seq =
      std::max(progress.durable_seq, std::min(ack.durable_seq(), progress.received_seq));
  person.credit_through = received_seq + ack.credit();
  person.outbox->NoteDurable(progress.durable_seq);
}

void Uplink::OnRefusal(int64_t now_us, uint32_t handle, Person& person,
                       const v1::Refusal& refusal) {
  PersonProgress& progress = person.progress;
  if (progress.state == PersonState::kRefused || progress.state == PersonState::kOver) return;
  const bool first = progress.words.empty();
  progress.words = InWords(refusal);
  person.hello_sent = false;
  if (refusal.reason() == v1::REFUSAL_REASON_SEQUENCE &&
      progress.state == PersonState::kConnecting && !person.behind) {
    person.behind = true;
    return;
  }
  if (MayBeAccident(now_us, person, refusal.reason())) {
    progress.state = PersonState::kPaused;
    progress.bye_sent = false;
    progress.words = "the node did not take a message; going on from what it has";
    return;
  }
  switch (WhatFollows(refusal)) {
    case AfterRefusal::kTryAgain:
      progress.state = PersonState::kPaused;
      person.retry_us =
          now_us + person_backoff_.NextDelayUs(int64_t{1000} * refusal.retry_after_ms());
      if (first && options_.events.refused) options_.events.refused(handle, progress.words);
      return;
    case AfterRefusal::kTryElsewhere:
      progress.state = PersonState::kConnecting;
      transport_.Abort();
      Fail(now_us, progress.words, int64_t{1000} * refusal.retry_after_ms());
      return;
    case AfterRefusal::kNewToken:
      progress.state = PersonState::kNeedsToken;
      if (options_.events.refused) options_.events.refused(handle, progress.words);
      if (options_.events.token_needed) options_.events.token_needed(handle);
      return;
    case AfterRefusal::kClosed:
      Over(handle, person, /*delete_raw=*/false);
      return;
    case AfterRefusal::kErased:
      Over(handle, person, /*delete_raw=*/true);
      return;
    case AfterRefusal::kGiveUp:
      progress.state = PersonState::kRefused;
      if (options_.events.refused) options_.events.refused(handle, progress.words);
      return;
  }
}

bool Uplink::MayBeAccident(int64_t now_us, Person& person, v1::RefusalReason reason) {
  constexpr int64_t kFirstUs = 250'000;
  if (reason == v1::REFUSAL_REASON_SEQUENCE || reason == v1::REFUSAL_REASON_BAD_MESSAGE) {
    if (++person.disputes > kMostDisputes) return false;
    const int64_t most_us = person.disputes == 1 ? 0 : kFirstUs << (person.disputes - 2);
    person.retry_us = now_us + (most_us + static_cast<int64_t>(random_.Unit() * most_us)) / 2;
    return true;
  }
  if (reason == v1::REFUSAL_REASON_REPLACED) {
    if (now_us - person.replaced_us > kReplacedUs) person.replaced = 0;
    person.replaced_us = now_us;
    if (++person.replaced > kMostReplaced) return false;
    person.retry_us = now_us + 4 * kFirstUs + static_cast<int64_t>(random_.Unit() * 4 * kFirstUs);
    return true;
  }
  return false;
}

void Uplink::Over(uint32_t handle, Person& person, bool delete_raw) {
  if (person.progress.state == PersonState::kOver) return;
  person.progress.state = PersonState::kOver;
  person.progress.delete_raw = delete_raw;
  if (options_.events.over) options_.events.over(handle, delete_raw);
}

void Uplink::OnClosed(int64_t now_us, const absl::Status& why) {
  if (!open_) return;
  if (stopping_) {
    Forget();
    return;
  }
  std::string words = absl::StrCat("the stream to ", address_, " ended");
  if (absl::IsUnavailable(why)) {
    words = absl::StrCat("cannot reach ", address_, "; beats are kept and it is tried again");
  } else if (absl::IsUnimplemented(why)) {
    words = absl::StrCat(address_, " is no Attune node: check --server");
  } else if (!why.ok()) {
    absl::StrAppend(&words, ": ", std::string(why.message()));
  }
  Fail(now_us, words);
}

void Uplink::Fail(int64_t now_us, const std::string& words, int64_t hint_us) {
  if (options_.events.trouble) options_.events.trouble(words);
  if (!options_.addresses.empty()) {
    address_index_ = (address_index_ + 1) % options_.addresses.size();
    address_ = options_.addresses[address_index_];
  }
  redirects_ = 0;
  Leave(now_us, backoff_.NextDelayUs(hint_us), address_);
}

void Uplink::Leave(int64_t now_us, int64_t delay_us, std::string next_address) {
  Forget();
  address_ = std::move(next_address);
  open_at_us_ = now_us + delay_us;
}

void Uplink::Forget() {
  open_ = false;
  half_closed_ = false;
  anchored_ = false;
  clock_.StreamLost();
  for (auto& [handle, person] : people_) {
    PersonProgress& progress = person.progress;
    person.hello_sent = false;
    progress.bye_sent = false;
    if (progress.state == PersonState::kLive) progress.state = PersonState::kConnecting;
  }
}

}  // namespace attune::edge
