// Whether a person's beats are fit for a session: the strap is found, connected, on the skin, its
// battery will do, and for 30 seconds the beats are clean. Without a device only the beats.
//
// Clean: no gap, at most 5 % artefacts (beat_meter.h; above that heart rate variability is
// doubtful, Lipponen & Tarvainen 2019), and intervals that fill at least 80 % of the time, so that
// none is missing. What happens in any 30 s counts: somebody who wets the electrodes meanwhile
// passes.
//
// Live sources are watched as they run. Recordings and simulations are looked at ahead, at once.
#ifndef ATTUNE_EDGE_AGENT_CHECK_SOURCE_H_
#define ATTUNE_EDGE_AGENT_CHECK_SOURCE_H_

#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "edge/agent/beat_meter.h"
#include "edge/agent/check_lines.h"
#include "edge/source/source.h"

namespace attune::edge {

struct SourceCheckTimes {
  int64_t strap_us = 45'000'000;    // until it is found
  int64_t connect_us = 45'000'000;  // from there until it is connected
  int64_t contact_us = 30'000'000;
  int64_t tells_us = 8'000'000;    // a strap that has not told by then does not tell
  int64_t clean_us = 30'000'000;   // so long must beats be clean
  int64_t silent_us = 30'000'000;  // no beat at all for so long: given up
  int64_t beats_us = 150'000'000;  // until clean beats are given up
};

// Not thread-safe; no clock of its own.
class SourceCheck {
 public:
  static constexpr double kMostArtefacts = 0.05;
  static constexpr double kLeastCovered = 0.8;
  static constexpr int kEmptyBatteryPercent = 10;

  explicit SourceCheck(std::unique_ptr<Source> source, SourceCheckTimes times = {});

  // Looks on; `now_us` of the steady clock. Often.
  void Step(int64_t now_us);
  // What has been decided since the last call, in order.
  std::vector<Finding> Take() { return std::exchange(findings_, {}); }
  // What it is waiting for; nullopt when done.
  std::optional<Finding> Waiting(int64_t now_us) const;
  bool done() const { return stage_ == Stage::kDone; }

 private:
  enum class Stage { kStrap, kConnection, kContact, kBattery, kBeats, kDone };
  struct Interval {
    int64_t at_us;
    uint32_t rr_1024;
    bool artefact;
    bool gap;
  };
  // How the last clean_us are.
  struct Window {
    size_t all = 0;
    size_t artefacts = 0;
    double covered = 0;  // 0..1
    bool gap = false;
    bool clean() const;
  };
  void Read(int64_t now_us);
  void LookAhead();
  Window Look(int64_t now_us) const;
  bool Decide(int64_t now_us);
  bool DecideBeats(int64_t now_us);
  void Say(const std::string& step, Verdict verdict, std::string text, std::string remedy = "");
  void Next(Stage stage, int64_t now_us);
  std::string Advice(const DeviceStatus& device, const char* otherwise) const;

  std::unique_ptr<Source> source_;
  const SourceCheckTimes times_;
  bool has_device_ = false;
  bool started_ = false;
  Stage stage_ = Stage::kBeats;
  int64_t since_us_ = 0;  // of the stage
  ArtefactRule rule_;
  std::deque<Interval> intervals_;        // of the last clean_us
  std::optional<int64_t> beats_from_us_;  // first beat of the unbroken run
  bool ever_ = false;
  std::vector<Finding> findings_;
};

}  // namespace attune::edge

#endif  // ATTUNE_EDGE_AGENT_CHECK_SOURCE_H_
