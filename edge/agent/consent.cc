#include "edge/agent/consent.h"

#include <algorithm>

#include "absl/strings/str_cat.h"

namespace attune::edge {
namespace {

struct Choice {
  const char* word;
  v1::Purpose purpose;
  v1::Audience audience;
  const char* given;
  const char* withheld;
};

constexpr Choice kChoices[] = {
    {"measure", v1::PURPOSE_MEASURE, v1::AUDIENCE_SELF,
     "your heartbeats are sent and your own values are computed, for you",
     "nothing is measured: you only take part"},
    {"group", v1::PURPOSE_GROUP, v1::AUDIENCE_SESSION,
     "you contribute to the values of the whole group", "you do not contribute to group values"},
    {"pair:partner", v1::PURPOSE_PAIR, v1::AUDIENCE_PARTNER,
     "your partner sees how your two hearts move together",
     "your partner sees nothing of the two of you"},
    {"pair:facilitator", v1::PURPOSE_PAIR, v1::AUDIENCE_FACILITATOR,
     "the facilitators see it too, if your partner also agrees",
     "the facilitators do not see the two of you"},
    {"individual:facilitator", v1::PURPOSE_INDIVIDUAL, v1::AUDIENCE_FACILITATOR,
     "the facilitators see your own values", "the facilitators do not see your own values"},
    {"report", v1::PURPOSE_REPORT, v1::AUDIENCE_SELF,
     "your values are kept in the report of the session", "your values are not kept in the report"},
};

v1::Consent Granted(const Choice& choice) {
  v1::Consent consent;
  consent.set_purpose(choice.purpose);
  consent.set_audience(choice.audience);
  consent.set_granted(true);
  consent.set_text_version(kConsentTextVersion);
  return consent;
}

}  // namespace

absl::StatusOr<std::vector<v1::Consent>> ParseConsents(std::string_view text) {
  std::vector<v1::Consent> consents;
  while (!text.empty()) {
    const size_t comma = text.find(',');
    const std::string_view word = text.substr(0, comma);
    text.remove_prefix(comma == std::string_view::npos ? text.size() : comma + 1);
    const auto choice = std::find_if(std::begin(kChoices), std::end(kChoices),
                                     [&](const Choice& c) { return word == c.word; });
    if (choice == std::end(kChoices)) {
      std::string known;
      for (const Choice& c : kChoices) absl::StrAppend(&known, " ", c.word);
      return absl::InvalidArgumentError(
          absl::StrCat("has no '", std::string(word), "'; there are:", known));
    }
    consents.push_back(Granted(*choice));
  }
  return consents;
}

std::vector<v1::Consent> DefaultConsents(bool has_partner) {
  return *ParseConsents(has_partner ? "measure,group,pair:partner,report" : "measure,group,report");
}

std::string InWords(const std::vector<v1::Consent>& consents) {
  std::string words;
  for (const Choice& choice : kChoices) {
    const bool given =
        std::any_of(consents.begin(), consents.end(), [&](const v1::Consent& consent) {
          return consent.purpose() == choice.purpose && consent.audience() == choice.audience &&
                 consent.granted();
        });
    absl::StrAppend(&words, given ? "  yes  " : "  no   ", given ? choice.given : choice.withheld,
                    "\n");
  }
  return words;
}

}  // namespace attune::edge
