// The catalogue: every measure that Attune knows, with its name, its unit, where it is defined and
// how it can be had. One list for live sessions, reports and `attunectl analyze`.
#ifndef ATTUNE_SERVICES_SYNCHRONY_MEASURE_H_
#define ATTUNE_SERVICES_SYNCHRONY_MEASURE_H_

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

namespace attune::synchrony {

enum class Subject : uint8_t { kPerson, kPair, kGroup };

enum class Availability : uint8_t {
  kCore,       // in every frame
  kOnRequest,  // in frames of sessions that ask for it, at its own cadence
  kBatch,      // only over recordings
};

// Order and numbers are part of the contract (attune.v1.Measure has the same): append only.
enum class Measure : uint16_t {
  // Person, core.
  kHrBpm = 1,
  kRmssdMs = 2,
  kArtefactShare = 3,
  // Person, time domain (60 s).
  kMeanNnMs = 10,
  kSdnnMs = 11,
  kLnRmssd = 12,
  kSdsdMs = 13,
  kPnn50Pct = 14,
  kPnn20Pct = 15,
  kSd1Ms = 16,
  kSd2Ms = 17,
  kCorrectedShare = 18,
  // Person, breathing and spectra.
  kRsaBandMs = 20,
  kRsaPorgesBohrer = 21,
  kRsaPeakToTroughMs = 22,
  kBreathingPerMin = 23,
  kBreathingPeakShare = 24,
  kCoherenceRatio = 25,
  kWelchLfMs2 = 26,
  kWelchHfMs2 = 27,
  kWelchLfNu = 28,
  kLombLfMs2 = 29,
  kLombHfMs2 = 30,
  // Person, the percentage rules over the raw beats (batch).
  kMalikShare = 40,
  kKamathShare = 41,
  kKarlssonShare = 42,
  kAcarShare = 43,
  kLipponenShare = 44,
  // Person, within the group.
  kLeaveOneOutR = 50,
  kClusterPhaseRhoOwn = 51,
  kDriverScore = 52,
  kEmpathScore = 53,

  // Pair, core.
  kRMeanWindowed = 100,
  kRZeroLag = 101,
  kRPeak = 102,
  kLagMs = 103,
  kPlvLf = 104,
  // Pair, windowed cross-correlation with peak picking.
  kWccPeakR = 110,
  kWccPeakLagMs = 111,
  kWccPeakLagSdMs = 112,
  // Pair, all frequencies alike.
  kLagSpanMs = 113,
  // Pair, slopes, phases, spectra.
  kConcordanceIndex = 120,
  kPlvRsa = 121,
  kPlvPacer = 122,
  kPhaseDifferenceLfDeg = 123,
  kPhaseDifferenceRsaDeg = 124,
  kInPhaseShareLf = 125,
  kAntiPhaseShareLf = 126,
  kInPhaseShareRsa = 127,
  kAntiPhaseShareRsa = 128,
  kCoherenceLf = 129,
  kCoherenceRsa = 130,
  kWaveletCoherenceLf = 131,
  kWaveletCoherenceRsa = 132,
  // Pair, surrogate synchrony.
  kSusyEs = 140,
  kSusyEsSigned = 141,
  kSusyLeadA = 142,
  kSusyLeadB = 143,
  // Pair, cross-recurrence.
  kCrqaRecPct = 150,
  kCrqaDetPct = 151,
  kCrqaLineMean = 152,
  kCrqaLineMax = 153,
  kCrqaEntropy = 154,
  kCrqaLagMs = 155,
  // Pair, directed (batch).
  kGrangerAToB = 160,
  kGrangerBToA = 161,
  kTransferEntropyAToB = 162,
  kTransferEntropyBToA = 163,

  // Group, core.
  kOrderParameter = 200,
  kRMeanPairwise = 201,
  // Group, on request.
  kClusterPhaseRho = 210,
  kLeadingEigenvaluePct = 211,
  kSEstimator = 212,
  kMdrqaRecPct = 213,
  kMdrqaDetPct = 214,
  kMdrqaLineMean = 215,
  kMdrqaLineMax = 216,
  kMdrqaEntropy = 217,
  kSymbolicEntropy = 218,
  kMeanCoherence = 219,
  kSumNormalisedCsd = 220,
  kMvSusyLambdaEs = 221,
  // Group, batch.
  kOmega = 230,
  kMvSusyOmegaEs = 231,
};

struct MeasureInfo {
  Measure measure;
  std::string_view name;  // as in frames, flags and files; the unit last
  Subject subject;
  Availability availability;
  int window_seconds;   // what one value looks back on; 0: the whole recording
  int cadence_seconds;  // a new value so often; 0: each tick, or once a recording
  // Comes with a chance level in a live session. Over a recording others have one as well:
  // PairHasChance() and HasChance() of pair/ and group/stretch_measures.h.
  bool has_chance;
  std::string_view what;
};

// No live value looks further back than this from the tick that shows it: its window, and the time
// since its last moment.
inline constexpr int kLongestLookBackSeconds = 190;

// By number.
std::span<const MeasureInfo> Catalogue();

// Null when there is none.
const MeasureInfo* FindMeasure(Measure measure);
const MeasureInfo* FindMeasure(std::string_view name);

}  // namespace attune::synchrony

#endif  // ATTUNE_SERVICES_SYNCHRONY_MEASURE_H_
