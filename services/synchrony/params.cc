#include "services/synchrony/params.h"

#include <cstring>

namespace attune::synchrony {
namespace {

// FNV-1a over the fields' little-endian bytes: a fingerprint, not a defence.
class Fingerprint {
 public:
  void Add(uint64_t value) {
    for (int i = 0; i < 8; ++i) {
      hash_ ^= (value >> (8 * i)) & 0xff;
      hash_ *= 0x100000001b3;
    }
  }
  void Add(double value) {
    uint64_t bits;
    std::memcpy(&bits, &value, sizeof(bits));
    Add(bits);
  }
  void Add(int64_t value) { Add(static_cast<uint64_t>(value)); }
  void Add(int32_t value) { Add(static_cast<int64_t>(value)); }
  uint64_t hash() const { return hash_; }

 private:
  uint64_t hash_ = 0xcbf29ce484222325;
};

}  // namespace

bool Params::Valid() const {
  // Sums of products of two 12-bit samples, and of a sample and its position, stay within int32.
  constexpr int32_t kMaxLaggedWindow = 500;
  // A window fits a row of the dot-product kernel.
  constexpr int32_t kMaxWindowSeconds = 16;
  // Sums of products of phases stay within int32 (signal/phase.h), delays within a byte.
  constexpr int32_t kMaxSpanSeconds = 255;
  constexpr int32_t kMaxFilterSeconds = 120;
  const auto share = [](double x) { return x >= 0 && x <= 1; };
  return horizon_us >= 0 && rr_min_ms > 0 && rr_max_ms <= 2000 && rr_min_ms >= 300 &&
         screen_before >= 0 && screen_before <= 8 && screen_after >= 0 && screen_after <= 8 &&
         screen_alpha_pct >= 0 && screen_alpha_pct <= 10'000 && screen_window >= 1 &&
         screen_window <= 91 && screen_window_min >= 1 && screen_window_reach_us >= 0 &&
         screen_window_reach_us <= 60'000'000 && screen_floor_ms >= 0 && screen_floor_ms <= 1000 &&
         screen_floor_pct >= 0 && screen_floor_pct <= 100 && screen_ceiling_pct >= 0 &&
         screen_ceiling_pct <= 100 && bridge_rejected >= 0 && bridge_us >= 0 &&
         bridge_us <= 5'000'000 && screen_reach_us >= 0 && screen_reach_us <= 10'000'000 &&
         hr_window_us >= kSampleUs && hrv_window_us >= hr_window_us &&
         hrv_window_us <= int64_t{span_seconds} * 1'000'000 && lagged_window >= 8 &&
         lagged_window <= kMaxLaggedWindow && lagged_max_lag >= 0 && lagged_max_lag <= 500 &&
         moment_seconds >= 1 && moment_seconds <= 5 && window_seconds >= 2 &&
         window_seconds <= kMaxWindowSeconds && span_min_seconds >= window_seconds &&
         span_seconds >= span_min_seconds && span_seconds <= kMaxSpanSeconds &&
         shift_min_seconds >= 0 && order_window_seconds >= moment_seconds &&
         order_window_seconds <= span_seconds - phase_filter_seconds &&
         phase_filter_seconds < span_min_seconds && phase_filter_seconds >= 2 &&
         phase_filter_seconds <= kMaxFilterSeconds && group_draws >= 0 &&
         group_shift_apart_seconds >= 0 && share(lagged_min_valid_share) &&
         share(window_min_valid_share) && share(span_min_window_share) &&
         share(shift_min_window_share) && share(alpha) && share(phase_min_valid_share) &&
         share(contributor_min_coverage) && share(artefact_refuse_share) &&
         share(artefact_doubtful_share);
}

uint64_t Params::Hash() const {
  // The binding names every field: a field added to Params does not compile until it is here.
  const auto& [horizon, rr_min, rr_max, before, after, reach, alpha_pct, quartiles, quartiles_min,
               quartiles_reach, floor, floor_pct, ceiling, adjacency, bridged, bridge, hr_window,
               hr_min, hrv_window, rmssd_min, artefact_min, refuse, doubtful, lag_window, max_lag,
               lag_share, jitter, lag_timing, moment, window, window_share, span, span_min,
               span_share, shift_min, shifts_min, shift_share, alpha_level, persistence, break_us,
               order_window, filter, centre, phase_share, contributor, draws, apart, seed,
               max_people] = *this;
  Fingerprint f;
  f.Add(static_cast<int32_t>(kEngineVersion));
  f.Add(horizon);
  f.Add(rr_min);
  f.Add(rr_max);
  f.Add(before);
  f.Add(after);
  f.Add(reach);
  f.Add(alpha_pct);
  f.Add(quartiles);
  f.Add(quartiles_min);
  f.Add(quartiles_reach);
  f.Add(floor);
  f.Add(floor_pct);
  f.Add(ceiling);
  f.Add(adjacency);
  f.Add(bridged);
  f.Add(bridge);
  f.Add(hr_window);
  f.Add(hr_min);
  f.Add(hrv_window);
  f.Add(rmssd_min);
  f.Add(artefact_min);
  f.Add(refuse);
  f.Add(doubtful);
  f.Add(lag_window);
  f.Add(max_lag);
  f.Add(lag_share);
  f.Add(jitter);
  f.Add(lag_timing);
  f.Add(moment);
  f.Add(window);
  f.Add(window_share);
  f.Add(span);
  f.Add(span_min);
  f.Add(span_share);
  f.Add(shift_min);
  f.Add(shifts_min);
  f.Add(shift_share);
  f.Add(alpha_level);
  f.Add(persistence);
  f.Add(break_us);
  f.Add(order_window);
  f.Add(filter);
  f.Add(centre);
  f.Add(phase_share);
  f.Add(contributor);
  f.Add(draws);
  f.Add(apart);
  f.Add(seed);
  f.Add(max_people);
  return f.hash();
}

}  // namespace attune::synchrony
