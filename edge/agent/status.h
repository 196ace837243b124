// What the agent says while it runs: JSON lines, or text for a terminal. Never a token; names only
// those that the user gave on this command line.
//
//   {"event":"note","text":...}
//   {"event":"status","session_us":..,"connected":..,"people":[PERSON...]}    each second
//   {"event":"summary","people":[PERSON...]}                                  the last line
//
// PERSON: participant, name, state, beats_sent, beats_acknowledged, beats_durable, beats_lost
// (given up before a journal had them), beats_refused (intervals that could not be used),
// beats_after_end (measured after the session had ended, therefore not counted as sent), bpm.
#ifndef ATTUNE_EDGE_AGENT_STATUS_H_
#define ATTUNE_EDGE_AGENT_STATUS_H_

#include <cstdint>
#include <string>
#include <vector>

namespace attune::edge {

struct PersonStatus {
  uint32_t participant = 0;  // 0: not joined yet
  std::string name;
  std::string state;
  std::string words;  // why not live; may be empty
  uint64_t beats_sent = 0;
  uint64_t beats_acknowledged = 0;
  uint64_t beats_durable = 0;
  uint64_t beats_lost = 0;
  uint64_t beats_refused = 0;
  uint64_t beats_after_end = 0;
  double bpm = 0;
};

class StatusWriter {
 public:
  // Lines go to `fd`, which is not closed. Text rewrites its last line.
  StatusWriter(int fd, bool json, bool quiet) : fd_(fd), json_(json), quiet_(quiet) {}
  void Note(const std::string& text);
  void Status(int64_t session_us, bool connected, const std::vector<PersonStatus>& people);
  void Summary(const std::vector<PersonStatus>& people);

 private:
  void Line(const std::string& text, bool passing);
  int fd_;
  bool json_;
  bool quiet_;
  bool passing_ = false;  // the terminal's last line is to be overwritten
};

}  // namespace attune::edge

#endif  // ATTUNE_EDGE_AGENT_STATUS_H_
