#include "edge/ctl/consent.h"

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "edge/words/words.h"
#include "services/base/status_macros.h"

namespace attune::edge {
namespace {

struct Known {
  v1::Purpose purpose;
  v1::Audience audience;
  const char* sentence;
};

// The first of a purpose is what the purpose alone means.
constexpr Known kKnown[] = {
    {v1::PURPOSE_MEASURE, v1::AUDIENCE_SELF,
     "receive my heartbeats and compute my own values, shown to me"},
    {v1::PURPOSE_GROUP, v1::AUDIENCE_SESSION,
     "let my heartbeats contribute to the group's values, shown to everybody in the session"},
    {v1::PURPOSE_PAIR, v1::AUDIENCE_PARTNER,
     "compute my pair's values and show them to my partner"},
    {v1::PURPOSE_PAIR, v1::AUDIENCE_FACILITATOR, "show my pair's values to the facilitator"},
    {v1::PURPOSE_INDIVIDUAL, v1::AUDIENCE_FACILITATOR,
     "show my own values to the facilitator (lab sessions)"},
    {v1::PURPOSE_REPORT, v1::AUDIENCE_SELF,
     "keep my values in the stored report after the session"},
};

absl::StatusOr<v1::Consent> ParseOne(const std::string& text) {
  std::string all;
  for (const Known& known : kKnown) {
    v1::Consent consent;
    consent.set_purpose(known.purpose);
    consent.set_audience(known.audience);
    const std::string name = ConsentName(consent);
    if (text == name || text == Word(known.purpose)) return consent;
    absl::StrAppend(&all, all.empty() ? "" : ", ", name);
  }
  return absl::InvalidArgumentError(
      absl::StrCat("'", text, "' is not a consent. There are: ", all, "."));
}

}  // namespace

std::string ConsentName(const v1::Consent& consent) {
  return Word(consent.purpose()) + ":" + Word(consent.audience());
}

std::string ConsentSentence(const v1::Consent& consent) {
  for (const Known& known : kKnown) {
    if (known.purpose == consent.purpose() && known.audience == consent.audience()) {
      return known.sentence;
    }
  }
  return ConsentName(consent);
}

absl::StatusOr<std::vector<v1::Consent>> ParseConsents(const std::string& list, bool granted) {
  std::vector<v1::Consent> consents;
  const std::vector<std::string> parts = absl::StrSplit(list, ',', absl::SkipEmpty());
  for (const std::string& part : parts) {
    ATTUNE_ASSIGN_OR_RETURN(v1::Consent consent, ParseOne(part));
    consent.set_granted(granted);
    consent.set_text_version(kConsentTextVersion);
    consents.push_back(consent);
  }
  return consents;
}

}  // namespace attune::edge
