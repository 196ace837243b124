#include "edge/ctl/lines.h"

#include <algorithm>
#include <charconv>
#include <cmath>

#include "absl/strings/str_cat.h"
#include "edge/words/text.h"
#include "services/base/status_macros.h"

namespace attune::edge {
namespace {

constexpr size_t kMaxQuoted = 40;

template <typename Value>
std::optional<Value> Parsed(std::string_view text) {
  Value value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

}  // namespace

absl::Status LineError(size_t line, const std::string& what) {
  return absl::InvalidArgumentError(absl::StrCat("line ", line, ": ", what));
}

std::string Quoted(std::string_view text) {
  return "'" + Harmless(text.substr(0, kMaxQuoted), /*ascii=*/true) +
         (text.size() > kMaxQuoted ? "...'" : "'");
}

std::string_view Trim(std::string_view text) {
  constexpr std::string_view kBlank = " \t\r";
  const size_t first = text.find_first_not_of(kBlank);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(kBlank) - first + 1);
}

std::optional<double> RealOf(std::string_view text) {
  const std::optional<double> value = Parsed<double>(text);
  return value && std::isfinite(*value) ? value : std::nullopt;
}

std::optional<int64_t> WholeOf(std::string_view text) { return Parsed<int64_t>(text); }

std::vector<std::string_view> Fields(std::string_view line) {
  std::vector<std::string_view> fields;
  while (true) {
    const size_t comma = line.find(',');
    std::string_view field = Trim(line.substr(0, comma));
    if (field.size() >= 2 && field.front() == '"' && field.back() == '"') {
      field = field.substr(1, field.size() - 2);
    }
    fields.push_back(field);
    if (comma == std::string_view::npos) return fields;
    line.remove_prefix(comma + 1);
  }
}

absl::Status ForEachLine(std::string_view text, size_t longest,
                         const std::function<absl::Status(size_t, std::string_view)>& use) {
  constexpr std::string_view kByteOrderMark = "\xef\xbb\xbf";
  if (text.substr(0, kByteOrderMark.size()) == kByteOrderMark) {
    text.remove_prefix(kByteOrderMark.size());
  }
  size_t number = 0;
  while (!text.empty()) {
    const size_t end = std::min(text.find('\n'), text.size());
    const std::string_view raw = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    ++number;
    if (raw.size() > longest) {
      return LineError(number,
                       absl::StrCat("longer than ", longest, " characters; is this a text file?"));
    }
    const std::string_view line = Trim(raw);
    if (!line.empty()) ATTUNE_RETURN_IF_ERROR(use(number, line));
  }
  return absl::OkStatus();
}

}  // namespace attune::edge
