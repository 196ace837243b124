#include "services/synchrony/person/person_measures.h"

#include <cmath>
#include <cstddef>
#include <optional>
#include <vector>

#include "services/synchrony/dsp/clean_run.h"
#include "services/synchrony/dsp/math.h"
#include "services/synchrony/person/band_power.h"
#include "services/synchrony/person/breathing.h"
#include "services/synchrony/person/coherence_ratio.h"
#include "services/synchrony/person/half_seconds.h"
#include "services/synchrony/person/rsa.h"
#include "services/synchrony/person/time_domain.h"
#include "services/synchrony/signal/lipponen.h"
#include "services/synchrony/signal/percent_rules.h"

namespace attune::synchrony {
namespace {

using Value = std::optional<double>;  // none: not enough data

constexpr size_t kMinIntervals = 20;
constexpr double kMinHfSeconds = 60;
constexpr double kMinLfSeconds = 120;

enum class Kind { kNone, kIntervals, kCorrected, kWaves, kRules };

Kind KindOf(Measure measure) {
  switch (measure) {
    case Measure::kMeanNnMs:
    case Measure::kSdnnMs:
    case Measure::kLnRmssd:
    case Measure::kSdsdMs:
    case Measure::kPnn50Pct:
    case Measure::kPnn20Pct:
    case Measure::kSd1Ms:
    case Measure::kSd2Ms:
      return Kind::kIntervals;
    case Measure::kCorrectedShare:
      return Kind::kCorrected;
    case Measure::kRsaBandMs:
    case Measure::kRsaPorgesBohrer:
    case Measure::kRsaPeakToTroughMs:
    case Measure::kBreathingPerMin:
    case Measure::kBreathingPeakShare:
    case Measure::kCoherenceRatio:
    case Measure::kWelchLfMs2:
    case Measure::kWelchHfMs2:
    case Measure::kWelchLfNu:
    case Measure::kLombLfMs2:
    case Measure::kLombHfMs2:
      return Kind::kWaves;
    case Measure::kMalikShare:
    case Measure::kKamathShare:
    case Measure::kKarlssonShare:
    case Measure::kAcarShare:
    case Measure::kLipponenShare:
      return Kind::kRules;
    default:
      return Kind::kNone;
  }
}

Value OfIntervals(Measure measure, const Stretch& stretch, const Params& params) {
  const Intervals intervals = IntervalsOf(stretch);
  const bool needs_intervals =
      measure == Measure::kMeanNnMs || measure == Measure::kSdnnMs || measure == Measure::kSd2Ms;
  const bool needs_differences = measure != Measure::kMeanNnMs && measure != Measure::kSdnnMs;
  if (needs_intervals && intervals.nn_ms.size() < kMinIntervals) return std::nullopt;
  if (needs_differences &&
      intervals.differences_ms.size() < static_cast<size_t>(params.rmssd_min_differences)) {
    return std::nullopt;
  }
  const IntervalStatistics s = StatisticsOf(intervals.nn_ms, intervals.differences_ms);
  switch (measure) {
    case Measure::kMeanNnMs:
      return s.mean_nn_ms;
    case Measure::kSdnnMs:
      return s.sdnn_ms;
    case Measure::kLnRmssd:
      return s.rmssd_ms > 0 ? Value(dsp::Log(s.rmssd_ms)) : std::nullopt;
    case Measure::kSdsdMs:
      return s.sdsd_ms;
    case Measure::kPnn50Pct:
      return s.pnn50_pct;
    case Measure::kPnn20Pct:
      return s.pnn20_pct;
    case Measure::kSd1Ms:
      return s.sd1_ms;
    default:
      return s.sd2_ms;
  }
}

Value CorrectedShare(const Stretch& stretch) {
  if (stretch.nn.empty()) return std::nullopt;
  int corrected = 0;
  for (const NnInterval& nn : stretch.nn) corrected += nn.corrected ? 1 : 0;
  return corrected / static_cast<double>(stretch.nn.size());
}

// Of the raw intervals, one pass of each rule.
Value RuleShare(Measure measure, const Stretch& stretch) {
  const std::vector<double>& rr = stretch.raw_rr_ms;
  if (rr.empty()) return std::nullopt;
  const double n = static_cast<double>(rr.size());
  const auto share = [&](PercentRule rule) {
    return static_cast<double>(RemovedRows(rr, rule).size()) / n;
  };
  switch (measure) {
    case Measure::kMalikShare:
      return share(PercentRule::kMalik);
    case Measure::kKamathShare:
      return share(PercentRule::kKamath);
    case Measure::kKarlssonShare:
      return share(PercentRule::kKarlsson);
    case Measure::kAcarShare:
      return share(PercentRule::kAcar);
    default:
      return static_cast<double>(FindLipponen(BeatsUsOf(rr)).count()) / n;
  }
}

Value Breathing(Measure measure, const Stretch& stretch, double pacer_hz) {
  const auto peak = FindBreathing(BreathingSpectrum(stretch.grid_ms), BreathingBandOf(pacer_hz));
  if (!peak.has_value()) return std::nullopt;
  if (measure == Measure::kBreathingPeakShare) return peak->share;
  if (!peak->highest || peak->share < kMinBreathingShare) return std::nullopt;
  return 60 * peak->hz;
}

Value BandPower(Measure measure, const Stretch& stretch) {
  const bool lomb = measure == Measure::kLombLfMs2 || measure == Measure::kLombHfMs2;
  const bool hf = measure == Measure::kWelchHfMs2 || measure == Measure::kLombHfMs2;
  const auto powers = lomb ? LombPowers(stretch) : WelchPowers(stretch);
  if (!powers.has_value() || powers->clean_s < (hf ? kMinHfSeconds : kMinLfSeconds)) {
    return std::nullopt;
  }
  if (measure != Measure::kWelchLfNu) return hf ? powers->hf_ms2 : powers->lf_ms2;
  const double both = powers->lf_ms2 + powers->hf_ms2;
  return both > 0 ? Value(powers->lf_ms2 / both) : std::nullopt;
}

Value OfWaves(Measure measure, const Stretch& stretch, double pacer_hz, const Params& params) {
  switch (measure) {
    case Measure::kRsaBandMs:
      return RsaAmplitude(SplineGrid(stretch), pacer_hz, params);
    case Measure::kRsaPorgesBohrer:
      return PorgesBohrer(HalfSeconds(stretch.grid_ms));
    case Measure::kRsaPeakToTroughMs:
      return PeakToTrough(stretch.grid_ms, pacer_hz);
    case Measure::kBreathingPerMin:
    case Measure::kBreathingPeakShare:
      return Breathing(measure, stretch, pacer_hz);
    case Measure::kCoherenceRatio:
      return CoherenceOfGrid(HalfSeconds(stretch.grid_ms));
    default:
      return BandPower(measure, stretch);
  }
}

Value Compute(Kind kind, Measure measure, const Stretch& stretch, double pacer_hz,
              const Params& params) {
  switch (kind) {
    case Kind::kIntervals:
      return OfIntervals(measure, stretch, params);
    case Kind::kCorrected:
      return CorrectedShare(stretch);
    case Kind::kWaves:
      return OfWaves(measure, stretch, pacer_hz, params);
    case Kind::kRules:
      return RuleShare(measure, stretch);
    default:
      return std::nullopt;
  }
}

}  // namespace

bool IsPersonMeasure(Measure measure) { return KindOf(measure) != Kind::kNone; }

Number MeasurePerson(Measure measure, const Stretch& stretch, double pacer_hz,
                     const Params& params) {
  Number number;
  number.window_us = stretch.to_us - stretch.from_us;
  number.coverage = dsp::CleanShare(stretch.grid_ms);
  number.doubtful = stretch.ArtefactShare() > params.artefact_doubtful_share;
  const Kind kind = KindOf(measure);
  if (kind == Kind::kNone || stretch.beats < params.artefact_min_beats) return number;
  const bool judges_beats = kind == Kind::kCorrected || kind == Kind::kRules;
  if (!judges_beats && stretch.ArtefactShare() > params.artefact_refuse_share) {
    number.absent = Absence::kArtefacts;
    return number;
  }
  if (kind == Kind::kWaves && stretch.timing.jitter_us > params.jitter_limit_us) {
    number.absent = Absence::kTimingTooUncertain;
    return number;
  }
  const Value value = Compute(kind, measure, stretch, pacer_hz, params);
  if (value.has_value() && std::isfinite(*value)) {
    number.absent = Absence::kNone;
    number.value = *value;
  }
  return number;
}

}  // namespace attune::synchrony
