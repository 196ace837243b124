#include "services/session/measures.h"

#include <algorithm>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"

namespace attune::session {
namespace {

absl::Status Check(v1::SessionKind kind, int number) {
  const synchrony::MeasureInfo* info =
      synchrony::FindMeasure(static_cast<synchrony::Measure>(number));
  if (number <= 0 || number > UINT16_MAX || info == nullptr) {
    return absl::InvalidArgumentError(absl::StrCat("there is no measure ", number));
  }
  const std::string name(info->name);
  switch (info->availability) {
    case synchrony::Availability::kCore:
      return absl::InvalidArgumentError(name + " is in every frame: do not ask for it");
    case synchrony::Availability::kBatch:
      return absl::InvalidArgumentError(
          name + " needs a whole recording: analyse one with attunectl analyze");
    case synchrony::Availability::kOnRequest:
      break;
  }
  if (kind == v1::SESSION_KIND_LAB) return absl::OkStatus();
  if (info->subject == synchrony::Subject::kGroup ||
      OfOneWithinGroup(static_cast<v1::Measure>(number))) {
    return absl::InvalidArgumentError(
        name +
        " is for lab sessions: others release two group values only, so that differences "
        "give nobody away");
  }
  if (kind == v1::SESSION_KIND_TEAM && info->subject == synchrony::Subject::kPair) {
    return absl::InvalidArgumentError(name + " is of pairs: a team session has none");
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<std::vector<v1::Measure>> CheckMeasures(
    v1::SessionKind kind, const google::protobuf::RepeatedField<int>& measures) {
  std::vector<v1::Measure> wanted;
  for (const int number : measures) {
    const absl::Status status = Check(kind, number);
    if (!status.ok()) return status;
    wanted.push_back(static_cast<v1::Measure>(number));
  }
  std::sort(wanted.begin(), wanted.end());
  wanted.erase(std::unique(wanted.begin(), wanted.end()), wanted.end());
  return wanted;
}

bool OfOneWithinGroup(v1::Measure measure) {
  return measure == v1::MEASURE_LEAVE_ONE_OUT_R || measure == v1::MEASURE_CLUSTER_PHASE_RHO_OWN ||
         measure == v1::MEASURE_DRIVER_SCORE || measure == v1::MEASURE_EMPATH_SCORE;
}

}  // namespace attune::session
