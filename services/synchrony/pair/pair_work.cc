#include "services/synchrony/pair/pair_work.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

#include "services/synchrony/chance/null.h"
#include "services/synchrony/chance/segment_shuffle.h"
#include "services/synchrony/chance/shift_test.h"
#include "services/synchrony/dsp/clean_run.h"
#include "services/synchrony/dsp/math.h"
#include "services/synchrony/pair/directed.h"
#include "services/synchrony/pair/transfer_entropy.h"

namespace attune::synchrony {
namespace {

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();
constexpr double kRateHz = kSamplesPerSecond;
constexpr double kMsPerSample = static_cast<double>(kSampleUs) / 1000;
constexpr double kDegrees = 180 / dsp::kPi;

constexpr double kLfLowHz = 0.04, kLfHighHz = 0.15;
constexpr double kRsaLowHz = 0.12, kRsaHighHz = 0.40;
constexpr int kMaxLag = 20;  // samples, everywhere

constexpr size_t kPeaksMin = 10;
constexpr double kHalf = 0.5;  // the least share of windows, moments and the like that could be
constexpr int kCoherenceSegmentsMin = 8;
// Coherence changes slowly with the shift, so the shifts of a short recording are too few to know
// its chance level by: of 5 min, 0.08 of the strangers have p <= 0.05.
constexpr int kCoherenceSegmentsForChance = 30;
constexpr int kSusySegmentsMin = 5;
constexpr size_t kDirectedMin = 120;  // seconds
constexpr int kGrangerMostOrder = 5;
constexpr uint64_t kPairingSeed = 0x5eed0fa77e5e1ea1;

bool AtLeastHalf(size_t there, size_t possible) {
  return possible > 0 && static_cast<double>(there) >= kHalf * static_cast<double>(possible);
}

size_t CountThere(const std::vector<double>& a, const std::vector<double>& b) {
  size_t count = 0;
  for (size_t i = 0; i < a.size(); ++i) count += std::isnan(a[i]) || std::isnan(b[i]) ? 0 : 1;
  return count;
}

std::optional<PairWork::Value> If(bool there, double value, double uncertainty = 0) {
  if (!there || !std::isfinite(value)) return std::nullopt;
  return PairWork::Value{value, std::isfinite(uncertainty) ? uncertainty : 0};
}

}  // namespace

PairWork::PairWork(std::span<const double> a, std::span<const double> b, double pacer_hz,
                   const Params& params)
    : a_(a.first(std::min(a.size(), b.size()))),
      b_(b.first(std::min(a.size(), b.size()))),
      pacer_hz_(pacer_hz),
      params_(params) {}

const PairWork::Rows& PairWork::TheRows() {
  if (!rows_) {
    const size_t window = static_cast<size_t>(params_.window_seconds * kSamplesPerSecond);
    const double share = params_.window_min_valid_share;
    rows_ = Rows{WindowRows(a_, window, kSamplesPerSecond, share),
                 WindowRows(b_, window, kSamplesPerSecond, share)};
  }
  return *rows_;
}

const PeakSummary& PairWork::Peaks() {
  if (!peaks_) {
    const LaggedMatrix matrix = WindowedLaggedCorrelation(a_, b_, {.max_lag = kMaxLag});
    peak_rows_ = matrix.rows;
    peaks_ = SummarisePeaks(matrix, PeakPicker(kMaxLag));
  }
  return *peaks_;
}

const LagEstimate& PairWork::Lag() {
  if (!lag_) {
    const int window = static_cast<int>(a_.size()) - kMaxLag;
    lag_ = window < 2 * kMaxLag ? LagEstimate{}
                                : EstimateLag(a_, b_, {.window = window, .max_lag = kMaxLag});
  }
  return *lag_;
}

const PairWork::SlopePair& PairWork::TheSlopes() {
  if (!slopes_) {
    const ConcordanceShape shape;
    slopes_ = SlopePair{Slopes(a_, shape), Slopes(b_, shape), 0};
    slopes_->possible = std::max(0, static_cast<int>(slopes_->a.size()) - shape.r_window + 1);
  }
  return *slopes_;
}

const PairWork::Phases& PairWork::ThePhases(PairBand which) {
  std::optional<Phases>& phases = phases_[static_cast<size_t>(which)];
  if (!phases) {
    phases.emplace();
    const PhaseBand band = which == PairBand::kLowFrequency ? LowFrequencyBand(params_)
                           : which == PairBand::kBreathing  ? kBreathingBand
                                                            : PacerBand(pacer_hz_);
    phases->a = BandPhases(a_, band, kRateHz, params_.phase_min_valid_share);
    phases->b = BandPhases(b_, band, kRateHz, params_.phase_min_valid_share);
    phases->sync = ComparePhases(phases->a, phases->b);
    const size_t lost = PhaseFilterReach(band, kRateHz) * 2;
    phases->possible = a_.size() > lost ? a_.size() - lost : 0;
  }
  return *phases;
}

const Coherence& PairWork::TheCoherence() {
  if (!coherence_) coherence_ = CoherenceOf(a_, b_, {});
  return *coherence_;
}

const WaveletCoherence& PairWork::TheWavelets() {
  if (!wavelets_) wavelets_ = WaveletCoherenceOf(a_, b_, {});
  return *wavelets_;
}

const Susy& PairWork::TheSusy() {
  if (!susy_) susy_ = SurrogateSynchrony(a_, b_, {});
  return *susy_;
}

const Crqa& PairWork::TheCrqa() {
  if (!crqa_) crqa_ = CrossRecurrence(a_, b_, {.max_lag = kMaxLag});
  return *crqa_;
}

const PairWork::Directed& PairWork::TheDirected() {
  if (!directed_) {
    directed_.emplace();
    directed_->a = DifferencedMeans(a_, kSamplesPerSecond);
    directed_->b = DifferencedMeans(b_, kSamplesPerSecond);
    directed_->sa = Terciles(directed_->a);
    directed_->sb = Terciles(directed_->b);
    if (CountThere(directed_->a, directed_->b) >= kDirectedMin) {
      directed_->order = GrangerOrder(directed_->a, directed_->b, kGrangerMostOrder);
    }
  }
  return *directed_;
}

// An interval stands at its end, yet tells of the time from its beginning on, so a heart with long
// intervals seems later than it is: by half of an interval, as hearts are modelled (integral pulse
// frequency modulation; Mateo & Laguna 2000). What the two differ by in this is taken out.
std::optional<PairWork::Value> PairWork::OfWhitenedLag() const {
  const WhitenedLag lag = EstimateWhitenedLag(a_, b_, {.max_lag_s = kMaxLag / kRateHz});
  if (!lag.found) return std::nullopt;
  double longer_ms = 0;  // a's intervals than b's
  size_t count = 0;
  for (size_t i = 0; i < a_.size(); ++i) {
    if (std::isnan(a_[i]) || std::isnan(b_[i])) continue;
    longer_ms += a_[i] - b_[i];
    ++count;
  }
  longer_ms /= static_cast<double>(count);
  return Value{1000 * lag.lag_s + longer_ms / 2, 1000 * lag.se_s};
}

std::optional<PairWork::Value> PairWork::OfPeaks(Measure measure) {
  const PeakSummary& peaks = Peaks();
  const bool there = AtLeastHalf(peaks.rows, peak_rows_) && peaks.peaks >= kPeaksMin;
  // Windows that share no samples are worth one peak each.
  const WccShape shape;
  const double independent =
      std::max(1.0, static_cast<double>(peaks.peaks) * shape.hop / shape.window);
  switch (measure) {
    case Measure::kWccPeakR:
      return If(there, peaks.mean_r, peaks.sd_r / std::sqrt(independent));
    case Measure::kWccPeakLagMs:
      return If(there, peaks.mean_lag * kMsPerSample,
                peaks.sd_lag / std::sqrt(independent) * kMsPerSample);
    default:
      return If(there, peaks.sd_lag * kMsPerSample);
  }
}

std::optional<PairWork::Value> PairWork::OfPhases(PairBand band, Measure measure) {
  const Phases& phases = ThePhases(band);
  const PhaseSync& sync = phases.sync;
  const bool there = AtLeastHalf(sync.samples, phases.possible);
  switch (measure) {
    case Measure::kPhaseDifferenceLfDeg:
    case Measure::kPhaseDifferenceRsaDeg:
      return If(there, sync.difference_rad * kDegrees);
    case Measure::kInPhaseShareLf:
    case Measure::kInPhaseShareRsa:
      return If(there, sync.in_phase);
    case Measure::kAntiPhaseShareLf:
    case Measure::kAntiPhaseShareRsa:
      return If(there, sync.anti_phase);
    default:
      return If(there, sync.plv);
  }
}

std::optional<PairWork::Value> PairWork::OfSusy(Measure measure) {
  const Susy& susy = TheSusy();
  const bool there = susy.segments >= kSusySegmentsMin;
  switch (measure) {
    case Measure::kSusyEs:
      return If(there, susy.absolute.effect());
    case Measure::kSusyEsSigned:
      return If(there, susy.with_sign.effect());
    case Measure::kSusyLeadA:
      return If(there, susy.lead_a);
    default:
      return If(there, susy.lead_b);
  }
}

std::optional<PairWork::Value> PairWork::OfCrqa(Measure measure) {
  const double least = dsp::kMinRunShare;
  if (dsp::CleanShare(a_) < least || dsp::CleanShare(b_) < least) return std::nullopt;
  const Crqa& crqa = TheCrqa();
  const bool there = crqa.states > kMaxLag, lines = there && crqa.lines > 0;
  switch (measure) {
    case Measure::kCrqaRecPct:
      return If(there, crqa.rec_pct);
    case Measure::kCrqaDetPct:
      return If(there && crqa.recurrent > 0, crqa.det_pct);
    case Measure::kCrqaLineMean:
      return If(lines, crqa.line_mean);
    case Measure::kCrqaLineMax:
      return If(lines, crqa.line_max);
    case Measure::kCrqaEntropy:
      return If(lines, crqa.entropy);
    default:
      return If(there && crqa.recurrent > 0, crqa.lag * kMsPerSample);
  }
}

double PairWork::MeanR(int shift) {
  const Rows& rows = TheRows();
  const attune::synchrony::MeanR mean =
      MeanWindowedR(rows.a, rows.b, static_cast<size_t>(shift / kSamplesPerSecond));
  const double share = shift == 0 ? params_.span_min_window_share : params_.shift_min_window_share;
  const double least = share * static_cast<double>(rows.a.count());
  return mean.windows > 0 && static_cast<double>(mean.windows) >= least ? mean.value : kNaN;
}

double PairWork::ConcordanceAt(int shift) {
  const SlopePair& slopes = TheSlopes();
  const ConcordanceShape shape;
  const Concordance concordance =
      shift == 0
          ? ConcordanceOfSlopes(slopes.a, slopes.b, shape)
          : ConcordanceOfSlopes(slopes.a, Shifted(slopes.b, shift / kSamplesPerSecond), shape);
  const bool there =
      AtLeastHalf(static_cast<size_t>(concordance.windows), static_cast<size_t>(slopes.possible));
  return there ? concordance.index : kNaN;
}

double PairWork::Plv(PairBand band, int shift) {
  const Phases& phases = ThePhases(band);
  return ShiftedPlv(phases.a, phases.b, shift, phases.possible / 3);
}

double PairWork::CoherenceAt(bool low_frequency, int shift) {
  const auto value = [&](const Coherence& coherence) {
    return low_frequency ? coherence.BandMean(kLfLowHz, kLfHighHz)
                         : coherence.BandMean(kRsaLowHz, kRsaHighHz);
  };
  const Coherence& whole = TheCoherence();
  if (whole.segments < kCoherenceSegmentsMin) return kNaN;
  if (shift == 0) return value(whole);
  if (whole.segments < kCoherenceSegmentsForChance) return kNaN;
  const auto [at, is_new] = shifted_coherence_.try_emplace(shift);
  if (is_new) at->second = CoherenceOf(a_, Shifted(b_, shift), {});
  return at->second.segments >= kCoherenceSegmentsMin ? value(at->second) : kNaN;
}

double PairWork::GrangerAt(bool a_to_b, int shift) {
  const Directed& directed = TheDirected();
  const auto [at, is_new] = granger_.try_emplace(shift);
  if (is_new) {
    at->second = shift == 0
                     ? GrangerCausality(directed.a, directed.b, directed.order)
                     : GrangerCausality(directed.a, Shifted(directed.b, shift / kSamplesPerSecond),
                                        directed.order);
  }
  if (at->second.order == 0) return kNaN;
  return a_to_b ? at->second.a_to_b : at->second.b_to_a;
}

double PairWork::TransferAt(bool a_to_b, int shift) {
  const Directed& directed = TheDirected();
  std::vector<int8_t> b = directed.sb;
  std::rotate(b.begin(), b.end() - shift / kSamplesPerSecond, b.end());
  int moments = 0;
  const double value = a_to_b ? TransferEntropy(directed.sa, b, &moments)
                              : TransferEntropy(b, directed.sa, &moments);
  return moments >= static_cast<int>(kDirectedMin) - 1 ? value : kNaN;
}

std::function<double(int)> PairWork::Shiftable(Measure measure) {
  switch (measure) {
    case Measure::kRMeanWindowed:
      return [this](int shift) { return MeanR(shift); };
    case Measure::kConcordanceIndex:
      return [this](int shift) { return ConcordanceAt(shift); };
    case Measure::kPlvLf:
      return [this](int shift) { return Plv(PairBand::kLowFrequency, shift); };
    case Measure::kPlvRsa:
      return [this](int shift) { return Plv(PairBand::kBreathing, shift); };
    case Measure::kPlvPacer:
      return [this](int shift) { return Plv(PairBand::kPacer, shift); };
    case Measure::kCoherenceLf:
      return [this](int shift) { return CoherenceAt(true, shift); };
    case Measure::kCoherenceRsa:
      return [this](int shift) { return CoherenceAt(false, shift); };
    case Measure::kGrangerAToB:
    case Measure::kGrangerBToA:
      return
          [this, measure](int shift) { return GrangerAt(measure == Measure::kGrangerAToB, shift); };
    case Measure::kTransferEntropyAToB:
    case Measure::kTransferEntropyBToA:
      return [this, measure](int shift) {
        return TransferAt(measure == Measure::kTransferEntropyAToB, shift);
      };
    default:
      return nullptr;
  }
}

std::optional<PairWork::Value> PairWork::ValueOf(Measure measure) {
  switch (measure) {
    case Measure::kRZeroLag: {
      const LaggedMatrix whole =
          WindowedLaggedCorrelation(a_, b_, {.window = static_cast<int>(a_.size()), .max_lag = 0});
      return If(whole.rows > 0, whole.rows > 0 ? whole.r[0] : kNaN);
    }
    case Measure::kRPeak:
      return If(Lag().found, Lag().r);
    case Measure::kLagMs:
      return If(Lag().found, Lag().lag_ms, Lag().se_ms);
    case Measure::kWccPeakR:
    case Measure::kWccPeakLagMs:
    case Measure::kWccPeakLagSdMs:
      return OfPeaks(measure);
    case Measure::kLagSpanMs:
      return OfWhitenedLag();
    case Measure::kPlvLf:
    case Measure::kPhaseDifferenceLfDeg:
    case Measure::kInPhaseShareLf:
    case Measure::kAntiPhaseShareLf:
      return OfPhases(PairBand::kLowFrequency, measure);
    case Measure::kPlvRsa:
    case Measure::kPhaseDifferenceRsaDeg:
    case Measure::kInPhaseShareRsa:
    case Measure::kAntiPhaseShareRsa:
      return OfPhases(PairBand::kBreathing, measure);
    case Measure::kPlvPacer:
      return OfPhases(PairBand::kPacer, measure);
    case Measure::kWaveletCoherenceLf:
      return If(true, TheWavelets().BandMean(kLfLowHz, kLfHighHz));
    case Measure::kWaveletCoherenceRsa:
      return If(true, TheWavelets().BandMean(kRsaLowHz, kRsaHighHz));
    case Measure::kSusyEs:
    case Measure::kSusyEsSigned:
    case Measure::kSusyLeadA:
    case Measure::kSusyLeadB:
      return OfSusy(measure);
    case Measure::kCrqaRecPct:
    case Measure::kCrqaDetPct:
    case Measure::kCrqaLineMean:
    case Measure::kCrqaLineMax:
    case Measure::kCrqaEntropy:
    case Measure::kCrqaLagMs:
      return OfCrqa(measure);
    default: {
      const auto statistic = Shiftable(measure);
      return If(statistic != nullptr, statistic ? statistic(0) : kNaN);
    }
  }
}

bool PairWork::ChanceOf(Measure measure, int shifts, Chance* chance) {
  if (measure == Measure::kSusyEs || measure == Measure::kSusyEsSigned) {
    const Susy& susy = TheSusy();
    const bool absolute = measure == Measure::kSusyEs;
    const SusySide& side = absolute ? susy.absolute : susy.with_sign;
    PairingNull null = PairingTest(absolute ? susy.absolute_of : susy.with_sign_of,
                                   static_cast<size_t>(susy.segments), 999, kPairingSeed);
    if (static_cast<int>(null.null_values.size()) < params_.shifts_min) return false;
    // As effect sizes, so that the band is in the unit of the value.
    for (double& z : null.null_values) z = side.Effect(z);
    *chance = ChanceFrom(side.Effect(null.observed), null.null_values);
    return true;
  }
  const auto statistic = Shiftable(measure);
  if (!statistic || shifts <= 0) return false;
  const double observed = statistic(0);
  // What is compared once a second is shifted by whole seconds, and has fewer of them than the
  // grid.
  int length = static_cast<int>(a_.size());
  if (measure == Measure::kRMeanWindowed) {
    length = static_cast<int>(TheRows().a.count()) * kSamplesPerSecond;
  } else if (measure == Measure::kConcordanceIndex) {
    length = static_cast<int>(TheSlopes().a.size()) * kSamplesPerSecond;
  } else if (measure == Measure::kGrangerAToB || measure == Measure::kGrangerBToA ||
             measure == Measure::kTransferEntropyAToB || measure == Measure::kTransferEntropyBToA) {
    length = static_cast<int>(TheDirected().a.size()) * kSamplesPerSecond;
  }
  return !std::isnan(observed) &&
         ShiftTest(observed,
                   FixedShifts(length, params_.shift_min_seconds * kSamplesPerSecond, shifts,
                               kSamplesPerSecond),
                   params_.shifts_min, statistic, chance);
}

}  // namespace attune::synchrony
