#include "edge/agent/status.h"

#include <algorithm>
#include <cmath>

#include "absl/strings/str_cat.h"
#include "edge/agent/live_line.h"
#include "edge/agent/terminal_width.h"
#include "edge/words/text.h"
#include "services/base/log.h"

namespace attune::edge {
namespace {

void AppendDevice(const DeviceStatus& device, std::string* json) {
  if (device.link == DeviceStatus::Link::kNone) return;
  absl::StrAppend(json, ",\"link\":\"", NameOf(device.link), "\"");
  if (!device.name.empty()) absl::StrAppend(json, ",\"device\":", JsonQuote(device.name));
  if (device.battery_percent)
    absl::StrAppend(json, ",\"battery_percent\":", *device.battery_percent);
  if (device.contact) absl::StrAppend(json, ",\"contact\":", *device.contact ? "true" : "false");
  if (device.signal_dbm) absl::StrAppend(json, ",\"signal_dbm\":", *device.signal_dbm);
  if (!device.mode.empty()) absl::StrAppend(json, ",\"mode\":", JsonQuote(device.mode));
  if (!device.trouble.empty()) absl::StrAppend(json, ",\"trouble\":", JsonQuote(device.trouble));
}

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
                    ",\"beats_waiting\":", person.beats_waiting,
                    ",\"bpm\":", std::round(person.bpm * 10) / 10);
    if (person.data_age_ms) absl::StrAppend(&json, ",\"data_age_ms\":", *person.data_age_ms);
    if (person.artefact_share) {
      absl::StrAppend(&json,
                      ",\"artefact_share\":", std::round(*person.artefact_share * 1000) / 1000);
    }
    AppendDevice(person.device, &json);
    if (!person.words.empty()) absl::StrAppend(&json, ",\"why\":", JsonQuote(person.words));
    json += "}";
  }
  return json + "]";
}

}  // namespace

StatusWriter::StatusWriter(int fd, bool json, bool quiet, bool colour)
    : out_(fd),
      fd_(fd),
      json_(json),
      quiet_(quiet),
      colour_(colour),
      terminal_(!json && TakesEscapes(fd)) {}

int StatusWriter::columns() const { return TerminalColumns(fd_); }

// A line that stays; the live one moves below it.
void StatusWriter::Line(const std::string& text) {
  if (live_.empty()) {
    out_.Put(text + "\n", /*passing=*/false);
    return;
  }
  const std::string bytes = Rewrite(live_columns_, text, columns()) + "\n";
  live_columns_ = 0;
  out_.Put(bytes + live_, /*passing=*/false);
  live_columns_ = last_ ? Width(LiveLine(*last_, columns() - 1, false)) : 0;
}

void StatusWriter::Redraw() {
  // The last column is left alone: a terminal may go to the next line there.
  const int room = columns() - 1;
  std::string line = LiveLine(*last_, room, colour_);
  const int before = live_columns_;
  if (line == live_ && before <= room) {
    out_.Pump();
    return;
  }
  out_.Put(Rewrite(before, line, room + 1), /*passing=*/true);
  live_columns_ = Width(LiveLine(*last_, room, false));
  live_ = std::move(line);
}

void StatusWriter::Note(const std::string& text) {
  if (quiet_) return;
  Line(json_ ? absl::StrCat("{\"event\":\"note\",\"text\":", JsonQuote(text), "}")
             : Harmless(text));
}

void StatusWriter::Status(const AgentStatus& status) {
  if (quiet_ || notes_only_) {
    out_.Pump();
    return;
  }
  if (json_) {
    std::string line = absl::StrCat("{\"event\":\"status\",\"session_us\":", status.session_us,
                                    ",\"connected\":", status.connected ? "true" : "false");
    if (status.clock_uncertainty_us) {
      absl::StrAppend(&line, ",\"clock_uncertainty_us\":", *status.clock_uncertainty_us);
    }
    out_.Put(absl::StrCat(line, ",\"people\":", Json(status.people), "}\n"), /*passing=*/true);
    return;
  }
  if (terminal_) {
    last_ = status;
    Redraw();
  } else if (statuses_++ % kPlainEvery == 0) {
    out_.Put(LiveLine(status, std::max(columns(), 200), false) + "\n", /*passing=*/true);
  }
}

void StatusWriter::Summary(const std::vector<PersonStatus>& people) {
  if (json_) {
    Line(absl::StrCat("{\"event\":\"summary\",\"people\":", Json(people), "}"));
    out_.Flush();
    return;
  }
  if (!live_.empty()) out_.Put("\n", /*passing=*/false);  // the last state stays to be read
  live_.clear();
  for (const PersonStatus& person : people) {
    const std::string state = person.state == "connecting" ? "stopped" : person.state;
    Line(absl::StrCat(Harmless(person.name), ": ", state, ", ", person.beats_sent, " sent, ",
                      person.beats_acknowledged, " acknowledged, ", person.beats_durable,
                      " in the journal, ", person.beats_lost, " lost",
                      person.words.empty() ? "" : "; ", Harmless(person.words)));
  }
  out_.Flush();
}

}  // namespace attune::edge
