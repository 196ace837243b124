#include "edge/words/words.h"

#include <cmath>
#include <cstdio>

#include "absl/strings/str_cat.h"
#include "edge/words/text.h"

namespace attune::edge {
namespace {

constexpr int64_t kSecondUs = 1'000'000;
constexpr int64_t kMinuteUs = 60 * kSecondUs;
constexpr double kNoLagMs = 125;  // half a sample of the 4 Hz grid on which lags are found

std::string Unknown(int number) { return absl::StrCat("unknown (", number, ")"); }

}  // namespace

std::string Word(v1::SessionKind kind) {
  switch (kind) {
    case v1::SESSION_KIND_TEAM:
      return "team";
    case v1::SESSION_KIND_COUPLES:
      return "couples";
    case v1::SESSION_KIND_LAB:
      return "lab";
    default:
      return Unknown(kind);
  }
}

std::string Word(v1::SessionState state) {
  switch (state) {
    case v1::SESSION_STATE_OPEN:
      return "open";
    case v1::SESSION_STATE_ENDING:
      return "ending, taking late beats";
    case v1::SESSION_STATE_CLOSED:
      return "closed";
    case v1::SESSION_STATE_SUSPENDED:
      return "suspended, edges keep everything";
    default:
      return Unknown(state);
  }
}

std::string Word(v1::Role role) {
  switch (role) {
    case v1::ROLE_PARTICIPANT:
      return "participant";
    case v1::ROLE_FACILITATOR:
      return "facilitator";
    case v1::ROLE_OBSERVER:
      return "observer";
    case v1::ROLE_OPERATOR:
      return "operator";
    default:
      return Unknown(role);
  }
}

std::string Word(v1::LinkState link) {
  switch (link) {
    case v1::LINK_STATE_WAITING:
      return "waiting";
    case v1::LINK_STATE_LIVE:
      return "live";
    case v1::LINK_STATE_STALE:
      return "stale";
    case v1::LINK_STATE_RECONNECTING:
      return "reconnecting";
    case v1::LINK_STATE_LOST:
      return "lost";
    case v1::LINK_STATE_PAUSED:
      return "paused";
    case v1::LINK_STATE_DONE:
      return "done";
    case v1::LINK_STATE_LEFT:
      return "left";
    default:
      return Unknown(link);
  }
}

std::string Word(v1::PracticeKind kind) {
  switch (kind) {
    case v1::PRACTICE_KIND_BASELINE:
      return "baseline";
    case v1::PRACTICE_KIND_PACED_BREATHING:
      return "paced breathing";
    case v1::PRACTICE_KIND_MICRO_PAUSE:
      return "micro-pause";
    case v1::PRACTICE_KIND_LISTENING:
      return "conscious listening";
    case v1::PRACTICE_KIND_GRATITUDE:
      return "round of gratitude";
    case v1::PRACTICE_KIND_REFLECTION:
      return "round of reflection";
    case v1::PRACTICE_KIND_SHARED_STIMULUS:
      return "shared stimulus";
    default:
      return Unknown(kind);
  }
}

std::string Word(v1::PromptKind kind) {
  switch (kind) {
    case v1::PROMPT_KIND_MICRO_PAUSE:
      return "a short pause, if you like";
    case v1::PROMPT_KIND_CHECK_SENSOR:
      return "check the sensor: moisten the strap and tighten it";
    default:
      return Unknown(kind);
  }
}

std::string Word(v1::Purpose purpose) {
  switch (purpose) {
    case v1::PURPOSE_MEASURE:
      return "measure";
    case v1::PURPOSE_GROUP:
      return "group";
    case v1::PURPOSE_PAIR:
      return "pair";
    case v1::PURPOSE_INDIVIDUAL:
      return "individual";
    case v1::PURPOSE_REPORT:
      return "report";
    default:
      return Unknown(purpose);
  }
}

std::string Word(v1::Audience audience) {
  switch (audience) {
    case v1::AUDIENCE_SELF:
      return "self";
    case v1::AUDIENCE_PARTNER:
      return "partner";
    case v1::AUDIENCE_FACILITATOR:
      return "facilitator";
    case v1::AUDIENCE_SESSION:
      return "session";
    default:
      return Unknown(audience);
  }
}

std::string Word(v1::JournalState state) {
  switch (state) {
    case v1::JOURNAL_STATE_OK:
      return "ok";
    case v1::JOURNAL_STATE_DEGRADED:
      return "degraded: nothing is acknowledged until it recovers";
    default:
      return Unknown(state);
  }
}

std::string Word(v1::DurabilityTier tier) {
  switch (tier) {
    case v1::DURABILITY_TIER_PROCESS:
      return "process (survives the death of the process)";
    case v1::DURABILITY_TIER_FSYNC:
      return "fsync (survives the loss of power)";
    case v1::DURABILITY_TIER_REDIS:
      return "redis (survives the death of the node; beyond, what Redis itself keeps)";
    case v1::DURABILITY_TIER_REDIS_WAIT:
      return "redis-wait (survives the death of the node and of Redis's primary)";
    default:
      return Unknown(tier);
  }
}

std::string Word(v1::NodeState state) {
  switch (state) {
    case v1::NODE_STATE_STARTING:
      return "starting";
    case v1::NODE_STATE_SERVING:
      return "serving";
    case v1::NODE_STATE_DRAINING:
      return "draining";
    default:
      return Unknown(state);
  }
}

std::string Word(v1::Absence absence, uint32_t k_min) {
  switch (absence) {
    case v1::ABSENCE_NOT_ENOUGH_DATA:
      return "not enough data yet";
    case v1::ABSENCE_ARTEFACTS:
      return "too many artefacts";
    case v1::ABSENCE_TIMING_TOO_UNCERTAIN:
      return "beat times too uncertain";
    case v1::ABSENCE_TOO_FEW_PEOPLE:
      return k_min > 0 ? absl::StrCat("too few people (needs ", k_min, " besides the viewer)")
                       : "too few people";
    case v1::ABSENCE_NO_CONSENT:
      return "not shared";
    case v1::ABSENCE_COMMON_CAUSE:
      return "shared pacer or stimulus";
    case v1::ABSENCE_TOO_MANY_PEOPLE:
      return "too many people for a chance level";
    case v1::ABSENCE_NOT_APPLICABLE:
      return "has no chance level";
    case v1::ABSENCE_NO_HELD_RATE:
      return "no test whose false alarms can be held";
    default:
      return "no reason told";
  }
}

std::string ClockTime(int64_t us) {
  if (us < 0) return "-";
  const int64_t seconds = us / kSecondUs;
  char text[32];
  if (seconds >= 3600) {
    std::snprintf(text, sizeof text, "%lld:%02lld:%02lld", static_cast<long long>(seconds / 3600),
                  static_cast<long long>(seconds / 60 % 60), static_cast<long long>(seconds % 60));
  } else {
    std::snprintf(text, sizeof text, "%lld:%02lld", static_cast<long long>(seconds / 60),
                  static_cast<long long>(seconds % 60));
  }
  return text;
}

std::string Span(int64_t us) {
  if (us < kSecondUs) return absl::StrCat(us / 1000, " ms");
  if (us < 2 * kMinuteUs) {
    return us % kSecondUs == 0 ? absl::StrCat(us / kSecondUs, " s")
                               : Fixed(static_cast<double>(us) / kSecondUs, 1) + " s";
  }
  return us % kMinuteUs == 0 ? absl::StrCat(us / kMinuteUs, " min")
                             : Fixed(static_cast<double>(us) / kMinuteUs, 1) + " min";
}

std::string Percent(double share) { return Fixed(share * 100, 0) + " %"; }

std::string Fixed(double value, int decimals) {
  char text[48];
  std::snprintf(text, sizeof text, "%.*f", decimals, value);
  // "-0.00" would claim a sign that the shown digits do not hold.
  if (text[0] == '-' && std::string(text).find_first_not_of("-0.") == std::string::npos) {
    return text + 1;
  }
  return text;
}

std::string Signed(double value, int decimals) {
  const std::string text = Fixed(value, decimals);
  return text[0] == '-' || text.find_first_not_of("0.") == std::string::npos ? text : "+" + text;
}

std::string LagWords(const v1::Number& lag_ms, const std::string& a, const std::string& b,
                     bool with_error) {
  const double lag = lag_ms.value();
  const double error = lag_ms.uncertainty();
  if (std::abs(lag) < kNoLagMs) return "no lag";
  if (std::abs(lag) < 2 * error) return "no clear lag";
  std::string by = " by " + Fixed(std::abs(lag) / 1000, 1);
  if (with_error && error > 0) by += "+-" + Fixed(error / 1000, 1);
  by += " s";
  return lag > 0 ? b + " follows " + a + by : a + " follows " + b + by;
}

std::string ChanceWords(const v1::Number& number) {
  if (!number.has_value()) return "";
  if (number.has_chance()) {
    if (number.chance().above()) return "above chance";
    if (number.value() > number.chance().high()) return "outside band, not yet held";
    return number.value() < number.chance().low() ? "below the chance band" : "within chance";
  }
  switch (number.chance_absent()) {
    case v1::ABSENCE_COMMON_CAUSE:
      return "no chance test (shared cue)";
    case v1::ABSENCE_NOT_ENOUGH_DATA:
    case v1::ABSENCE_UNSPECIFIED:
      return "chance not known yet";
    default:
      return "no chance test: " + Word(number.chance_absent());
  }
}

std::string EntryWords(const v1::LogEntry& entry,
                       const std::function<std::string(uint32_t)>& name) {
  switch (entry.what_case()) {
    case v1::LogEntry::kJoined:
      return entry.joined().viewer() ? "somebody began to watch"
                                     : name(entry.joined().participant()) + " joined";
    case v1::LogEntry::kLeft:
      return name(entry.left()) + " left";
    case v1::LogEntry::kErased:
      return absl::StrCat("participant ", entry.erased(), " was erased");
    case v1::LogEntry::kPractice:
      return Word(entry.practice().kind()) +
             (entry.practice().stopped_session_us() > 0 ? " stopped" : " started");
    case v1::LogEntry::kAnnotation: {
      const v1::Annotation& mark = entry.annotation();
      std::string words = mark.begins_phase() ? "phase begins: " : "mark: ";
      words += Harmless(mark.label());
      if (mark.participant() != 0) words += " (" + name(mark.participant()) + ")";
      return words;
    }
    case v1::LogEntry::kAnnotationUndone:
      return absl::StrCat("mark ", entry.annotation_undone(), " taken back");
    case v1::LogEntry::kState:
      return "session is " + Word(entry.state());
    case v1::LogEntry::kPrompt:
      return "for you alone: " + Word(entry.prompt().kind());
    case v1::LogEntry::kDyad:
      return name(entry.dyad().a()) + " and " + name(entry.dyad().b()) +
             (entry.dyad().dissolved() ? " are no longer a pair" : " are a pair");
    case v1::LogEntry::WHAT_NOT_SET:
      break;
  }
  return "something this version does not know";
}

}  // namespace attune::edge
