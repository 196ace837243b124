// The core numbers of one person at one tick.
#ifndef ATTUNE_SERVICES_SYNCHRONY_PERSON_VALUES_H_
#define ATTUNE_SERVICES_SYNCHRONY_PERSON_VALUES_H_

#include <cstdint>

#include "services/synchrony/numbers.h"
#include "services/synchrony/params.h"
#include "services/synchrony/person_track.h"

namespace attune::synchrony {

// `track`: advanced to the tick; null for somebody unknown. Leaves numbers->more alone.
void PersonValues(int person, const PersonTrack* track, const Params& params,
                  PersonNumbers* numbers);

}  // namespace attune::synchrony

#endif  // ATTUNE_SERVICES_SYNCHRONY_PERSON_VALUES_H_
