// Consent: which decisions there are, and what follows from them.
//
// A grant is a (purpose, audience) of the table in session_core.h; any other combination is
// refused, so that nobody believes to have decided something that has no effect.
#ifndef ATTUNE_SERVICES_SESSION_CONSENT_H_
#define ATTUNE_SERVICES_SESSION_CONSENT_H_

#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "google/protobuf/repeated_ptr_field.h"
#include "services/session/state.h"

namespace attune::session {

// One bit per grant of the table.
enum Grant : uint32_t {
  kMeasure = 1u << 0,
  kGroup = 1u << 1,
  kPairPartner = 1u << 2,
  kPairFacilitator = 1u << 3,
  kIndividual = 1u << 4,
  kReport = 1u << 5,
  // Not a grant: PURPOSE_PAIR to facilitators was decided, and the decision was no.
  kPairFacilitatorRefused = 1u << 6,
};

// 0: not in the table.
uint32_t GrantBit(v1::Purpose purpose, v1::Audience audience);

// INVALID_ARGUMENT naming the first decision that is not one.
absl::Status CheckConsents(const google::protobuf::RepeatedPtrField<v1::Consent>& consents);

// Later decisions replace earlier ones.
void ApplyConsents(const google::protobuf::RepeatedPtrField<v1::Consent>& consents, int64_t at_us,
                   Person& person);

// All grants that stand; none for somebody erased.
uint32_t GrantsOf(const Person& person);
// Those that already stood at `time_us`.
uint32_t GrantsSince(const Person& person, int64_t time_us);
Grants GrantsOf(const Book& book);

inline bool Has(uint32_t grants, uint32_t all) { return (grants & all) == all; }
bool Has(const Grants& grants, uint32_t participant, uint32_t all);

// May these two be shown as a pair to a facilitator, as far as these grants go?
bool PairForFacilitator(v1::SessionKind kind, bool dyad, uint32_t a, uint32_t b);
// And to one of the two?
bool PairForPartner(v1::SessionKind kind, bool dyad, uint32_t a, uint32_t b);

}  // namespace attune::session

#endif  // ATTUNE_SERVICES_SESSION_CONSENT_H_
