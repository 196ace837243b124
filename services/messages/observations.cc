#include "services/messages/observations.h"

namespace attune::messages {

int CountOf(const v1::Observations& observations) {
  switch (observations.kind_case()) {
    case v1::Observations::kBeats:
      return observations.beats().time_session_us_size();
    case v1::Observations::kContacts:
      return observations.contacts().time_session_us_size();
    case v1::Observations::kMotions:
      return observations.motions().time_session_us_size();
    case v1::Observations::kRespirations:
      return observations.respirations().time_session_us_size();
    case v1::Observations::kBatteries:
      return observations.batteries().time_session_us_size();
    case v1::Observations::KIND_NOT_SET:
      return 0;
  }
  return 0;
}

}  // namespace attune::messages
