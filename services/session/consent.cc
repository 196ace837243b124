#include "services/session/consent.h"

#include "absl/strings/str_cat.h"

namespace attune::session {

uint32_t GrantBit(v1::Purpose purpose, v1::Audience audience) {
  if (purpose == v1::PURPOSE_MEASURE && audience == v1::AUDIENCE_SELF) return kMeasure;
  if (purpose == v1::PURPOSE_GROUP && audience == v1::AUDIENCE_SESSION) return kGroup;
  if (purpose == v1::PURPOSE_PAIR && audience == v1::AUDIENCE_PARTNER) return kPairPartner;
  if (purpose == v1::PURPOSE_PAIR && audience == v1::AUDIENCE_FACILITATOR) return kPairFacilitator;
  if (purpose == v1::PURPOSE_INDIVIDUAL && audience == v1::AUDIENCE_FACILITATOR) return kIndividual;
  if (purpose == v1::PURPOSE_REPORT && audience == v1::AUDIENCE_SELF) return kReport;
  return 0;
}

absl::Status CheckConsents(const google::protobuf::RepeatedPtrField<v1::Consent>& consents) {
  constexpr int kMost = 32;
  constexpr size_t kTextVersionMost = 32;
  if (consents.size() > kMost) {
    return absl::InvalidArgumentError(absl::StrCat("at most ", kMost, " consents in one call"));
  }
  for (const v1::Consent& consent : consents) {
    if (GrantBit(consent.purpose(), consent.audience()) == 0) {
      return absl::InvalidArgumentError(absl::StrCat(
          v1::Purpose_Name(consent.purpose()), " to ", v1::Audience_Name(consent.audience()),
          " is not a consent of this service; it knows MEASURE to SELF, GROUP to "
          "SESSION, PAIR to PARTNER or FACILITATOR, INDIVIDUAL to FACILITATOR, REPORT "
          "to SELF"));
    }
    if (consent.text_version().empty() || consent.text_version().size() > kTextVersionMost) {
      return absl::InvalidArgumentError(
          "a consent needs the text_version of the words that were read, 1..32 characters");
    }
  }
  return absl::OkStatus();
}

void ApplyConsents(const google::protobuf::RepeatedPtrField<v1::Consent>& consents, int64_t at_us,
                   Person& person) {
  for (const v1::Consent& consent : consents) {
    GrantState* found = nullptr;
    for (GrantState& grant : person.grants) {
      if (grant.consent.purpose() == consent.purpose() &&
          grant.consent.audience() == consent.audience()) {
        found = &grant;
      }
    }
    if (found == nullptr) found = &person.grants.emplace_back();
    // Saying yes again to what is granted already does not make it younger.
    if (!(found->consent.granted() && consent.granted())) found->since_us = at_us;
    found->consent = consent;
  }
}

uint32_t GrantsSince(const Person& person, int64_t time_us) {
  if (person.erased) return 0;
  uint32_t grants = 0;
  for (const GrantState& grant : person.grants) {
    const uint32_t bit = GrantBit(grant.consent.purpose(), grant.consent.audience());
    if (grant.consent.granted()) {
      if (grant.since_us <= time_us) grants |= bit;
    } else if (bit == kPairFacilitator) {
      grants |= kPairFacilitatorRefused;
    }
  }
  return grants;
}

uint32_t GrantsOf(const Person& person) { return GrantsSince(person, kNever); }

Grants GrantsOf(const Book& book) {
  Grants grants;
  for (const auto& [number, person] : book.people) {
    const uint32_t bits = GrantsOf(person);
    if (bits != 0) grants.emplace(number, bits);
  }
  return grants;
}

bool Has(const Grants& grants, uint32_t participant, uint32_t all) {
  const auto it = grants.find(participant);
  return it != grants.end() && Has(it->second, all);
}

bool PairForFacilitator(v1::SessionKind kind, bool dyad, uint32_t a, uint32_t b) {
  if (kind == v1::SESSION_KIND_LAB && Has(a & b, kMeasure | kIndividual) &&
      ((a | b) & kPairFacilitatorRefused) == 0) {
    return true;
  }
  return kind != v1::SESSION_KIND_TEAM && dyad && Has(a & b, kMeasure | kPairFacilitator);
}

bool PairForPartner(v1::SessionKind kind, bool dyad, uint32_t a, uint32_t b) {
  return kind != v1::SESSION_KIND_TEAM && dyad && Has(a & b, kMeasure | kPairPartner);
}

}  // namespace attune::session
