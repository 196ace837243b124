#include "services/synchrony/pair/stretch_measures.h"

#include <algorithm>
#include <cmath>

#include "services/synchrony/pair/pair_work.h"
#include "services/synchrony/signal/channel.h"

namespace attune::synchrony {
namespace {

// What a measure needs to know about the times of the beats.
enum class Need : uint8_t {
  kNone,            // no measure of a pair
  kJitter,          // of each, to tell what goes with what
  kOrder,           // who is first
  kOrderOfSlow,     // the same within a tenth of a slow wave
  kOrderOfBreaths,  // of a breath
  kPacer,           // jitter, and a pacer
};

Need NeedOf(Measure measure) {
  switch (measure) {
    case Measure::kRMeanWindowed:
    case Measure::kRZeroLag:
    case Measure::kRPeak:
    case Measure::kPlvLf:
    case Measure::kWccPeakR:
    case Measure::kWccPeakLagSdMs:
    case Measure::kConcordanceIndex:
    case Measure::kPlvRsa:
    case Measure::kCoherenceLf:
    case Measure::kCoherenceRsa:
    case Measure::kWaveletCoherenceLf:
    case Measure::kWaveletCoherenceRsa:
    case Measure::kSusyEs:
    case Measure::kSusyEsSigned:
    case Measure::kCrqaRecPct:
    case Measure::kCrqaDetPct:
    case Measure::kCrqaLineMean:
    case Measure::kCrqaLineMax:
    case Measure::kCrqaEntropy:
      return Need::kJitter;
    case Measure::kPlvPacer:
      return Need::kPacer;
    case Measure::kLagMs:
    case Measure::kWccPeakLagMs:
    case Measure::kLagSpanMs:
    case Measure::kSusyLeadA:
    case Measure::kSusyLeadB:
    case Measure::kCrqaLagMs:
    case Measure::kGrangerAToB:
    case Measure::kGrangerBToA:
    case Measure::kTransferEntropyAToB:
    case Measure::kTransferEntropyBToA:
      return Need::kOrder;
    case Measure::kPhaseDifferenceLfDeg:
    case Measure::kInPhaseShareLf:
    case Measure::kAntiPhaseShareLf:
      return Need::kOrderOfSlow;
    case Measure::kPhaseDifferenceRsaDeg:
    case Measure::kInPhaseShareRsa:
    case Measure::kAntiPhaseShareRsa:
      return Need::kOrderOfBreaths;
    default:
      return Need::kNone;
  }
}

bool TimingKnown(Need need, const Timing& a, const Timing& b, const Params& params) {
  if (std::max(a.jitter_us, b.jitter_us) > params.jitter_limit_us) return false;
  int64_t limit_us = params.lag_timing_limit_us;
  switch (need) {
    case Need::kOrder:
      break;
    case Need::kOrderOfSlow:
      limit_us =
          std::min(limit_us, static_cast<int64_t>(LowFrequencyBand(params).period_us() / 10));
      break;
    case Need::kOrderOfBreaths:
      limit_us = std::min(limit_us, static_cast<int64_t>(kBreathingBand.period_us() / 10));
      break;
    default:
      return true;
  }
  return int64_t{a.jitter_us} + b.jitter_us + a.offset_bound_us + b.offset_bound_us <= limit_us;
}

bool IsPairedAnew(Measure measure) {
  return measure == Measure::kSusyEs || measure == Measure::kSusyEsSigned;
}

}  // namespace

bool PairHasChance(Measure measure) {
  switch (measure) {
    case Measure::kRMeanWindowed:
    case Measure::kPlvLf:
    case Measure::kConcordanceIndex:
    case Measure::kPlvRsa:
    case Measure::kPlvPacer:
    case Measure::kCoherenceLf:
    case Measure::kCoherenceRsa:
    case Measure::kSusyEs:
    case Measure::kSusyEsSigned:
    case Measure::kGrangerAToB:
    case Measure::kGrangerBToA:
    case Measure::kTransferEntropyAToB:
    case Measure::kTransferEntropyBToA:
      return true;
    default:
      return false;
  }
}

class PairAnalysis::Work {
 public:
  Work(const Stretch& a, const Stretch& b, double pacer_hz, bool common_cause, const Params& params,
       int chance_shifts)
      : a_(a),
        b_(b),
        pacer_hz_(pacer_hz),
        common_cause_(common_cause),
        params_(params),
        chance_shifts_(chance_shifts),
        work_(a.grid_ms, b.grid_ms, pacer_hz, params) {
    basis_.window_us = a.to_us - a.from_us;
    basis_.doubtful =
        std::max(a.ArtefactShare(), b.ArtefactShare()) > params.artefact_doubtful_share;
    const size_t samples = std::min(a.grid_ms.size(), b.grid_ms.size());
    size_t both = 0;
    for (size_t i = 0; i < samples; ++i) {
      both += std::isnan(a.grid_ms[i]) || std::isnan(b.grid_ms[i]) ? 0 : 1;
    }
    basis_.coverage = samples > 0 ? static_cast<double>(both) / static_cast<double>(samples) : 0;
  }

  Number Of(Measure measure) {
    Number number = basis_;
    const Need need = NeedOf(measure);
    if (need == Need::kNone || std::min(a_.beats, b_.beats) < params_.artefact_min_beats) {
      return WithoutValue(measure, Absence::kNotEnoughData);
    }
    if (std::max(a_.ArtefactShare(), b_.ArtefactShare()) > params_.artefact_refuse_share) {
      return WithoutValue(measure, Absence::kArtefacts);
    }
    if (!TimingKnown(need, a_.timing, b_.timing, params_)) {
      return WithoutValue(measure, Absence::kTimingTooUncertain);
    }
    if (need == Need::kPacer && !IsPacerHz(pacer_hz_)) {
      return WithoutValue(measure, Absence::kNotEnoughData);
    }
    const std::optional<PairWork::Value> value = work_.ValueOf(measure);
    if (!value) return WithoutValue(measure, Absence::kNotEnoughData);
    number.absent = Absence::kNone;
    number.value = value->value;
    number.uncertainty = value->uncertainty;
    if (measure == Measure::kLagSpanMs) number.uncertainty = WithTiming(number.uncertainty);
    if (!WantsChance(measure)) return number;
    if (common_cause_) {
      number.chance_absent = Absence::kCommonCause;
    } else if (work_.ChanceOf(measure, chance_shifts_, &number.chance)) {
      number.has_chance = true;
    } else {
      number.chance_absent = Absence::kNotEnoughData;
    }
    return number;
  }

 private:
  bool WantsChance(Measure measure) const {
    return PairHasChance(measure) && (chance_shifts_ > 0 || IsPairedAnew(measure));
  }

  // Of a lag in ms: what is not known of the beat times as well; the bounds count as the half
  // widths of even distributions.
  double WithTiming(double noise_ms) const {
    double squares = 0;
    for (const int32_t bound_us : {a_.timing.jitter_us, b_.timing.jitter_us,
                                   a_.timing.offset_bound_us, b_.timing.offset_bound_us}) {
      squares += (bound_us * 1e-3) * (bound_us * 1e-3);
    }
    return std::sqrt(noise_ms * noise_ms + squares / 3);
  }

  Number WithoutValue(Measure measure, Absence why) const {
    Number number = basis_;
    number.absent = why;
    if (WantsChance(measure)) number.chance_absent = common_cause_ ? Absence::kCommonCause : why;
    return number;
  }

  const Stretch& a_;
  const Stretch& b_;
  const double pacer_hz_;
  const bool common_cause_;
  const Params params_;
  const int chance_shifts_;
  Number basis_;
  PairWork work_;
};

PairAnalysis::PairAnalysis(const Stretch& a, const Stretch& b, double pacer_hz, bool common_cause,
                           const Params& params, int chance_shifts)
    : work_(std::make_unique<Work>(a, b, pacer_hz, common_cause, params, chance_shifts)) {}
PairAnalysis::~PairAnalysis() = default;

Number PairAnalysis::Of(Measure measure) { return work_->Of(measure); }

std::vector<Number> MeasurePairs(std::span<const Measure> measures, const Stretch& a,
                                 const Stretch& b, double pacer_hz, bool common_cause,
                                 const Params& params, int chance_shifts) {
  PairAnalysis analysis(a, b, pacer_hz, common_cause, params, chance_shifts);
  std::vector<Number> numbers;
  for (Measure measure : measures) numbers.push_back(analysis.Of(measure));
  return numbers;
}

Number MeasurePair(Measure measure, const Stretch& a, const Stretch& b, double pacer_hz,
                   bool common_cause, const Params& params) {
  return PairAnalysis(a, b, pacer_hz, common_cause, params).Of(measure);
}

}  // namespace attune::synchrony
