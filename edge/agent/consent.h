// What a person agrees to, as the command line says it and in words.
//
//   measure                 receive the beats and compute the person's own values
//   group                   contribute to group values
//   pair:partner            show the pair's values to the partner
//   pair:facilitator        and to the facilitators (both partners must agree)
//   individual:facilitator  show the own values to the facilitators (lab)
//   report                  keep own values in the stored report
#ifndef ATTUNE_EDGE_AGENT_CONSENT_H_
#define ATTUNE_EDGE_AGENT_CONSENT_H_

#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "attune/v1/session.pb.h"

namespace attune::edge {

// Version of the words of InWords, stored with each consent.
inline constexpr char kConsentTextVersion[] = "agent-1";

// Separated by commas. INVALID_ARGUMENT names the word that is not known, to stand behind the name
// of the setting.
absl::StatusOr<std::vector<v1::Consent>> ParseConsents(std::string_view text);

// When nothing was said: measure, group and report; with a partner also pair:partner. Never
// anything to a facilitator: that must be said.
std::vector<v1::Consent> DefaultConsents(bool has_partner);

// One line per decision, given or not.
std::string InWords(const std::vector<v1::Consent>& consents);

}  // namespace attune::edge

#endif  // ATTUNE_EDGE_AGENT_CONSENT_H_
