// Choosing measures by name, and explaining them. Pure; thread-safe.
#ifndef ATTUNE_EDGE_CTL_MEASURES_H_
#define ATTUNE_EDGE_CTL_MEASURES_H_

#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "services/synchrony/measure.h"

namespace attune::edge {

// Names separated by commas; "core" stands for the measures of every frame, "all" for everything.
// Ascending, each once. INVALID_ARGUMENT for an unknown name, with what it may have meant.
absl::StatusOr<std::vector<synchrony::Measure>> ParseMeasures(std::string_view list);

// Those of `measures` that can be had in this way.
std::vector<synchrony::Measure> Only(const std::vector<synchrony::Measure>& measures,
                                     synchrony::Availability availability);

// The catalogue as a table: name, of whom, how it can be had, window, chance level, what it is.
std::string MeasuresTable();

}  // namespace attune::edge

#endif  // ATTUNE_EDGE_CTL_MEASURES_H_
