// Times of beats from intervals and their arrival.
//
// A strap says how long each interval was, not when; notifications come about once a second, in
// bursts, up to 4 s late (Bluetooth Heart Rate Service 1.0; measurements in
// tests/data/polar-h10). So never stamp by arrival. Within one unbroken link the beats are
//
//   T_k = T_0 + sum of RR up to k
//
// and T_0 is the lower envelope of (arrival - sum of RR): the interval that was delayed least. The
// first 20 s are kept back and stamped together once the envelope has settled. The envelope of five
// minutes shows how far off that was; this constant is published, not chased. From then on T_0
// follows how the envelope moves, within half an hour and by at most 50 ppm (the drift of two
// quartzes), so that intervals stay what they were.
//
// A new link epoch, with a gap, never bridged: a lost link; an arrival later than anything can be
// (5 s); lateness that never again comes down to what it was (LossWatch: a lost notification, 1 s
// under delays of up to 4 s is found within a minute or three); an envelope that has risen by half
// a second or fallen by two.
//
// Two uncertainties, never mixed (attune.v1.Timing):
//   jitter        of a beat against its neighbours: what the strap's detection, its drift and the
//                 following of the envelope can move within five minutes
//   offset bound  of the constant error. A beat is stamped late by the strap's own delay, which
//                 nobody can see from RR, by T_0 above the envelope, and by what the envelope has
//                 not shown yet: the least of n delays spread evenly over 4 s is above the least
//                 possible by 12 s / n with a probability of 5 %. It is stamped early by intervals
//                 that are missing and not found out yet: at most by its own lateness. The bound is
//                 the larger of both sides, and the error of the session's clock.
// All times in session microseconds. Not thread-safe. No clock: the same calls give the same beats.
#ifndef ATTUNE_EDGE_AGENT_BEAT_CLOCK_H_
#define ATTUNE_EDGE_AGENT_BEAT_CLOCK_H_

#include <cstdint>
#include <deque>
#include <optional>
#include <utility>
#include <vector>

#include "edge/agent/loss_watch.h"
#include "edge/client/outbox.h"
#include "edge/source/lower_envelope.h"

namespace attune::edge {

struct ClockedBeat {
  StampedBeat beat;
  uint64_t position = 0;  // as given
};

class BeatClock {
 public:
  static constexpr int64_t kSettleUs = 20'000'000;
  static constexpr int64_t kWindowUs = 300'000'000;      // of the envelope
  static constexpr int64_t kBurstUs = 100'000;           // one notification
  static constexpr int64_t kLateUs = 5'000'000;          // nothing arrives later than that
  static constexpr int64_t kEnvelopeUpUs = 500'000;      // above T_0: intervals are missing
  static constexpr int64_t kEnvelopeDownUs = 2'000'000;  // below: there are too many
  static constexpr double kFollowUs = 1'800e6;           // a move of the envelope is made up in
  static constexpr double kSlewPpm = 50;
  // 2 ms of 1/1024 s and the strap's detection; 50 ppm of drift and 50 ppm of following, over half
  // of five minutes.
  static constexpr uint32_t kJitterUs = 15'000;
  static constexpr uint32_t kStrapDelayUs = 1'000'000;   // bound of what cannot be seen
  static constexpr int64_t kSpreadUs = 12'000'000;       // over n: what the envelope has not shown
  static constexpr int64_t kReanchorNotifications = 16;  // at least, in kSettleUs
  static constexpr int64_t kPeriodUs = 1'200'000;        // of the strap's notifications, at most
  static constexpr int64_t kMostDelayUs = 4'000'000;     // no more than that
  static constexpr int64_t kLateWindowUs = 60'000'000;   // lateness counts so long
  static constexpr uint32_t kBoundStepUs = 250'000;      // published bounds are rounded up
  static constexpr size_t kMostHeld = 4096;              // beats kept back; more: stamped early

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
  // Whether intervals were taken that have not come out.
  bool holding() const { return !burst_.empty() || (in_epoch_ && !settled_); }
  // No beat at or before this time will come out any more.
  int64_t CompleteThroughUs(int64_t now_us) const;
  // Intervals refused because their place in time was already declared complete.
  uint64_t refused() const { return refused_; }
  uint64_t epochs() const { return epochs_; }
  // Of those, how many began because intervals went missing without a word from the source.
  uint64_t losses_found() const { return losses_found_; }

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
  void BeginEpoch(int64_t arrival_us);
  void Reanchor(int64_t arrival_us);
  void NoteLate(int64_t arrival_us, int64_t late_us);
  uint32_t OffsetBoundUs() const;

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
  int64_t followed_us_ = 0;                  // when t0 was last adjusted
  double off_us_ = 0;                        // envelope minus T_0
  std::optional<double> home_us_;            // what that was when the first window was full
  int64_t earliest_us_ = 0, latest_us_ = 0;  // arrival - sum, of this epoch
  int64_t notifications_ = 0;                // of this epoch
  // Both monotonic: the first is the least (greatest) of the window.
  LowerEnvelope<int64_t> envelope_;               // of arrival - sum of intervals
  std::deque<std::pair<int64_t, int64_t>> late_;  // (arrival, lateness), descending
  LossWatch watch_;

  uint32_t clock_us_ = 0;
  int64_t last_us_ = INT64_MIN;              // newest stamp
  mutable int64_t promised_us_ = INT64_MIN;  // largest CompleteThroughUs said
  uint64_t refused_ = 0;
  uint64_t epochs_ = 0;
  uint64_t losses_found_ = 0;
  std::vector<ClockedBeat> out_;
};

}  // namespace attune::edge

#endif  // ATTUNE_EDGE_AGENT_BEAT_CLOCK_H_
