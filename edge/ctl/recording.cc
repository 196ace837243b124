#include "edge/ctl/recording.h"

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <limits>
#include <optional>

#include "absl/strings/str_cat.h"
#include "edge/ctl/lines.h"
#include "services/base/status_macros.h"

namespace attune::edge {
namespace {

// A whole recording with a median below this is in seconds, not milliseconds.
constexpr double kSecondsBelowMs = 10;
constexpr double kMaxTimeS = 1e9;
// Straps deliver up to 4 s late; arrival that falls behind by more means that beats are missing.
constexpr int64_t kLateUs = 5'000'000;

absl::StatusOr<double> RrMs(size_t line, std::string_view text, bool in_1024) {
  const std::optional<double> value = RealOf(text);
  const double ms = value ? (in_1024 ? *value / 1.024 : *value) : 0;
  if (!value || !(ms > 0) || ms > (in_1024 ? kMaxRrMs : kMaxPauseMs)) {
    return LineError(line, absl::StrCat(Quoted(text), " is not an interval between 0 and ",
                                        in_1024 ? "65535 (1/1024 s)" : "a day (in ms)"));
  }
  return ms;
}

// Collects beats; times are those given, or the sum of the intervals.
class Builder {
 public:
  absl::Status Add(size_t line, double rr_ms, std::optional<double> time_s, bool gap_before) {
    if (beats_.size() >= kMaxRecordingBeats) {
      return LineError(line, absl::StrCat("more than ", kMaxRecordingBeats, " beats"));
    }
    const int64_t rr_us = std::llround(rr_ms * 1000);
    if (rr_ms > kMaxRrMs) {
      paused_us_ += rr_us;
      gap_next_ = true;
      return absl::OkStatus();
    }
    synchrony::Beat beat;
    beat.rr_1024 =
        static_cast<uint16_t>(std::clamp<int64_t>(std::llround(rr_ms * 1.024), 1, 65535));
    beat.gap_before = (gap_before || gap_next_) && !beats_.empty();
    gap_next_ = false;
    if (time_s) {
      const int64_t time_us = std::llround(*time_s * 1e6);
      if (beats_.empty()) start_us_ = time_us - rr_us;
      beat.time_us = time_us - start_us_;
      if (!beats_.empty() && beat.time_us < beats_.back().time_us) {
        return LineError(line, "the time goes back");
      }
    } else {
      beat.time_us = (beats_.empty() ? 0 : beats_.back().time_us + paused_us_) + rr_us;
    }
    if (beat.time_us > kMaxRecordingUs) {
      return LineError(line, "more than 31 days after the first beat; cut the recording");
    }
    paused_us_ = 0;
    beats_.push_back(beat);
    rr_ms_.push_back(rr_ms);
    return absl::OkStatus();
  }

  // The next beat, of `rr_ms`, was received then: accounts for beats that are missing before it.
  void Arrives(double arrival_s, double rr_ms) {
    const int64_t time_us =
        (beats_.empty() ? 0 : beats_.back().time_us + paused_us_) + std::llround(rr_ms * 1000);
    const int64_t late_us = std::llround(arrival_s * 1e6) - time_us;
    least_late_us_ = std::min(least_late_us_, late_us);
    if (late_us - least_late_us_ <= kLateUs) return;
    paused_us_ += late_us - least_late_us_;
    gap_next_ = true;
  }

  absl::StatusOr<Recording> Finish() {
    if (beats_.empty()) return absl::InvalidArgumentError("holds no beats");
    const auto middle = rr_ms_.begin() + static_cast<std::ptrdiff_t>(rr_ms_.size() / 2);
    std::nth_element(rr_ms_.begin(), middle, rr_ms_.end());
    if (*middle < kSecondsBelowMs) {
      return absl::InvalidArgumentError(absl::StrCat(
          "the middle interval is ", *middle, " ms; this looks like seconds: multiply by 1000"));
    }
    Recording recording;
    recording.length_us = beats_.back().time_us;
    recording.beats = std::move(beats_);
    return recording;
  }

 private:
  std::vector<synchrony::Beat> beats_;
  std::vector<double> rr_ms_;
  int64_t start_us_ = 0;
  int64_t paused_us_ = 0;  // time without beats before the next one
  bool gap_next_ = false;
  int64_t least_late_us_ = std::numeric_limits<int64_t>::max();
};

struct CsvColumns {
  std::optional<size_t> rr_ms, rr_1024, time_s, arrival_s, gap_before;
};

absl::StatusOr<CsvColumns> Header(size_t line, std::string_view text) {
  CsvColumns columns;
  const auto fields = Fields(text);
  for (size_t i = 0; i < fields.size(); ++i) {
    const std::string_view name = fields[i];
    if (name == "rr_ms") columns.rr_ms = i;
    if (name == "rr_1024") columns.rr_1024 = i;
    if (name == "t_session_s" || name == "t_s" || name == "time_s") columns.time_s = i;
    if (name.find("arrival") != std::string_view::npos) columns.arrival_s = i;
    if (name == "gap_before") columns.gap_before = i;
  }
  if (!columns.rr_ms && !columns.rr_1024) {
    return LineError(line, "the header names neither rr_ms nor rr_1024: " + Quoted(text));
  }
  return columns;
}

absl::Status AddCsvLine(size_t line, std::string_view text, const CsvColumns& columns,
                        Builder& builder) {
  const auto fields = Fields(text);
  const auto field = [&](const std::optional<size_t>& column) -> std::optional<std::string_view> {
    if (!column) return std::nullopt;
    return *column < fields.size() ? fields[*column] : std::string_view();
  };
  // 1/1024 s is what straps send; milliseconds are made from it.
  const auto rr_1024 = field(columns.rr_1024);
  ATTUNE_ASSIGN_OR_RETURN(const double rr_ms, RrMs(line, rr_1024 ? *rr_1024 : *field(columns.rr_ms),
                                                   rr_1024.has_value()));
  std::optional<double> time_s;
  if (const auto time = field(columns.time_s)) {
    time_s = RealOf(*time);
    if (!time_s || std::abs(*time_s) > kMaxTimeS) {
      return LineError(line, Quoted(*time) + " is not a time in seconds");
    }
  }
  if (const auto arrival = field(columns.arrival_s); arrival && !time_s) {
    const std::optional<double> arrival_s = RealOf(*arrival);
    if (!arrival_s || std::abs(*arrival_s) > kMaxTimeS) {
      return LineError(line, Quoted(*arrival) + " is not a time in seconds");
    }
    builder.Arrives(*arrival_s, rr_ms);
  }
  const auto gap = field(columns.gap_before);
  if (gap && !gap->empty() && *gap != "0" && *gap != "1") {
    return LineError(line, Quoted(*gap) + " in gap_before is neither 0 nor 1");
  }
  return builder.Add(line, rr_ms, time_s, gap && *gap == "1");
}

}  // namespace

absl::StatusOr<Recording> ParseRr(std::string_view text) {
  Builder builder;
  ATTUNE_RETURN_IF_ERROR(
      ForEachLine(text, kMaxRecordingLine, [&](size_t line, std::string_view rr) -> absl::Status {
        if (rr.front() == '#') return absl::OkStatus();
        ATTUNE_ASSIGN_OR_RETURN(const double rr_ms, RrMs(line, rr, /*in_1024=*/false));
        return builder.Add(line, rr_ms, std::nullopt, false);
      }));
  return builder.Finish();
}

absl::StatusOr<Recording> ParseBeatsCsv(std::string_view text) {
  Builder builder;
  std::optional<CsvColumns> columns;
  ATTUNE_RETURN_IF_ERROR(
      ForEachLine(text, kMaxRecordingLine, [&](size_t line, std::string_view row) -> absl::Status {
        if (row.front() == '#') return absl::OkStatus();
        if (!columns) {
          ATTUNE_ASSIGN_OR_RETURN(columns, Header(line, row));
          return absl::OkStatus();
        }
        return AddCsvLine(line, row, *columns, builder);
      }));
  return builder.Finish();
}

absl::StatusOr<std::string> ReadText(const std::string& path) {
  const auto failed = [&](const std::string& what) {
    return absl::InvalidArgumentError(absl::StrCat(path, ": ", what));
  };
  std::error_code error;
  if (!std::filesystem::exists(path, error)) return failed("there is no such file");
  if (std::filesystem::is_directory(path, error)) return failed("this is a folder, not a file");
  std::ifstream file(path, std::ios::binary);
  if (!file) return failed("cannot be read");
  std::string text;
  char block[64 * 1024];
  while (file.read(block, sizeof block) || file.gcount() > 0) {
    text.append(block, static_cast<size_t>(file.gcount()));
    if (text.size() > kMaxRecordingBytes) {
      return failed(absl::StrCat("larger than ", kMaxRecordingBytes / 1024 / 1024, " MiB"));
    }
  }
  return text;
}

absl::StatusOr<Recording> ParseRecording(const std::string& path, std::string_view text) {
  const std::filesystem::path name(path);
  auto recording = name.extension() == ".csv" ? ParseBeatsCsv(text) : ParseRr(text);
  if (!recording.ok()) {
    return absl::InvalidArgumentError(
        absl::StrCat(path, ": ", std::string(recording.status().message())));
  }
  recording->name = name.stem().string();
  return recording;
}

absl::StatusOr<Recording> ReadRecording(const std::string& path) {
  ATTUNE_ASSIGN_OR_RETURN(const std::string text, ReadText(path));
  return ParseRecording(path, text);
}

}  // namespace attune::edge
