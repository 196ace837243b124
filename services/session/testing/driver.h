// Drives one core as its owner would: proposes, applies, keeps the records and what came of them.
#ifndef ATTUNE_SERVICES_SESSION_TESTING_DRIVER_H_
#define ATTUNE_SERVICES_SESSION_TESTING_DRIVER_H_

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "services/session/session_core.h"
#include "services/session/testing/heart.h"

namespace attune::session::testing {

using Granted = std::vector<std::pair<v1::Purpose, v1::Audience>>;

// Everything that the table in session_core.h knows.
const Granted& AllGrants();
v1::Consent ConsentTo(v1::Purpose purpose, v1::Audience audience, bool granted = true);

inline constexpr int64_t kMs = 1000;
inline constexpr int64_t kS = 1'000'000;

class Driver {
 public:
  explicit Driver(v1::SessionKind kind, uint32_t k_min = 3, int64_t planned_end_us = 0,
                  const Limits& limits = {}, const std::vector<v1::Measure>& measures = {});

  SessionCore& core() { return core_; }
  const SessionCore& core() const { return core_; }
  // Everything applied so far, and every frame by tick as serialised bytes. A tick that is closed
  // again after its record was lost must give the same frame.
  const std::vector<v1::JournalRecord>& records() const { return records_; }
  const std::map<uint64_t, std::string>& frames() const { return frames_; }
  const std::vector<v1::LogEntry>& log() const { return log_; }
  std::shared_ptr<const v1::Frame> last_frame() const { return last_frame_; }
  std::string NextRequestId();

  // Applies a proposal that must be good.
  Effects Do(const absl::StatusOr<v1::JournalRecord>& proposal);
  void Owner(int64_t now_us);
  uint32_t Join(const std::string& alias, const Granted& granted, int64_t now_us,
                const std::string& dyad_key = "");
  void Consent(uint32_t participant, v1::Purpose purpose, v1::Audience audience, bool granted,
               int64_t now_us);
  // Sends beats [from, to) of `beats` under the numbers from + 1 ...; true: something was new.
  bool Send(uint32_t participant, const std::vector<HeartBeat>& beats, size_t from, size_t to,
            int64_t complete_us, int64_t now_us, const std::string& boot_id = BootId(1));
  // Everything that time alone brings.
  void Tick(int64_t now_us);
  void End(int64_t at_us, int64_t now_us);
  v1::Report Report();

  // Replaces the core by one made from the records, or from its own checkpoint. Of the newest
  // records up to `lost` are lost with the owner, as long as they are data or ticks.
  void Replay(size_t lost = 0);
  void SaveAndRestore();

  static std::string BootId(int number) { return std::string(15, 'b') + static_cast<char>(number); }

 private:
  Limits limits_;
  SessionCore core_;
  std::vector<v1::JournalRecord> records_;
  std::map<uint64_t, std::string> frames_;
  std::vector<v1::LogEntry> log_;
  std::shared_ptr<const v1::Frame> last_frame_;
  uint64_t requests_ = 0;
  uint64_t epoch_ = 0;
};

v1::Observations BeatsMessage(const std::vector<HeartBeat>& beats, size_t from, size_t to,
                              int64_t complete_us);

// A session with people whose hearts beat from 0 to `seconds`, all data sent second by second.
// Person i joins as "P<i>"; `keys` may give dyad words.
struct Staged {
  Driver driver;
  std::vector<std::vector<HeartBeat>> hearts;
};
Staged Stage(v1::SessionKind kind, int people, int seconds, const Granted& granted,
             const std::vector<std::string>& keys = {}, uint32_t k_min = 3);
// Sends everybody's beats and completeness for each second of (from, to] and ticks.
void PlaySeconds(Staged& staged, int from, int to);

}  // namespace attune::session::testing

#endif  // ATTUNE_SERVICES_SESSION_TESTING_DRIVER_H_
