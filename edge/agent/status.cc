#include "edge/agent/status.h"

#include <unistd.h>

#include <cmath>

#include "absl/strings/str_cat.h"
#include "services/base/log.h"

namespace attune::edge {
namespace {

std::string Json(const std::vector<PersonStatus>& people) {
  std::string json = "[";
  for (const PersonStatus& person : people) {
    absl::StrAppend(&json, json.size() > 1 ? "," : "", "{\"participant\":", person.participant,
                    ",\"name\":", JsonQuote(person.name), ",\"state\":", JsonQuote(person.state));
    absl::StrAppend(&json, ",\"beats_sent\":", person.beats_sent,
                    ",\"beats_acknowledged\":", person.beats_acknowledged,
                    ",\"beats_durable\":", person.beats_durable,
                    ",\"beats_lost\":", person.beats_lost);
    absl::StrAppend(&json, ",\"beats_refused\":", person.beats_refused,
                    ",\"beats_after_end\":", person.beats_after_end,
                    ",\"bpm\":", std::round(person.bpm * 10) / 10);
    if (!person.words.empty()) absl::StrAppend(&json, ",\"why\":", JsonQuote(person.words));
    json += "}";
  }
  return json + "]";
}

// Nothing that a name holds may steer the terminal.
std::string Plain(const std::string& text) {
  std::string plain;
  for (const char c : text) plain += static_cast<unsigned char>(c) < 0x20 || c == 0x7f ? '?' : c;
  return plain;
}

}  // namespace

void StatusWriter::Line(const std::string& text, bool passing) {
  std::string bytes;
  if (passing_) bytes = "\r\033[K";
  bytes += text;
  if (!passing) bytes += "\n";
  passing_ = passing;
  size_t done = 0;
  while (done < bytes.size()) {
    const ssize_t n = write(fd_, bytes.data() + done, bytes.size() - done);
    if (n <= 0) return;  // nobody reads: no reason to stop measuring
    done += static_cast<size_t>(n);
  }
}

void StatusWriter::Note(const std::string& text) {
  if (quiet_) return;
  Line(json_ ? absl::StrCat("{\"event\":\"note\",\"text\":", JsonQuote(text), "}") : Plain(text),
       false);
}

void StatusWriter::Status(int64_t session_us, bool connected,
                          const std::vector<PersonStatus>& people) {
  if (quiet_) return;
  if (json_) {
    Line(absl::StrCat("{\"event\":\"status\",\"session_us\":", session_us, ",\"connected\":",
                      connected ? "true" : "false", ",\"people\":", Json(people), "}"),
         false);
    return;
  }
  constexpr size_t kShown = 4;
  std::string text = connected ? "connected" : "not connected, beats are kept";
  for (size_t i = 0; i < people.size() && i < kShown; ++i) {
    const PersonStatus& person = people[i];
    absl::StrAppend(&text, " | ", Plain(person.name), " ", person.state, " ",
                    person.bpm > 0 ? absl::StrCat(std::lround(person.bpm), " bpm, ") : "",
                    person.beats_durable, " of ", person.beats_sent, " safe");
  }
  if (people.size() > kShown) absl::StrAppend(&text, " | and ", people.size() - kShown, " more");
  Line(text, true);
}

void StatusWriter::Summary(const std::vector<PersonStatus>& people) {
  if (json_) {
    Line(absl::StrCat("{\"event\":\"summary\",\"people\":", Json(people), "}"), false);
    return;
  }
  for (const PersonStatus& person : people) {
    Line(absl::StrCat(Plain(person.name), ": ", person.state, ", ", person.beats_sent, " sent, ",
                      person.beats_acknowledged, " acknowledged, ", person.beats_durable,
                      " in the journal, ", person.beats_lost, " lost",
                      person.words.empty() ? "" : "; ", Plain(person.words)),
         false);
  }
}

}  // namespace attune::edge
