// The analyses behind stretch_measures.h: what each measure's value is where nothing forbids it,
// and its null values. Each analysis is made once.
#ifndef ATTUNE_SERVICES_SYNCHRONY_PAIR_PAIR_WORK_H_
#define ATTUNE_SERVICES_SYNCHRONY_PAIR_PAIR_WORK_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <span>
#include <vector>

#include "services/synchrony/dsp/complex.h"
#include "services/synchrony/measure.h"
#include "services/synchrony/numbers.h"
#include "services/synchrony/pair/coherence.h"
#include "services/synchrony/pair/concordance.h"
#include "services/synchrony/pair/crqa.h"
#include "services/synchrony/pair/granger.h"
#include "services/synchrony/pair/phase_sync.h"
#include "services/synchrony/pair/susy.h"
#include "services/synchrony/pair/wavelet.h"
#include "services/synchrony/pair/wcc.h"
#include "services/synchrony/pair/whitened_lag.h"
#include "services/synchrony/pair/windowed_r.h"
#include "services/synchrony/params.h"

namespace attune::synchrony {

enum class PairBand : uint8_t { kLowFrequency, kBreathing, kPacer };

class PairWork {
 public:
  // The grids (4 Hz, NaN missing) are of one size and must outlive this.
  PairWork(std::span<const double> a, std::span<const double> b, double pacer_hz,
           const Params& params);

  struct Value {
    double value = 0;
    double uncertainty = 0;
  };
  // Nothing when there is not enough to go by.
  std::optional<Value> ValueOf(Measure measure);

  // From the value's null distribution, of at most `shifts` circular shifts (susy_es*: pairings).
  // False when the measure has none, or it would hold fewer than Params::shifts_min values.
  bool ChanceOf(Measure measure, int shifts, Chance* chance);

 private:
  struct Phases {
    std::vector<dsp::Complex> a, b;
    size_t possible = 0;  // moments that have a phase if nothing is missing
    PhaseSync sync;
  };
  struct Rows {
    WindowRows a, b;
  };
  struct SlopePair {
    std::vector<double> a, b;
    int possible = 0;  // windows
  };
  struct Directed {
    std::vector<double> a, b;    // differences of means of 1 s
    std::vector<int8_t> sa, sb;  // their terciles
    int order = 0;
  };

  const Rows& TheRows();
  const PeakSummary& Peaks();
  const LagEstimate& Lag();
  const SlopePair& TheSlopes();
  const Phases& ThePhases(PairBand band);
  const Coherence& TheCoherence();
  const WaveletCoherence& TheWavelets();
  const Susy& TheSusy();
  const Crqa& TheCrqa();
  const Directed& TheDirected();

  std::optional<Value> OfWhitenedLag() const;
  std::optional<Value> OfPeaks(Measure measure);
  std::optional<Value> OfPhases(PairBand band, Measure measure);
  std::optional<Value> OfSusy(Measure measure);
  std::optional<Value> OfCrqa(Measure measure);
  // These take b (or what stands for it) shifted by `shift` samples; NaN: no value.
  double MeanR(int shift);
  double ConcordanceAt(int shift);
  double Plv(PairBand band, int shift);
  double CoherenceAt(bool low_frequency, int shift);
  double GrangerAt(bool a_to_b, int shift);
  double TransferAt(bool a_to_b, int shift);
  // The statistic of a measure that is tested by shifts; empty for others.
  std::function<double(int)> Shiftable(Measure measure);

  const std::span<const double> a_, b_;
  const double pacer_hz_;
  const Params params_;
  std::optional<Rows> rows_;
  std::optional<PeakSummary> peaks_;
  size_t peak_rows_ = 0;  // of the matrix
  std::optional<LagEstimate> lag_;
  std::optional<SlopePair> slopes_;
  std::array<std::optional<Phases>, 3> phases_;
  std::optional<Coherence> coherence_;
  std::map<int, Coherence> shifted_coherence_;
  std::map<int, Granger> granger_;  // by shift
  std::optional<WaveletCoherence> wavelets_;
  std::optional<Susy> susy_;
  std::optional<Crqa> crqa_;
  std::optional<Directed> directed_;
};

}  // namespace attune::synchrony

#endif  // ATTUNE_SERVICES_SYNCHRONY_PAIR_PAIR_WORK_H_
