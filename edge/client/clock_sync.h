// Session time on the edge: maps the edge's steady clock to the session's clock.
//
// Bursts of four-timestamp probes (Cristian 1989; Mills, RFC 5905) on the uplink's own stream. Of a
// burst the probe with the smallest round trip counts: offset = ((t1-t0)+(t2-t3))/2, its error is
// at most half the round trip whatever the asymmetry of the two ways. Over bursts a straight line
// (offset and drift) is fitted, weighted by 1/rtt^2. Same burst pattern as liblsl's time_receiver
// (8 probes, 64 ms apart), at a slower pace once settled.
//
// All times in microseconds. `rate`: session seconds in a real second.
// Not thread-safe; belongs to the agent's loop.
#ifndef ATTUNE_EDGE_CLIENT_CLOCK_SYNC_H_
#define ATTUNE_EDGE_CLIENT_CLOCK_SYNC_H_

#include <cstdint>
#include <deque>
#include <optional>

namespace attune::edge {

class ClockSync {
 public:
  static constexpr int kProbesPerBurst = 8;
  static constexpr int kProbesNeeded = 6;
  static constexpr int64_t kProbeSpacingUs = 64'000;
  static constexpr int64_t kProbeLostUs = 2'000'000;
  static constexpr size_t kBurstsKept = 64;  // oldest is dropped
  static constexpr double kMaxDriftPpm = 200;

  // A new owner, or the first Welcome: session time was `now_session_us` at some moment between
  // `sent_us` and `received_us` on the steady clock. Forgets the fit when the epoch is another one
  // or the rate has changed, or when the fit is off by more than its uncertainty allows.
  void Anchor(uint64_t epoch, double rate, int64_t now_session_us, int64_t sent_us,
              int64_t received_us);
  // The stream broke: probes under way will not come back. The fit is kept.
  void StreamLost();

  bool valid() const { return valid_; }
  double rate() const { return rate_; }
  // Session time at a moment of the steady clock. valid() only.
  int64_t SessionAt(int64_t steady_us) const;
  // The moment of the steady clock at which session time is `session_us`. valid() only.
  int64_t SteadyAt(int64_t session_us) const;
  // Bound of the error of SessionAt, session microseconds; grows with the age of the last burst.
  int64_t UncertaintyUs(int64_t steady_us) const;
  double drift_ppm() const { return drift_ * 1e6; }

  // When the next probe is to be sent; nullopt without an anchor.
  std::optional<int64_t> NextProbeUs() const;
  // Says which probe to send now (its t0 is `steady_us`).
  uint64_t ProbeSent(int64_t steady_us);
  void ProbeReplied(uint64_t id, int64_t t0_us, int64_t t1_session_us, int64_t t2_session_us,
                    int64_t t3_us);

 private:
  struct Sample {
    int64_t steady_us = 0;  // middle of the round trip
    double offset_us = 0;   // session time - Scaled(steady)
    double rtt_us = 0;      // session microseconds
  };
  double Scaled(int64_t steady_us) const;
  void FinishBurst();
  void Fit();

  bool valid_ = false;
  uint64_t epoch_ = 0;
  double rate_ = 1;
  int64_t base_us_ = 0;  // steady; Scaled(base) is 0

  // SessionAt(x) = Scaled(x) + offset + drift * (Scaled(x) - Scaled(pivot))
  double offset_us_ = 0;
  double drift_ = 0;
  double drift_error_ = 0;
  int64_t pivot_us_ = 0;
  double error_us_ = 0;
  int64_t fitted_us_ = 0;

  std::deque<Sample> bursts_;
  std::optional<Sample> best_;  // of the burst under way
  uint64_t next_id_ = 1;
  uint64_t burst_first_id_ = 1;
  int sent_in_burst_ = 0;
  int replied_in_burst_ = 0;
  int64_t next_probe_us_ = 0;
  int64_t last_sent_us_ = 0;
  int bursts_done_ = 0;
};

}  // namespace attune::edge

#endif  // ATTUNE_EDGE_CLIENT_CLOCK_SYNC_H_
