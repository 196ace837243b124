// Consents on the command line: `measure,group,pair:partner,...`, and the words that each stands
// for. Pure; thread-safe.
#ifndef ATTUNE_EDGE_CTL_CONSENT_H_
#define ATTUNE_EDGE_CTL_CONSENT_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "attune/v1/session.pb.h"

namespace attune::edge {

// Version of the words below; stored with every decision. New words, new version.
inline constexpr const char* kConsentTextVersion = "ctl-1";

// Comma-separated `purpose` or `purpose:audience`; an empty list is none. A purpose without an
// audience means its usual one. INVALID_ARGUMENT lists what there is.
absl::StatusOr<std::vector<v1::Consent>> ParseConsents(const std::string& list, bool granted);

// "pair:partner", and in a sentence: "compute my pair's values and show them to my partner".
std::string ConsentName(const v1::Consent& consent);
std::string ConsentSentence(const v1::Consent& consent);

}  // namespace attune::edge

#endif  // ATTUNE_EDGE_CTL_CONSENT_H_
