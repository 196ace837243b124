// Times of beats from intervals and their arrival.
//
// A strap says how long each interval was, not when; notifications come about once a second, in
// bursts, up to 4 s late (Bluetooth Heart Rate Service 1.0; measurements in
// tests/data/polar-h10). So never stamp by arrival. Within one unbroken link the beats are
//
//   T_k = T_0 + sum of RR up to k
//
// and T_0 is the lower envelope of (arrival - sum of RR): the interval that was delayed least. The
// first 20 s are kept back and stamped together once the envelope has settled; then it is followed
// at no more than 50 ppm (the drift of two quartzes), so that intervals stay what they were. A lost
// link, arrivals that get ahead of the intervals by more than 1.5 s, and an envelope that is off by
// more than it can be start a new link epoch, with a gap.
//
// Two uncertainties, never mixed (attune.v1.Timing): jitter, of a beat against its neighbours, and
// a bound of the constant error: the strap's own delay, which nobody can see from RR, and how well
// the envelope is known. All times in session microseconds. Not thread-safe. No clock: the same
// calls give the same beats.
#ifndef ATTUNE_EDGE_AGENT_BEAT_CLOCK_H_
#define ATTUNE_EDGE_AGENT_BEAT_CLOCK_H_

#include <cstdint>
#include <deque>
#include <utility>
#include <vector>

#include "edge/client/outbox.h"

namespace attune::edge {

struct ClockedBeat {
  StampedBeat beat;
  uint64_t position = 0;  // as given
};

class BeatClock {
 public:
  static constexpr int64_t kSettleUs = 20'000'000;
  static constexpr int64_t kWindowUs = 60'000'000;    // of the envelope
  static constexpr int64_t kBurstUs = 100'000;        // one notification
  static constexpr int64_t kLostUs = 1'500'000;       // arrivals ahead of intervals
  static constexpr int64_t kEnvelopeOffUs = 700'000;  // envelope against T_0
  static constexpr int64_t kLateUs = 5'000'000;       // nothing arrives later than that
  static constexpr double kSlewPpm = 50;
  static constexpr uint32_t kJitterUs = 2'000;          // 1/1024 s and the strap's detection
  static constexpr uint32_t kStrapDelayUs = 1'000'000;  // bound of what cannot be seen
  static constexpr uint32_t kUnsettledUs = 1'000'000;   // envelope from less than kSettleUs
  static constexpr uint32_t kBoundStepUs = 50'000;      // published bounds are rounded up
  static constexpr size_t kMostHeld = 4096;             // beats kept back; more: stamped early

  // One interval; arrivals do not go back.
  void Add(uint32_t rr_1024, int64_t arrival_us, bool gap_before, uint64_t position);
  // The link broke, or the session's clock stepped: what comes next follows a gap.
  void LinkLost();
  // Nothing more will come.
  void Finish();
  // Error bound of the clock that the arrivals were taken with; counts from the next beat on.
  void SetClockUncertainty(uint32_t us) { clock_us_ = us; }

  // Appends the beats whose time is fixed, given that everything that arrived by `now_us` was
  // added.
  void Drain(int64_t now_us, std::vector<ClockedBeat>* beats);
  // No beat at or before this time will come out any more.
  int64_t CompleteThroughUs(int64_t now_us) const;
  // Intervals refused because their place in time was already declared complete.
  uint64_t refused() const { return refused_; }
  uint64_t epochs() const { return epochs_; }

 private:
  struct Held {
    uint32_t rr_1024;
    bool gap_before;
    uint64_t position;
    int64_t arrival_us;
  };
  void CloseBurst();
  void StampSettling();
  void Stamp(const Held& held);
  void Follow(int64_t arrival_us);
  void BeginEpoch();
  int64_t Residual() const;

  std::vector<Held> burst_;     // intervals of the notification under way
  std::vector<Held> settling_;  // first kSettleUs of the epoch
  bool in_epoch_ = false;
  bool settled_ = false;
  bool gap_ = false;            // before the next beat
  int64_t epoch_first_us_ = 0;  // first arrival
  int64_t last_arrival_us_ = 0;
  int64_t sum_1024_ = 0;      // intervals of this epoch, arrived
  int64_t stamped_1024_ = 0;  // intervals of this epoch, stamped
  double t0_us_ = 0;
  int64_t followed_us_ = 0;                           // when t0 was last adjusted
  double off_us_ = 0;                                 // envelope minus T_0
  bool short_epoch_ = false;                          // T_0 rests on less than kSettleUs
  std::deque<std::pair<int64_t, int64_t>> envelope_;  // (arrival, residual), residuals ascending

  uint32_t clock_us_ = 0;
  int64_t last_us_ = INT64_MIN;              // newest stamp
  mutable int64_t promised_us_ = INT64_MIN;  // largest CompleteThroughUs said
  uint64_t refused_ = 0;
  uint64_t epochs_ = 0;
  std::vector<ClockedBeat> out_;
};

}  // namespace attune::edge

#endif  // ATTUNE_EDGE_AGENT_BEAT_CLOCK_H_
