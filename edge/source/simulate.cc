#include "edge/source/simulate.h"

#include <algorithm>
#include <cmath>
#include <deque>
#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "edge/source/timetable.h"
#include "services/base/random.h"
#include "services/base/status_macros.h"

namespace attune::edge {
namespace {

// Different questions to one seed must have independent answers.
enum class Draw : uint64_t { kRate = 1, kBreath, kArtefact, kPlace, kDropout };

double UnitOf(uint64_t seed, Draw what, uint64_t index) {
  SeededRandom of_seed(seed);
  SeededRandom random(of_seed.Uint64() ^ (static_cast<uint64_t>(what) << 56) ^ index);
  random.Uint64();
  return random.Unit();
}

ModulationShape ShapeOf(const SimulateOptions& options, uint64_t seed,
                        std::optional<double> resp_hz) {
  ModulationShape shape;
  shape.resp_hz = resp_hz.value_or(0.20 + 0.10 * UnitOf(seed, Draw::kBreath, 0));
  shape.resp_depth = options.resp_depth;
  shape.lf_depth = options.lf_depth;
  shape.vlf_depth = options.vlf_depth;
  return shape;
}

absl::Status Check(double value, double least, double most, const char* name) {
  if (value >= least && value <= most) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat("simulate: ", name, "=", value, " is not in ", least, "..", most));
}

absl::Status CheckAll(const SimulateOptions& o) {
  if (o.hr_bpm) ATTUNE_RETURN_IF_ERROR(Check(*o.hr_bpm, 30, 180, "hr"));
  if (o.resp_hz) ATTUNE_RETURN_IF_ERROR(Check(*o.resp_hz, 0.08, 0.5, "resp"));
  if (o.couple_resp_hz) ATTUNE_RETURN_IF_ERROR(Check(*o.couple_resp_hz, 0.08, 0.5, "couple_resp"));
  ATTUNE_RETURN_IF_ERROR(Check(o.resp_depth, 0, 0.1, "resp_depth"));
  ATTUNE_RETURN_IF_ERROR(Check(o.lf_depth, 0, 0.1, "lf_depth"));
  ATTUNE_RETURN_IF_ERROR(Check(o.vlf_depth, 0, 0.1, "vlf_depth"));
  ATTUNE_RETURN_IF_ERROR(Check(o.strength, 0, 1, "strength"));
  ATTUNE_RETURN_IF_ERROR(Check(o.lag_ms, -10'000, 10'000, "lag_ms"));
  ATTUNE_RETURN_IF_ERROR(Check(o.missed, 0, 0.5, "missed"));
  ATTUNE_RETURN_IF_ERROR(Check(o.extra, 0, 0.5, "extra"));
  ATTUNE_RETURN_IF_ERROR(Check(o.ectopic, 0, 0.5, "ectopic"));
  ATTUNE_RETURN_IF_ERROR(Check(o.missed + o.extra + o.ectopic, 0, 0.5, "missed+extra+ectopic"));
  if (o.dropout_every_s != 0) {
    ATTUNE_RETURN_IF_ERROR(Check(o.dropout_every_s, 10, 86'400, "dropout_every_s"));
  }
  ATTUNE_RETURN_IF_ERROR(Check(o.dropout_s, 0, o.dropout_every_s / 2, "dropout_s"));
  if (o.at_s) ATTUNE_RETURN_IF_ERROR(Check(*o.at_s, 0, 1e6, "at"));
  if (o.seconds) ATTUNE_RETURN_IF_ERROR(Check(*o.seconds, 1, 1e6, "seconds"));
  if (o.couple_seed && *o.couple_seed == o.seed) {
    return absl::InvalidArgumentError("simulate: couple_seed is this person's own seed");
  }
  return absl::OkStatus();
}

class Simulate final : public Timetable {
 public:
  Simulate(const SimulateOptions& options, SourceInfo info)
      : options_(options),
        info_(std::move(info)),
        drive_(DriveOf(options)),
        rate_hz_(options.hr_bpm.value_or(58 + 20 * UnitOf(options.seed, Draw::kRate, 0)) / 60) {}

  const SourceInfo& info() const override { return info_; }

  void Begin(int64_t start_session_us, uint64_t after_position) override {
    start_s_ = static_cast<double>(start_session_us) / 1e6;
    phase_at_start_ = Phase(start_s_);
    true_s_ = start_s_;
    measured_1024_ = std::llround(start_s_ * 1024);
    Start(after_position);
  }

 private:
  // Heart cycles since session time 0.
  double Phase(double t_s) const {
    return rate_hz_ * (t_s + drive_.depth() * drive_.IntegralAt(t_s));
  }

  // The moment of the true heart beat `number` after the start.
  double BeatAt(uint64_t number) const {
    const double wanted = phase_at_start_ + static_cast<double>(number);
    // Newton from the last beat; the rate is known and never far from its mean.
    double t_s = true_s_ + 1 / rate_hz_;
    for (int i = 0; i < 30; ++i) {
      const double rate = rate_hz_ * std::max(0.2, 1 + drive_.depth() * drive_.At(t_s));
      const double step_s = (wanted - Phase(t_s)) / rate;
      t_s += step_s;
      if (std::abs(step_s) < 1e-9) break;
    }
    return std::max(t_s, true_s_ + 0.1);
  }

  bool Dropped(double t_s) const {
    if (options_.dropout_every_s == 0 || options_.dropout_s == 0) return false;
    const double since_s = t_s - start_s_;
    const double period = std::floor(since_s / options_.dropout_every_s);
    // One dropout in each period, somewhere in it.
    const double from_s = (options_.dropout_every_s - options_.dropout_s) *
                          UnitOf(options_.seed, Draw::kDropout, static_cast<uint64_t>(period));
    const double within_s = since_s - period * options_.dropout_every_s;
    return within_s >= from_s && within_s < from_s + options_.dropout_s;
  }

  // Detected beats that follow from the next true ones.
  void Advance() {
    const double before_s = true_s_;
    true_s_ = BeatAt(++number_);
    const double draw = UnitOf(options_.seed, Draw::kArtefact, number_);
    const double place = UnitOf(options_.seed, Draw::kPlace, number_);
    if (draw < options_.missed) return;
    if (draw < options_.missed + options_.extra) {
      detected_s_.push_back(before_s + (true_s_ - before_s) * (0.3 + 0.4 * place));
    }
    if (draw >= options_.missed + options_.extra &&
        draw < options_.missed + options_.extra + options_.ectopic) {
      // Early by 20..35 %; the next true beat comes when it would have come: the pause compensates.
      detected_s_.push_back(true_s_ - (true_s_ - before_s) * (0.20 + 0.15 * place));
      return;
    }
    detected_s_.push_back(true_s_);
  }

  std::optional<SourceBeat> Next() override {
    while (true) {
      while (detected_s_.empty()) Advance();
      const double t_s = detected_s_.front();
      detected_s_.pop_front();
      if (options_.seconds && t_s - start_s_ > *options_.seconds) return std::nullopt;
      if (Dropped(t_s)) {
        lost_ = true;
        continue;
      }
      const int64_t measured_1024 = std::llround(t_s * 1024);
      const int64_t rr_1024 = measured_1024 - measured_1024_;
      measured_1024_ = measured_1024;
      if (lost_) {
        // The strap is back: its first interval ends at the second beat.
        lost_ = false;
        gap_ = true;
        continue;
      }
      if (rr_1024 < kLeastRr1024 || rr_1024 > kMostRr1024) {
        gap_ = true;
        continue;
      }
      return SourceBeat{static_cast<uint32_t>(rr_1024), measured_1024 * 15625 / 16,
                        std::exchange(gap_, false), ++position_};
    }
  }

  SimulateOptions options_;
  SourceInfo info_;
  Drive drive_;
  double rate_hz_;
  double start_s_ = 0;
  double phase_at_start_ = 0;

  uint64_t number_ = 0;  // of the last true beat
  double true_s_ = 0;
  std::deque<double> detected_s_;
  int64_t measured_1024_ = 0;  // last detected beat on the strap's grid
  bool lost_ = false;
  bool gap_ = false;
  uint64_t position_ = 0;
};

}  // namespace

Drive DriveOf(const SimulateOptions& options) {
  Modulation own(options.seed, ShapeOf(options, options.seed, options.resp_hz));
  if (!options.couple_seed) return Drive(std::move(own));
  Modulation other(*options.couple_seed,
                   ShapeOf(options, *options.couple_seed, options.couple_resp_hz));
  return Drive(std::move(own), std::move(other), options.strength, options.lag_ms / 1000);
}

absl::StatusOr<std::unique_ptr<Source>> MakeSimulate(const SimulateOptions& options) {
  ATTUNE_RETURN_IF_ERROR(CheckAll(options));
  SourceInfo info;
  info.stamping = Stamping::kGiven;
  info.sensor = v1::SENSOR_KIND_SIMULATED;
  if (options.at_s) info.start_session_us = std::llround(*options.at_s * 1e6);
  info.jitter_us = 500;
  const auto number = [](const auto& value) { return value ? absl::StrCat(*value) : "-"; };
  info.fingerprint = absl::StrCat(
      "simulate:", options.seed, ",", number(options.hr_bpm), ",", number(options.resp_hz), ",",
      options.resp_depth, ",", options.lf_depth, ",", options.vlf_depth, ",",
      number(options.couple_seed), ",", number(options.couple_resp_hz), ",", options.strength, ",",
      options.lag_ms, ",", options.missed, ",", options.extra, ",", options.ectopic);
  absl::StrAppend(&info.fingerprint, ",", options.dropout_every_s, ",", options.dropout_s, ",",
                  number(options.at_s), ",", number(options.seconds));
  return std::make_unique<Simulate>(options, std::move(info));
}

}  // namespace attune::edge
