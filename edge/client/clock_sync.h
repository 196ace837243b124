// Session time on the edge: maps the edge's steady clock to the session's clock.
//
// Bursts of four-timestamp probes (Cristian 1989; Mills, RFC 5905) on the uplink's own stream. Of a
// burst the probe with the smallest round trip counts: offset = ((t1-t0)+(t2-t3))/2, its error is
// at most half the round trip whatever the asymmetry of the two ways. Same burst pattern as
// liblsl's time_receiver (8 probes, 64 ms apart), at a slower pace once settled.
//
// Estimate: a straight line (offset and drift) through the bursts, weighted by 1/rtt^2.
// Uncertainty: not a statistic but a bound. Every burst (and the anchor) says between which two
// values the offset was at its time; two clocks drift against each other by at most kMaxDriftPpm,
// and that drift wanders by at most kWanderPpm. The straight lines that pass between all pairs of
// values have slopes from max (low_j - high_i) / (t_j - t_i) to min (high_j - low_i) / (t_j - t_i);
// what they leave open at a moment is the uncertainty there, before, between and long after the
// bursts.
//
// The steady clock must count while the computer sleeps (EdgeClock does). The time slept is known
// to a second or so only: Slept.
//
// All times in microseconds. `rate`: session seconds in a real second.
// Not thread-safe; belongs to the agent's loop.
#ifndef ATTUNE_EDGE_CLIENT_CLOCK_SYNC_H_
#define ATTUNE_EDGE_CLIENT_CLOCK_SYNC_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

namespace attune::edge {

class ClockSync {
 public:
  static constexpr int kProbesPerBurst = 8;
  static constexpr int64_t kProbeSpacingUs = 64'000;
  static constexpr int64_t kProbeLostUs = 2'000'000;
  static constexpr size_t kBurstsKept = 64;       // older ones are thinned out
  static constexpr double kMaxDriftPpm = 105;     // two quartzes of 50 ppm
  static constexpr double kWanderPpm = 3;         // with temperature
  static constexpr int64_t kSleepUs = 1'500'000;  // error of the time that a computer slept

  // A new owner, or the first Welcome: session time was `now_session_us` at some moment between
  // `sent_us` and `received_us` on the steady clock. Forgets the fit when the epoch is another one
  // or the rate has changed, or when the fit is off by more than its uncertainty allows.
  void Anchor(uint64_t epoch, double rate, int64_t now_session_us, int64_t sent_us,
              int64_t received_us);
  // The stream broke: probes under way will not come back. The fit is kept.
  void StreamLost();
  // The computer slept until now; the steady clock went on by what it believes to have been that.
  void Slept(int64_t now_us);

  bool valid() const { return !bursts_.empty(); }
  double rate() const { return rate_; }
  // Session time at a moment of the steady clock. valid() only.
  int64_t SessionAt(int64_t steady_us) const;
  // The moment of the steady clock at which session time is `session_us`. valid() only.
  int64_t SteadyAt(int64_t session_us) const;
  // Bound of the error of SessionAt, session microseconds. valid() only.
  int64_t UncertaintyUs(int64_t steady_us) const;
  double drift_ppm() const { return drift_ * 1e6; }
  // How often session time has jumped by more than was uncertain (another owner, a computer that
  // slept): what was measured before does not belong to what is measured after.
  uint64_t steps() const { return steps_; }

  // When the next probe is to be sent; nullopt without an anchor.
  std::optional<int64_t> NextProbeUs() const;
  // Says which probe to send now (its t0 is `steady_us`).
  uint64_t ProbeSent(int64_t steady_us);
  void ProbeReplied(uint64_t id, int64_t t0_us, int64_t t1_session_us, int64_t t2_session_us,
                    int64_t t3_us);

 private:
  struct Sample {
    double at_us = 0;      // Scaled time
    double offset_us = 0;  // session time - Scaled time
    double half_us = 0;    // at most so wrong
  };
  struct Probe {
    int64_t t0_us = 0;
    bool replied = false;
  };
  double Scaled(int64_t steady_us) const;
  double HalfUs(double rtt_us) const;
  void Restart(const Sample& sample);
  void Take(const Sample& sample);
  void FinishBurst();
  void Thin();
  void Fit();
  bool FindSlopes();
  double OffsetAt(double at_us) const { return offset_us_ + drift_ * (at_us - pivot_us_); }
  // What the samples leave open for the offset at a moment.
  void Open(double at_us, double* low_us, double* high_us) const;

  uint64_t epoch_ = 0;
  double rate_ = 1;
  int64_t base_us_ = 0;  // steady; Scaled(base) is 0
  uint64_t steps_ = 0;

  double offset_us_ = 0;  // at the pivot
  double drift_ = 0;
  double pivot_us_ = 0;
  double least_drift_ = 0, most_drift_ = 0;

  std::vector<Sample> bursts_;                      // by time; the anchor is one
  std::optional<Sample> best_;                      // of the burst under way
  std::array<Probe, kProbesPerBurst> probes_ = {};  // of the burst under way
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
