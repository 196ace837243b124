#include "services/session/visibility.h"

#include "services/session/project.h"

namespace attune::session {
bool IsSomebody(const Book& book, const Viewer& viewer) {
  switch (viewer.role) {
    case v1::ROLE_FACILITATOR:
    case v1::ROLE_OBSERVER:
      return true;
    case v1::ROLE_PARTICIPANT: {
      const Person* person = book.Find(viewer.participant);
      return person != nullptr && person->active();
    }
    default:
      return false;
  }
}

uint32_t GrantsIn(const Grants& now, uint32_t participant) {
  const auto it = now.find(participant);
  return it == now.end() ? 0 : it->second;
}

uint32_t GrantsIn(const Grants& now, const Grants& then, uint32_t participant) {
  const uint32_t a = GrantsIn(now, participant);
  const uint32_t b = GrantsIn(then, participant);
  return (a & b & ~kPairFacilitatorRefused) | ((a | b) & kPairFacilitatorRefused);
}

bool SeesPerson(const Book& book, uint32_t grants, uint32_t participant, const Viewer& viewer) {
  if (!Has(grants, kMeasure)) return false;
  if (viewer.participant == participant && SeesRoster(viewer)) return true;
  return book.created.kind() == v1::SESSION_KIND_LAB && IsFacilitator(viewer) &&
         Has(grants, kIndividual);
}

bool SeesPair(const Book& book, uint32_t grants_a, uint32_t grants_b, uint32_t a, uint32_t b,
              const Viewer& viewer) {
  const bool dyad = book.DyadOf(a, b) != nullptr;
  const v1::SessionKind kind = book.created.kind();
  if (IsFacilitator(viewer) && PairForFacilitator(kind, dyad, grants_a, grants_b)) return true;
  const bool partner = SeesRoster(viewer) && (viewer.participant == a || viewer.participant == b);
  return partner && PairForPartner(kind, dyad, grants_a, grants_b);
}

bool SeesNoteAbout(uint32_t about, const Viewer& viewer) {
  return about == 0 || IsFacilitator(viewer) || (SeesRoster(viewer) && viewer.participant == about);
}

bool SeesBeats(const Book& book, uint32_t grants, uint32_t participant, const Viewer& viewer) {
  if (viewer.participant == participant && SeesRoster(viewer)) return true;
  return book.created.kind() == v1::SESSION_KIND_LAB && IsFacilitator(viewer) &&
         Has(grants, kMeasure | kIndividual | kReport);
}

v1::GroupFrame WithheldGroup(v1::Absence reason) {
  v1::GroupFrame group;
  group.mutable_order_parameter()->set_absent(reason);
  group.mutable_r_mean_pairwise()->set_absent(reason);
  return group;
}

v1::Number RoundedNumber(const v1::Number& number) {
  v1::Number out = number;
  if (number.outcome_case() == v1::Number::kValue) out.set_value(Rounded(number.value()));
  out.set_coverage(Rounded(number.coverage()));
  if (number.chance_outcome_case() == v1::Number::kChance) {
    v1::Chance& chance = *out.mutable_chance();
    chance.set_mean(Rounded(chance.mean()));
    chance.set_low(Rounded(chance.low()));
    chance.set_high(Rounded(chance.high()));
    chance.clear_p();
    chance.clear_shifts();
    chance.clear_z();
  }
  out.clear_doubtful();
  out.clear_uncertainty();
  return out;
}

}  // namespace attune::session
