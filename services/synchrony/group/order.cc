#include "services/synchrony/group/order.h"

#include <algorithm>
#include <cmath>

#include "services/synchrony/chance/draws.h"

namespace attune::synchrony {
namespace {

constexpr double kOne = 1 << 30;
// While the session is younger than the span, the delays reach back as far as there are phases, in
// steps of this, so that they seldom change.
constexpr int64_t kRangeStepSeconds = 20;

constexpr size_t kColumns = 128;

int Low(int32_t pair) { return static_cast<int16_t>(static_cast<uint32_t>(pair) & 0xffff); }
int High(int32_t pair) { return pair >> 16; }

}  // namespace

double OrderParameter(const std::vector<UnitVector>& people, int min_valid) {
  double re = 0, im = 0;
  int n = 0;
  for (const UnitVector& unit : people) {
    re += unit.re;
    im += unit.im;
    n += unit.valid() ? 1 : 0;
  }
  return n < min_valid || n == 0 ? -1 : std::sqrt(re * re + im * im) / n;
}

OrderTrack::OrderTrack(const Params& params, std::pmr::memory_resource* memory)
    : params_(params),
      columns_(params.group_draws + 1),
      window_(params.order_window_seconds / params.moment_seconds),
      revisions_(memory),
      delays_(memory),
      moments_(static_cast<size_t>(window_) * static_cast<size_t>(columns_), memory),
      sums_(static_cast<size_t>(columns_), memory),
      used_(static_cast<size_t>(columns_), memory) {}

bool OrderTrack::Follow(const std::vector<const PhaseRing*>& people, int64_t moment) {
  const int filter = params_.phase_filter_seconds / params_.moment_seconds;
  const int longest = params_.span_seconds / params_.moment_seconds - filter - window_;
  // The first phase is that of moment `filter` + 1.
  const int64_t step = kRangeStepSeconds / params_.moment_seconds;
  const int64_t reach = (moment - filter - window_) / step * step;
  const int range = static_cast<int>(std::clamp<int64_t>(reach, 0, longest)) + 1;

  bool same = known_ >= 0 && range == range_ && revisions_.size() == people.size();
  for (size_t i = 0; same && i < people.size(); ++i) {
    same = revisions_[i] == people[i]->slots().revision();
  }
  if (same && known_ == moment) return false;
  if (!same || known_ + 1 != moment) {
    ChooseDelays(static_cast<int>(people.size()), range);
    std::fill(moments_.begin(), moments_.end(), -1);
    std::fill(sums_.begin(), sums_.end(), 0);
    std::fill(used_.begin(), used_.end(), 0);
    revisions_.clear();
    for (const PhaseRing* ring : people) revisions_.push_back(ring->slots().revision());
    for (int64_t past = moment - window_ + 1; past < moment; ++past) Moment(people, past);
  }
  Moment(people, moment);
  known_ = moment;
  return true;
}

void OrderTrack::ChooseDelays(int people, int range) {
  if (people == people_ && range == range_) return;
  people_ = people;
  range_ = range;
  const std::vector<int> shifts =
      DrawShifts(params_.group_seed, params_.group_draws, people, range,
                 params_.group_shift_apart_seconds / params_.moment_seconds);
  const auto columns = static_cast<size_t>(columns_);
  delays_.assign(columns * static_cast<size_t>(people), 0);
  for (size_t i = 0; i < static_cast<size_t>(people); ++i) {
    for (size_t draw = 0; draw + 1 < columns; ++draw) {
      delays_[i * columns + draw + 1] =
          static_cast<uint8_t>(shifts[draw * static_cast<size_t>(people) + i]);
    }
  }
}

void OrderTrack::Moment(const std::vector<const PhaseRing*>& people, int64_t moment) {
  const auto columns = static_cast<size_t>(columns_);
  const int min_valid = std::max(2, static_cast<int>(std::ceil(params_.contributor_min_coverage *
                                                               static_cast<int>(people.size()))));
  int32_t* row = &moments_[static_cast<size_t>((moment + window_) % window_) * columns];
  // A part of the columns at a time, whose sums lie on the stack.
  for (size_t begin = 0; begin < columns; begin += kColumns) {
    const size_t count = std::min(kColumns, columns - begin);
    int32_t re[kColumns] = {}, im[kColumns] = {}, n[kColumns] = {};
    for (size_t i = 0; i < people.size(); ++i) {
      const PhaseRing& ring = *people[i];
      const int size = ring.slots().size();
      const int32_t* units = ring.units();
      const uint8_t* delays = &delays_[i * columns + begin];
      const int now = ring.slots().SlotOf(moment + size);  // before the session: empty slots
      for (size_t column = 0; column < count; ++column) {
        const int slot = now - delays[column];
        const int32_t unit = units[slot < 0 ? slot + size : slot];
        re[column] += Low(unit);
        im[column] += High(unit);
        n[column] += unit != 0 ? 1 : 0;
      }
    }
    for (size_t column = 0; column < count; ++column) {
      int32_t value = -1;
      if (n[column] >= min_valid) {
        const double x = re[column];
        const double y = im[column];
        const double r = std::sqrt(x * x + y * y) / (kPhaseScale * static_cast<double>(n[column]));
        value = static_cast<int32_t>(std::min(r, 1.0) * kOne);
      }
      const int32_t old = row[begin + column];
      row[begin + column] = value;
      sums_[begin + column] += std::max(value, 0) - std::max(old, 0);
      used_[begin + column] += (value >= 0 ? 1 : 0) - (old >= 0 ? 1 : 0);
    }
  }
}

bool OrderTrack::Mean(int draw, double* r) const {
  const auto column = static_cast<size_t>(draw + 1);
  if (used_[column] == 0 || 2 * used_[column] < window_) return false;
  *r = static_cast<double>(sums_[column]) / (kOne * used_[column]);
  return true;
}

size_t OrderTrack::MemoryBytes() const {
  return delays_.capacity() + moments_.capacity() * sizeof(int32_t) +
         sums_.capacity() * sizeof(int64_t) +
         (used_.capacity() + revisions_.capacity()) * sizeof(int32_t);
}

}  // namespace attune::synchrony
