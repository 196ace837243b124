// What the agent says while it runs: JSON lines, or text for people. Never a token; names only
// those that the user gave; no physiological value in a note.
//
//   {"event":"note","text":...}
//   {"event":"status","session_us":..,"connected":..,"clock_uncertainty_us":..,
//    "people":[PERSON...]}                                                    each second
//   {"event":"summary","people":[PERSON...]}                                  the last line
//
// clock_uncertainty_us: bound of the error of the session's clock here; absent before it is known.
//
// PERSON: participant, name, state, beats_sent, beats_acknowledged, beats_durable, beats_lost
// (given up before a journal had them), beats_refused (intervals that could not be used),
// beats_after_end (measured after the session had ended, therefore not counted as sent),
// beats_waiting (kept here and in no journal yet), bpm, and if known why (not live), data_age_ms
// (of the newest interval), artefact_share (0..1, of the last minute; rule in beat_meter.h). With a
// device: link (searching, connecting, connected, lost), and as far as it tells: device (its name),
// battery_percent, contact (true: on skin), signal_dbm, mode (intervals, ecg), trouble (what is
// wrong and what to do).
//
// Text on a terminal: a live line, written anew each second, and notes above it. Elsewhere (a log
// file): notes, and the line with every kPlainEvery-th status.
#ifndef ATTUNE_EDGE_AGENT_STATUS_H_
#define ATTUNE_EDGE_AGENT_STATUS_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "edge/agent/agent_status.h"
#include "edge/agent/line_out.h"

namespace attune::edge {

// Not thread-safe. Never blocks but in Summary (at most LineOut::kFlushMs).
class StatusWriter {
 public:
  static constexpr int kPlainEvery = 10;  // status calls

  // Lines go to `fd`, which is not closed.
  StatusWriter(int fd, bool json, bool quiet, bool colour = false);
  // From now on notes and the summary alone.
  void LeaveOutStatus() { notes_only_ = true; }
  void Note(const std::string& text);
  void Status(const AgentStatus& status);
  void Summary(const std::vector<PersonStatus>& people);
  // Width of the terminal now; 80 when it does not tell.
  int columns() const;

 private:
  void Line(const std::string& text);
  void Redraw();
  LineOut out_;
  const int fd_;
  const bool json_;
  const bool quiet_;
  const bool colour_;
  const bool terminal_;  // takes escape sequences
  bool notes_only_ = false;
  int statuses_ = 0;
  std::string live_;  // shown as the last line
  int live_columns_ = 0;
  std::optional<AgentStatus> last_;
};

}  // namespace attune::edge

#endif  // ATTUNE_EDGE_AGENT_STATUS_H_
