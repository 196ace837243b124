#include "services/synchrony/group/mdrqa.h"

#include <utility>

#include "services/synchrony/dsp/math.h"

namespace attune::synchrony {
namespace {

constexpr size_t kShortestLine = 2;
constexpr size_t kFewestMoments = 3;

}  // namespace

Table Embedded(const Table& people, size_t embedding, size_t delay) {
  const size_t lost = (embedding - 1) * delay;
  Table columns;
  if (Samples(people) <= lost) return columns;
  const auto kept = static_cast<ptrdiff_t>(Samples(people) - lost);
  for (size_t copy = 0; copy < embedding; ++copy) {
    for (const std::vector<double>& x : people) {
      const auto from = x.begin() + static_cast<ptrdiff_t>(copy * delay);
      columns.emplace_back(from, from + kept);
    }
  }
  return columns;
}

std::optional<Mdrqa> MultidimensionalRecurrence(Table people, const MdrqaShape& shape) {
  if (shape.embedding < 1 || !(shape.radius > 0) || !Standardise(&people)) return std::nullopt;
  if (shape.embedding > 1) people = Embedded(people, shape.embedding, shape.delay);
  if (Samples(people) < kFewestMoments || Samples(people) > kRecurrenceMaxMoments ||
      people.size() > kRecurrenceMaxColumns) {
    return std::nullopt;
  }
  return Quantify(CountRecurrence(people, shape.radius));
}

Mdrqa Quantify(const RecurrenceCounts& counts) {
  Mdrqa result;
  if (counts.possible == 0) return result;
  int64_t lines = 0, on_lines = 0;
  for (size_t length = kShortestLine; length < counts.lines.size(); ++length) {
    const int64_t number = counts.lines[length];
    if (number == 0) continue;
    lines += number;
    on_lines += number * static_cast<int64_t>(length);
    result.line_max = static_cast<int64_t>(length);
  }
  result.recurrence_rate =
      static_cast<double>(counts.points) / static_cast<double>(counts.possible);
  if (lines == 0) return result;
  result.determinism = static_cast<double>(on_lines) / static_cast<double>(counts.points);
  result.line_mean = static_cast<double>(on_lines) / static_cast<double>(lines);
  for (size_t length = kShortestLine; length < counts.lines.size(); ++length) {
    if (counts.lines[length] == 0) continue;
    const double share = counts.lines[length] / static_cast<double>(lines);
    result.entropy -= share * dsp::Log(share);
  }
  return result;
}

}  // namespace attune::synchrony
