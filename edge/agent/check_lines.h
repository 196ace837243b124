// The lines of `attune-agent check`: what was looked at, how it is, and what to do about it.
//
// Text:  ok       strap: Polar H10 (A0:...), signal -58 dBm
//        problem  beats: 12 of 40 intervals are artefacts: wet the electrodes ...
//        waiting  beats: 18 s to go                 (rewritten in place on a terminal)
// JSON:  {"event":"check","step":"beats","person":"Ana","verdict":"ok","text":..,"remedy":..}
//        {"event":"checked","outcome":"ok","problems":0,"unseen":0}              the last line
// `person` is there when several people are checked, or the step is about a source; `remedy` when
// there is one. Waiting lines are progress; one that stays waiting could not be seen.
#ifndef ATTUNE_EDGE_AGENT_CHECK_LINES_H_
#define ATTUNE_EDGE_AGENT_CHECK_LINES_H_

#include <cstdint>
#include <map>
#include <string>

#include "edge/agent/line_out.h"

namespace attune::edge {

enum class Verdict { kOk, kProblem, kWaiting };

struct Finding {
  std::string step;  // adapter strap connection contact battery beats server code token clock
  Verdict verdict = Verdict::kOk;
  std::string text;
  std::string remedy;  // what to do; empty: nothing
};

// Not thread-safe.
class CheckWriter {
 public:
  static constexpr int64_t kProgressEveryUs = 5'000'000;  // where lines cannot be rewritten

  CheckWriter(int fd, bool json);
  // Final. `person`: empty when it is about nobody.
  void Found(const std::string& person, const Finding& finding);
  // Under way, called often.
  void Progress(int64_t now_us, const std::string& person, const Finding& finding);
  // The last line.
  void Finish();

  int problems() const { return problems_; }
  int unseen() const { return unseen_; }

 private:
  std::string Text(const std::string& person, const Finding& finding) const;
  std::string Json(const std::string& person, const Finding& finding) const;
  void Erase();
  LineOut out_;
  const int fd_;
  const bool json_;
  const bool terminal_;
  bool passing_ = false;  // the last line is progress
  std::string shown_;
  std::map<std::string, int64_t> said_us_;  // progress by person and step
  int problems_ = 0;
  int unseen_ = 0;
};

}  // namespace attune::edge

#endif  // ATTUNE_EDGE_AGENT_CHECK_LINES_H_
