// Where beats come from. A source gives intervals in the order in which they happened; what their
// times mean depends on the source (Stamping).
//
// Sources that follow the session's clock (recordings, simulation) are deterministic: after Begin
// with the same start they give the same beats with the same positions, so that a restarted agent
// goes on where its spool ends. Live sources give what arrives.
//
// Not thread-safe; belongs to the agent's loop. Never blocks.
#ifndef ATTUNE_EDGE_SOURCE_SOURCE_H_
#define ATTUNE_EDGE_SOURCE_SOURCE_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "attune/v1/edge.pb.h"

namespace attune::edge {

enum class Stamping {
  kGiven,           // `time_us` is the time of the beat, session time
  kArrivalSession,  // `time_us` is when the interval arrived, session time
  kArrivalSteady,   // `time_us` is when the interval arrived, on the edge's steady clock
  kGivenSteady,     // `time_us` is the time of the beat, on the edge's steady clock
};
// Live: gives what arrives, Begin means nothing, Poll takes the steady clock.
inline bool IsLive(Stamping stamping) {
  return stamping == Stamping::kArrivalSteady || stamping == Stamping::kGivenSteady;
}

struct SourceBeat {
  uint32_t rr_1024 = 0;     // interval that ends at the beat, 1/1024 s, 1..65535
  int64_t time_us = 0;      // see Stamping; not decreasing
  bool gap_before = false;  // does not follow the beat before it without loss
  uint64_t position = 0;    // 1, 2, 3 ... within a deterministic source; 0: cannot be found again
};

struct SourceInfo {
  Stamping stamping = Stamping::kGiven;
  v1::SensorKind sensor = v1::SENSOR_KIND_UNSPECIFIED;
  // Session time of the start when it is fixed; otherwise the source starts when the session is
  // first heard of.
  std::optional<int64_t> start_session_us;
  uint32_t jitter_us = 0;        // of given stamps; see attune.v1.Timing
  uint32_t offset_bound_us = 0;  // likewise, without the error of the session's clock
  // What it was made from. A spool goes on only with the source that it was begun with.
  std::string fingerprint;
};

// What a live source knows of its device.
struct DeviceStatus {
  enum class Link {
    kNone,        // the source has no device (recordings, simulation, stdin)
    kSearching,   // not seen yet
    kConnecting,  // seen, being connected
    kConnected,   // data may come
    kLost,        // was connected; being looked for again
  };
  Link link = Link::kNone;
  std::string name;                    // as the device calls itself
  std::string address;                 // AA:BB:CC:DD:EE:FF
  std::string model;                   // manufacturer, model and firmware as far as told
  std::optional<bool> contact;         // absent: the device cannot tell
  std::optional<int> battery_percent;  // 0..100
  std::optional<int> signal_dbm;       // of the last advertisement
  std::string body_location;           // "chest" ...; empty: not told
  std::string mode;                    // "intervals" or "ecg"; empty: not known yet
  std::string trouble;                 // what is wrong and what to do, in words; empty: nothing
};

class Source {
 public:
  virtual ~Source() = default;
  // Of a live source, stamping (kArrivalSteady or kGivenSteady) and the bounds may differ after
  // each Poll: they are those of what it gave.
  virtual const SourceInfo& info() const = 0;
  // Once, before the first Poll. Beats up to `after_position` are not given again. Live sources
  // ignore both.
  virtual void Begin(int64_t start_session_us, uint64_t after_position) = 0;
  // Appends what has happened by `now_us` (session time, for live sources steady time), at most
  // about kMostPerPoll beats. Returns the time through which everything is out: `now_us`, unless
  // there is more (or, for kGivenSteady, beats up to `now_us` may still come).
  virtual int64_t Poll(int64_t now_us, std::vector<SourceBeat>* beats) = 0;
  // When the next beat is due, in the clock of Poll; nullopt: not known.
  virtual std::optional<int64_t> NextDueUs() const = 0;
  // Nothing will come any more.
  virtual bool finished() const = 0;
  // May differ at each call.
  virtual DeviceStatus device() const { return {}; }
  // Things refused since the last call, in words; `refused` counts all of them.
  virtual std::vector<std::string> TakeWarnings() { return {}; }
  virtual uint64_t refused() const { return 0; }
};

inline constexpr size_t kMostPerPoll = 4096;

// Intervals that the contract can carry.
inline constexpr uint32_t kLeastRr1024 = 1;
inline constexpr uint32_t kMostRr1024 = 65535;

// Milliseconds to 1/1024 s, rounded; 0 when it is not in kLeastRr1024..kMostRr1024.
uint32_t Rr1024FromMs(double rr_ms);
// Duration of an interval, microseconds (rounded down).
inline int64_t RrMicros(int64_t rr_1024) { return rr_1024 * 15625 / 16; }

}  // namespace attune::edge

#endif  // ATTUNE_EDGE_SOURCE_SOURCE_H_
