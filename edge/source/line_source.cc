#include "edge/source/line_source.h"

#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <cmath>
#include <cstring>
#include <utility>

#include "absl/strings/str_cat.h"

namespace attune::edge {
namespace {

constexpr size_t kMostReadPerPoll = 64 * 1024;
constexpr size_t kMostWarningsKept = 20;

std::string_view Trim(std::string_view text) {
  const size_t first = text.find_first_not_of(" \t\r");
  if (first == std::string_view::npos) return "";
  return text.substr(first, text.find_last_not_of(" \t\r") - first + 1);
}

std::optional<double> ParseNumber(std::string_view text) {
  text = Trim(text);
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || !std::isfinite(value)) {
    return std::nullopt;
  }
  return value;
}

// The members of a flat JSON object of numbers and strings; strings are skipped.
absl::Status ParseJsonLine(std::string_view line, std::optional<double>* arrival_s,
                           std::optional<double>* rr_ms) {
  const absl::Status wrong = absl::InvalidArgumentError("no JSON object like {\"rr_ms\":812.5}");
  if (!line.ends_with("}")) return wrong;
  line = Trim(line.substr(1, line.size() - 2));
  while (!line.empty()) {
    if (!line.starts_with("\"")) return wrong;
    const size_t quote = line.find('"', 1);
    if (quote == std::string_view::npos) return wrong;
    const std::string_view key = line.substr(1, quote - 1);
    line = Trim(line.substr(quote + 1));
    if (!line.starts_with(":")) return wrong;
    line = Trim(line.substr(1));
    size_t end = 0;
    if (line.starts_with("\"")) {
      end = line.find('"', 1);
      if (end == std::string_view::npos) return wrong;
      end = line.find(',', end);
    } else {
      end = line.find(',');
    }
    const std::string_view value = line.substr(0, end);
    if (key == "rr_ms" && !(*rr_ms = ParseNumber(value))) return wrong;
    if (key == "arrival_s" && !(*arrival_s = ParseNumber(value))) return wrong;
    if (end == std::string_view::npos) return absl::OkStatus();
    line = Trim(line.substr(end + 1));
    if (line.empty()) return wrong;
  }
  return absl::OkStatus();
}

class LineSource final : public Source {
 public:
  explicit LineSource(int fd) : fd_(fd) {
    const int flags = fcntl(fd_, F_GETFL);
    if (flags >= 0) fcntl(fd_, F_SETFL, flags | O_NONBLOCK);
    info_.stamping = Stamping::kArrivalSteady;
    info_.sensor = v1::SENSOR_KIND_CHEST_STRAP;
    info_.fingerprint = "stdin";
  }

  const SourceInfo& info() const override { return info_; }
  void Begin(int64_t, uint64_t) override {}

  int64_t Poll(int64_t now_us, std::vector<SourceBeat>* beats) override {
    char buffer[4096];
    size_t total = 0;
    while (!ended_ && total < kMostReadPerPoll) {
      const ssize_t got = read(fd_, buffer, sizeof(buffer));
      if (got < 0 && errno == EINTR) continue;
      if (got < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) break;
      if (got <= 0) {
        if (got < 0) Warn(absl::StrCat("cannot read: ", std::strerror(errno)));
        ended_ = true;
        if (!pending_.empty()) TakeLine(now_us, beats);
        break;
      }
      total += static_cast<size_t>(got);
      for (ssize_t i = 0; i < got; ++i) {
        if (buffer[i] == '\n') {
          TakeLine(now_us, beats);
        } else if (pending_.size() <= kMostLineBytes) {
          pending_ += buffer[i];  // what is longer is refused at its end
        }
      }
    }
    return now_us;
  }

  std::optional<int64_t> NextDueUs() const override { return std::nullopt; }
  bool finished() const override { return ended_; }
  std::vector<std::string> TakeWarnings() override { return std::exchange(warnings_, {}); }
  uint64_t refused() const override { return refused_; }

 private:
  void TakeLine(int64_t now_us, std::vector<SourceBeat>* beats) {
    ++line_;
    const std::string text = std::exchange(pending_, {});
    const std::string_view line = Trim(text);
    if (line.empty() || line.starts_with("#")) return;
    const auto parsed = ParseLiveLine(line);
    if (!parsed.ok()) {
      ++refused_;
      gap_ = true;
      Warn(absl::StrCat("line ", line_, " skipped: ", std::string(parsed.status().message())));
      return;
    }
    int64_t arrival_us = now_us;
    if (parsed->arrival_s) {
      // The writer's clock against ours is pinned by its first line.
      const int64_t theirs_us = std::llround(*parsed->arrival_s * 1e6);
      if (!theirs_first_us_) {
        theirs_first_us_ = theirs_us;
        ours_first_us_ = now_us;
      }
      arrival_us = ours_first_us_ + (theirs_us - *theirs_first_us_);
    }
    arrival_us = std::max(arrival_us, last_arrival_us_);
    last_arrival_us_ = arrival_us;
    beats->push_back({parsed->rr_1024, arrival_us, std::exchange(gap_, false), 0});
  }

  void Warn(std::string words) {
    if (warnings_.size() < kMostWarningsKept) warnings_.push_back("stdin: " + std::move(words));
  }

  int fd_;
  SourceInfo info_;
  std::string pending_;
  uint64_t line_ = 0;
  uint64_t refused_ = 0;
  bool ended_ = false;
  bool gap_ = false;
  std::optional<int64_t> theirs_first_us_;
  int64_t ours_first_us_ = 0;
  int64_t last_arrival_us_ = INT64_MIN;
  std::vector<std::string> warnings_;
};

}  // namespace

absl::StatusOr<LiveLine> ParseLiveLine(std::string_view line) {
  line = Trim(line);
  if (line.size() > kMostLineBytes) {
    return absl::InvalidArgumentError(absl::StrCat("longer than ", kMostLineBytes, " bytes"));
  }
  LiveLine result;
  std::optional<double> rr_ms;
  if (line.starts_with("{")) {
    const absl::Status status = ParseJsonLine(line, &result.arrival_s, &rr_ms);
    if (!status.ok()) return status;
  } else if (const size_t comma = line.find(','); comma != std::string_view::npos) {
    result.arrival_s = ParseNumber(line.substr(0, comma));
    rr_ms = ParseNumber(line.substr(comma + 1));
    if (!result.arrival_s) return absl::InvalidArgumentError("no arrival time before the comma");
  } else {
    rr_ms = ParseNumber(line);
  }
  if (!rr_ms) return absl::InvalidArgumentError("no interval in ms");
  if (result.arrival_s && std::abs(*result.arrival_s) > 1e10) {
    return absl::InvalidArgumentError("the arrival time is no time in seconds");
  }
  result.rr_1024 = Rr1024FromMs(*rr_ms);
  if (result.rr_1024 == 0) return absl::InvalidArgumentError("the interval is not in 1..63999 ms");
  return result;
}

std::unique_ptr<Source> MakeLineSource(int fd) { return std::make_unique<LineSource>(fd); }

}  // namespace attune::edge
