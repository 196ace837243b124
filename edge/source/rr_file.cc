#include "edge/source/rr_file.h"

#include <charconv>
#include <cmath>
#include <fstream>
#include <optional>
#include <sstream>

#include "absl/strings/str_cat.h"
#include "edge/source/source.h"

namespace attune::edge {
namespace {

std::string_view Trim(std::string_view text) {
  const size_t first = text.find_first_not_of(" \t\r");
  if (first == std::string_view::npos) return "";
  return text.substr(first, text.find_last_not_of(" \t\r") - first + 1);
}

// A whole finite number, nothing beside it.
std::optional<double> ParseNumber(std::string_view text) {
  double value = 0;
  if (text.starts_with("+")) text.remove_prefix(1);
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || !std::isfinite(value)) {
    return std::nullopt;
  }
  return value;
}

// For messages: short and printable.
std::string Quote(std::string_view text) {
  std::string shown;
  for (const char c : text.substr(0, 40)) shown += (c >= 0x20 && c < 0x7f) ? c : '?';
  return absl::StrCat("'", shown, text.size() > 40 ? "..." : "", "'");
}

std::vector<std::string_view> Split(std::string_view line) {
  std::vector<std::string_view> cells;
  while (true) {
    const size_t comma = line.find(',');
    cells.push_back(Trim(line.substr(0, comma)));
    if (comma == std::string_view::npos) return cells;
    line.remove_prefix(comma + 1);
  }
}

struct Columns {
  int arrival_s = -1;
  int rr = -1;
  bool in_1024 = false;
};

std::optional<Columns> ParseHeader(std::string_view line) {
  Columns columns;
  const std::vector<std::string_view> cells = Split(line);
  for (int i = 0; i < static_cast<int>(cells.size()); ++i) {
    const std::string_view cell = cells[static_cast<size_t>(i)];
    if (columns.arrival_s < 0 && cell.find("arrival") != std::string_view::npos) {
      columns.arrival_s = i;
    } else if (columns.rr < 0 && (cell == "rr_ms" || cell == "rr_1024")) {
      columns.rr = i;
      columns.in_1024 = cell == "rr_1024";
    }
  }
  if (columns.arrival_s < 0 || columns.rr < 0) return std::nullopt;
  return columns;
}

}  // namespace

absl::StatusOr<Recording> ParseRecording(std::string_view text, std::string_view name) {
  const std::string file(name);
  if (text.size() > kMostFileBytes) {
    return absl::InvalidArgumentError(
        absl::StrCat(file, " is larger than ", kMostFileBytes, " bytes: split it"));
  }
  Recording recording;
  std::optional<Columns> columns;
  bool first = true;
  uint32_t line_number = 0;
  double last_arrival_s = -INFINITY;
  while (!text.empty()) {
    const size_t end = text.find('\n');
    std::string_view line = Trim(text.substr(0, end));
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    ++line_number;
    if (line.empty() || line.starts_with("#")) continue;
    const auto wrong = [&](std::string_view expected) {
      return absl::InvalidArgumentError(absl::StrCat(file, ", line ", line_number, ": ",
                                                     Quote(line), " where ", std::string(expected),
                                                     " is expected"));
    };
    if (first) {
      first = false;
      if (line.find(',') != std::string_view::npos) {
        columns = ParseHeader(line);
        if (!columns) return wrong("a header such as 'arrival_s,rr_ms'");
        recording.has_arrivals = true;
        continue;
      }
    }
    if (recording.intervals.size() >= kMostIntervals) {
      return absl::InvalidArgumentError(
          absl::StrCat(file, " has more than ", kMostIntervals, " intervals: split it"));
    }
    RecordedInterval interval;
    interval.line = line_number;
    std::string_view rr_text = line;
    if (columns) {
      const std::vector<std::string_view> cells = Split(line);
      const auto cell = [&](int i) {
        return i < static_cast<int>(cells.size()) ? cells[static_cast<size_t>(i)] : "";
      };
      const auto arrival_s = ParseNumber(cell(columns->arrival_s));
      if (!arrival_s || std::abs(*arrival_s) > 1e10) return wrong("an arrival time in seconds");
      if (*arrival_s < last_arrival_s) return wrong("an arrival time not before the last one");
      interval.arrival_s = last_arrival_s = *arrival_s;
      rr_text = cell(columns->rr);
    }
    const auto value = ParseNumber(rr_text);
    if (!value) return wrong("an interval in ms");
    interval.rr_ms = columns && columns->in_1024 ? *value * 1000 / 1024 : *value;
    if (std::abs(interval.rr_ms) > kMostIntervalMs) return wrong("an interval of less than a day");
    interval.rr_1024 = Rr1024FromMs(interval.rr_ms);
    if (interval.rr_1024 == 0) {
      ++recording.refused;
      if (recording.warnings.size() < kMostWarnings) {
        recording.warnings.push_back(absl::StrCat(
            file, ", line ", line_number, ": ", Quote(rr_text), " is no interval; taken as a gap"));
      }
    }
    recording.intervals.push_back(interval);
  }
  if (recording.intervals.size() == recording.refused) {
    return absl::InvalidArgumentError(absl::StrCat(file, " holds no intervals"));
  }
  return recording;
}

absl::StatusOr<Recording> ReadRecording(const std::string& path) {
  std::ifstream file(path, std::ios::binary | std::ios::ate);
  const std::streamoff size = file ? static_cast<std::streamoff>(file.tellg()) : -1;
  if (size < 0 || size > static_cast<std::streamoff>(kMostFileBytes)) {
    return size < 0 ? absl::NotFoundError(absl::StrCat("cannot read ", path))
                    : absl::InvalidArgumentError(absl::StrCat(path, " is larger than ",
                                                              kMostFileBytes, " bytes: split it"));
  }
  std::string text(static_cast<size_t>(size), '\0');
  file.seekg(0);
  if (!file.read(text.data(), size)) {
    return absl::NotFoundError(absl::StrCat("cannot read ", path));
  }
  return ParseRecording(text, path);
}

}  // namespace attune::edge
