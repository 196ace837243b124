#include "edge/ctl/measures.h"

#include <algorithm>
#include <set>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "edge/ctl/args.h"
#include "edge/ctl/lines.h"
#include "edge/words/text.h"

namespace attune::edge {
namespace {

using synchrony::Availability;
using synchrony::Measure;
using synchrony::MeasureInfo;
using synchrony::Subject;

constexpr size_t kSuggestions = 6;

// Names that share a part with `name`, or the one it may be a slip of.
std::vector<std::string> Near(std::string_view name) {
  std::vector<std::string> near;
  std::vector<std::string> all;
  for (const MeasureInfo& info : synchrony::Catalogue()) {
    all.emplace_back(info.name);
    const std::string_view head = info.name.substr(0, std::min<size_t>(4, info.name.size()));
    const bool shares =
        info.name.find(name) != std::string_view::npos || name.find(head) != std::string_view::npos;
    if (!name.empty() && shares && near.size() < kSuggestions) near.emplace_back(info.name);
  }
  const auto nearest = Nearest(name, all);
  if (nearest && std::find(near.begin(), near.end(), *nearest) == near.end()) {
    near.insert(near.begin(), *nearest);
  }
  return near;
}

const char* WordOf(Subject subject) {
  switch (subject) {
    case Subject::kPerson:
      return "person";
    case Subject::kPair:
      return "pair";
    case Subject::kGroup:
      return "group";
  }
  return "";
}

const char* WordOf(Availability availability) {
  switch (availability) {
    case Availability::kCore:
      return "core";
    case Availability::kOnRequest:
      return "request";
    case Availability::kBatch:
      return "batch";
  }
  return "";
}

}  // namespace

absl::StatusOr<std::vector<Measure>> ParseMeasures(std::string_view list) {
  std::set<Measure> chosen;
  for (const std::string_view name : Fields(list)) {
    if (name == "all" || name == "core") {
      for (const MeasureInfo& info : synchrony::Catalogue()) {
        if (name == "all" || info.availability == Availability::kCore) chosen.insert(info.measure);
      }
      continue;
    }
    const MeasureInfo* info = synchrony::FindMeasure(name);
    if (info == nullptr) {
      const auto near = Near(name);
      return absl::InvalidArgumentError(absl::StrCat(
          "there is no measure ", Quoted(name),
          near.empty() ? "." : absl::StrCat("; did you mean ", absl::StrJoin(near, ", "), "?"),
          " `attunectl analyze --list-measures` explains all of them."));
    }
    chosen.insert(info->measure);
  }
  return std::vector<Measure>(chosen.begin(), chosen.end());
}

std::vector<Measure> Only(const std::vector<Measure>& measures, Availability availability) {
  std::vector<Measure> out;
  for (const Measure measure : measures) {
    const MeasureInfo* info = synchrony::FindMeasure(measure);
    if (info != nullptr && info->availability == availability) out.push_back(measure);
  }
  return out;
}

std::string MeasuresTable() {
  constexpr int kName = 26;
  std::string out = absl::StrCat(Left("measure", kName), Left("of", 8), Left("how", 9),
                                 Left("window", 8), Left("chance", 8), "what\n");
  for (const MeasureInfo& info : synchrony::Catalogue()) {
    const std::string window =
        info.window_seconds > 0 ? absl::StrCat(info.window_seconds, " s") : "all";
    absl::StrAppend(&out, Left(info.name, kName), Left(WordOf(info.subject), 8),
                    Left(WordOf(info.availability), 9), Left(window, 8),
                    Left(info.has_chance ? "yes" : "-", 8), std::string(info.what), "\n");
  }
  out +=
      "\ncore: in every frame. request: in frames of sessions that ask for it, by phase in their\n"
      "reports. batch: only here, over the whole length. Names end in their unit where there is "
      "one.\n";
  return out;
}

}  // namespace attune::edge
