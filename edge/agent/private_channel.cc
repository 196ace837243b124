#include "edge/agent/private_channel.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "edge/words/json.h"
#include "edge/words/text.h"
#include "edge/words/words.h"
#include "services/base/log.h"
#include "services/base/status_macros.h"

namespace attune::edge {
namespace {

std::string Seconds(uint32_t ms) { return Fixed(ms / 1000.0, ms % 1000 == 0 ? 0 : 1); }

std::string PacerWords(const v1::Pacer& pacer) {
  std::string words = absl::StrCat("breathe in ", Seconds(pacer.inhale_ms()), " s");
  if (pacer.hold_ms() > 0) absl::StrAppend(&words, ", hold ", Seconds(pacer.hold_ms()), " s");
  return absl::StrCat(words, ", out ", Seconds(pacer.exhale_ms()), " s");
}

}  // namespace

absl::Status PrivateChannel::OfferSocket(const std::string& path) {
  ATTUNE_ASSIGN_OR_RETURN(socket_, LocalSocket::Open(path));
  return absl::OkStatus();
}

absl::Status PrivateChannel::OfferLsl(std::shared_ptr<const LslLibrary> library) {
  lsl_ = std::move(library);
  ATTUNE_ASSIGN_OR_RETURN(LslOutlet rr, LslOutlet::Make(lsl_, {.name = "Attune RR " + name_,
                                                               .type = "RR",
                                                               .unit = "ms",
                                                               .source_id = "attune-rr-" + name_}));
  ATTUNE_ASSIGN_OR_RETURN(LslOutlet markers,
                          LslOutlet::Make(lsl_, {.name = "Attune markers " + name_,
                                                 .type = "Markers",
                                                 .words = true,
                                                 .source_id = "attune-markers-" + name_}));
  lsl_rr_.emplace(std::move(rr));
  lsl_markers_.emplace(std::move(markers));
  return absl::OkStatus();
}

void PrivateChannel::OnWelcome(const v1::Welcome& welcome) {
  participant_ = welcome.participant();
  rate_ = welcome.session().clock_rate() > 0 ? welcome.session().clock_rate() : 1;
  std::string hello = absl::StrCat(",\"format\":1,\"name\":", JsonQuote(name_),
                                   ",\"session_id\":", JsonQuote(welcome.session().session_id()),
                                   ",\"participant\":", participant_, ",\"clock_rate\":", rate_);
  if (hello == hello_) return;  // a reconnect
  hello_ = std::move(hello);
  Publish("hello", hello_);
}

void PrivateChannel::OnMessage(const v1::EdgeDown& message) {
  if (message.has_entry()) {
    OnEntry(message.entry());
  } else if (message.has_frame()) {
    frame_ = message.frame();
    frame_at_us_ = now_us_;
    aliases_.clear();
    for (const v1::Presence& person : frame_->people()) {
      aliases_[person.participant()] = person.alias();
    }
    Publish("frame", absl::StrCat(",\"frame\":", JsonLine(*frame_)));
  }
}

void PrivateChannel::OnEntry(const v1::LogEntry& entry) {
  Publish("entry", absl::StrCat(",\"entry\":", JsonLine(entry)));
  const std::string words = EntryWords(entry, [this](uint32_t who) { return NameOf(who); });
  switch (entry.what_case()) {
    case v1::LogEntry::kPractice:
      if (entry.practice().stopped_session_us() == 0) {
        practice_ = entry;
      } else {
        practice_.reset();
      }
      Note(practice_ && entry.practice().has_pacer()
               ? absl::StrCat(words, ": ", PacerWords(entry.practice().pacer()))
               : words);
      Mark(words, entry.at_session_us());
      break;
    case v1::LogEntry::kAnnotation:
    case v1::LogEntry::kAnnotationUndone:
    case v1::LogEntry::kPrompt:
    case v1::LogEntry::kState:
      Note(words);
      Mark(words, entry.at_session_us());
      break;
    default:  // who comes and goes is shown elsewhere
      break;
  }
}

void PrivateChannel::OnOver() { Publish("over", ""); }

void PrivateChannel::Step(int64_t now_us, bool connected, const ClockSync& clock,
                          const Outbox* outbox) {
  now_us_ = now_us;
  session_now_us_.reset();
  if (clock.valid()) session_now_us_ = clock.SessionAt(now_us);
  if (connected_ != connected) {
    connected_ = connected;
    Publish("link", absl::StrCat(",\"connected\":", connected ? "true" : "false"));
  }
  if (outbox != nullptr) {
    const uint64_t end = outbox->next_seq();
    // What was there before this program began is not news.
    if (next_seq_ == 0) next_seq_ = end;
    next_seq_ = std::max(next_seq_, end - std::min<uint64_t>(end, kMostBeatsPerStep));
    for (; next_seq_ < end; ++next_seq_) {
      const auto beat = outbox->Get(next_seq_);
      if (!beat) continue;
      Publish("beat", absl::StrCat(",\"beat\":{\"time_session_us\":", beat->time_session_us,
                                   ",\"rr_1024\":", beat->rr_1024,
                                   ",\"gap_before\":", beat->gap_before ? "true" : "false", "}"));
      if (lsl_rr_ && session_now_us_) {
        lsl_rr_->Push(beat->rr_1024 * (1000.0 / 1024), LslTime(beat->time_session_us));
      }
    }
  }
  if (socket_ != nullptr) socket_->Step([this] { return Greeting(); });
}

std::vector<std::string> PrivateChannel::TakeNotes() { return std::exchange(notes_, {}); }

std::string PrivateChannel::OwnWords(int64_t now_us) const {
  if (!frame_ || now_us - frame_at_us_ > kFreshUs) return "";
  for (const v1::PersonFrame& person : frame_->frame().people()) {
    if (person.participant() != participant_) continue;
    std::string words;
    if (person.hr_bpm().has_value()) words = "HR " + Fixed(person.hr_bpm().value(), 0);
    if (person.rmssd_ms().has_value()) {
      absl::StrAppend(&words, words.empty() ? "" : ", ", "RMSSD ",
                      Fixed(person.rmssd_ms().value(), 0), " ms");
    }
    return words;
  }
  return "";
}

std::string PrivateChannel::Line(const std::string& event, const std::string& rest) const {
  std::string line = absl::StrCat("{\"event\":\"", event, "\"");
  if (session_now_us_) absl::StrAppend(&line, ",\"session_us\":", *session_now_us_);
  return absl::StrCat(line, rest, "}");
}

void PrivateChannel::Publish(const std::string& event, const std::string& rest) {
  if (socket_ != nullptr) socket_->Publish(Line(event, rest));
}

void PrivateChannel::Note(const std::string& words) {
  if (notes_.size() >= kMostNotes) notes_.erase(notes_.begin());
  notes_.push_back(words);
}

void PrivateChannel::Mark(const std::string& words, int64_t at_session_us) {
  if (lsl_markers_ && session_now_us_) lsl_markers_->Push(words, LslTime(at_session_us));
}

double PrivateChannel::LslTime(int64_t session_us) const {
  return lsl_->Now() - static_cast<double>(*session_now_us_ - session_us) / (1e6 * rate_);
}

std::string PrivateChannel::NameOf(uint32_t participant) const {
  const auto found = aliases_.find(participant);
  return found == aliases_.end() || found->second.empty() ? absl::StrCat("person ", participant)
                                                          : Harmless(found->second);
}

std::vector<std::string> PrivateChannel::Greeting() const {
  std::vector<std::string> lines;
  if (!hello_.empty()) lines.push_back(Line("hello", hello_));
  if (connected_) {
    lines.push_back(Line("link", absl::StrCat(",\"connected\":", *connected_ ? "true" : "false")));
  }
  if (practice_) lines.push_back(Line("entry", ",\"entry\":" + JsonLine(*practice_)));
  if (frame_ && now_us_ - frame_at_us_ <= kFreshUs) {
    lines.push_back(Line("frame", ",\"frame\":" + JsonLine(*frame_)));
  }
  return lines;
}

}  // namespace attune::edge
