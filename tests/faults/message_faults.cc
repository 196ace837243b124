#include "tests/faults/message_faults.h"

#include "absl/strings/str_cat.h"
#include "attune/v1/edge.pb.h"

namespace attune::faults {
namespace {

constexpr uint32_t kNobody = 997;  // a handle that no test gives

template <typename Message>
std::string KindIn(const std::string& bytes) {
  Message message;
  if (!message.ParseFromString(bytes)) return "";
  const auto* oneof = Message::descriptor()->FindOneofByName("what");
  const auto* field = Message::GetReflection()->GetOneofFieldDescriptor(message, oneof);
  return field == nullptr ? "" : field->name();
}

// False: nothing of it can be spoiled so that the other side notices.
bool SpoilUp(uint64_t how, v1::EdgeUp& up) {
  if (up.has_observations()) {
    v1::Observations& observations = *up.mutable_observations();
    v1::Beats& beats = *observations.mutable_beats();
    switch (how) {
      case 0:
        observations.set_first_seq(observations.first_seq() + 3);  // a jump
        return true;
      case 1:
        beats.add_rr_1024(800);  // one more than there are times
        return true;
      case 2:
        if (beats.rr_1024_size() > 0) beats.set_rr_1024(0, 0);  // no interval
        return true;
      case 3:
        if (beats.time_session_us_size() > 0) beats.set_time_session_us(0, -1);
        return true;
      default:
        observations.set_first_seq(uint64_t{1} << 63);
        return true;
    }
  }
  if (up.has_gap()) {
    up.mutable_gap()->set_reason(v1::GAP_REASON_UNSPECIFIED);
    return true;
  }
  if (up.has_hello() && how < 2) {
    if (how == 0) up.mutable_hello()->set_boot_id("short");
    if (how == 1) up.mutable_hello()->set_next_seq(0);
    return true;
  }
  return false;
}

}  // namespace

const char* NameOf(Action action) {
  switch (action) {
    case Action::kPass:
      return "pass";
    case Action::kDrop:
      return "drop";
    case Action::kDouble:
      return "double";
    case Action::kSpoil:
      return "spoil";
    case Action::kCut:
      return "cut";
  }
  return "";
}

std::string KindOf(Direction direction, const std::string& message) {
  return direction == Direction::kUp ? KindIn<v1::EdgeUp>(message) : KindIn<v1::EdgeDown>(message);
}

void MessageFaults::SetRates(Direction direction, const MessageRates& rates) {
  MutexLock lock(mu_);
  rates_[static_cast<size_t>(direction)] = rates;
}

void MessageFaults::Add(const MessageRule& rule) {
  MutexLock lock(mu_);
  rules_.push_back(rule);
}

void MessageFaults::Clear() {
  MutexLock lock(mu_);
  rates_[0] = rates_[1] = {};
  rules_.clear();
}

uint64_t MessageFaults::seen(Direction direction) const {
  MutexLock lock(mu_);
  return seen_[static_cast<size_t>(direction)];
}

Action MessageFaults::Decide(Direction direction, uint64_t stream, std::string* message) {
  const std::string kind = KindOf(direction, *message);
  MutexLock lock(mu_);
  const uint64_t number = ++seen_[static_cast<size_t>(direction)];
  Action action = Action::kPass;
  // Drawn for every message, so that a rule does not shift what follows.
  const double draw = random_.Unit();
  const MessageRates& rates = rates_[static_cast<size_t>(direction)];
  double below = 0;
  const auto drawn = [&](double rate) {
    below += rate;
    return draw < below;
  };
  if (drawn(rates.drop)) {
    action = Action::kDrop;
  } else if (drawn(rates.twice)) {
    action = Action::kDouble;
  } else if (drawn(rates.spoil)) {
    action = Action::kSpoil;
  } else if (drawn(rates.cut)) {
    action = Action::kCut;
  }
  for (auto rule = rules_.begin(); rule != rules_.end(); ++rule) {
    if (rule->direction != direction || (!rule->kind.empty() && rule->kind != kind)) continue;
    if (rule->after > 0) {
      --rule->after;
      continue;
    }
    action = rule->action;
    if (--rule->count <= 0) rules_.erase(rule);
    break;
  }
  if (action == Action::kSpoil) Spoil(direction, message);
  if (action != Action::kPass) {
    log_.Note(NameOf(action), absl::StrCat("\"way\":\"", NameOf(direction), "\",\"kind\":\"", kind,
                                           "\",\"stream\":", stream, ",\"number\":", number));
  }
  return action;
}

void MessageFaults::Spoil(Direction direction, std::string* message) {
  const uint64_t how = random_.Below(7);
  if (direction == Direction::kUp) {
    v1::EdgeUp up;
    if (how < 5 && up.ParseFromString(*message) && SpoilUp(how, up)) {
      *message = up.SerializeAsString();
      return;
    }
    if (how == 5 && up.ParseFromString(*message)) {
      up.set_handle(kNobody);
      *message = up.SerializeAsString();
      return;
    }
  } else {
    v1::EdgeDown down;
    if (how < 3 && down.ParseFromString(*message)) {
      down.set_handle(kNobody);
      *message = down.SerializeAsString();
      return;
    }
    if (how == 3 && down.ParseFromString(*message) && down.has_welcome()) {
      down.mutable_welcome()->set_epoch(0);
      *message = down.SerializeAsString();
      return;
    }
  }
  // No message at all: a field that says it is longer than everything that follows.
  *message = std::string("\x0a\xff\xff\xff\x7f", 5) + random_.Bytes(random_.Below(40));
}

}  // namespace attune::faults
