#include "services/synchrony/pair/lag_scales.h"

#include <array>
#include <cmath>
#include <cstddef>

namespace attune::synchrony {
namespace {

constexpr double kFlat = 4.0;
constexpr size_t kMaxLength = 500;  // Params::Valid()
constexpr size_t kMaxLag = 500;

// 0, 1, 2, ... as int16: products of these are what vectors do best.
constexpr std::array<int16_t, kMaxLength> kPositions = [] {
  std::array<int16_t, kMaxLength> positions{};
  for (size_t i = 0; i < positions.size(); ++i) positions[i] = static_cast<int16_t>(i);
  return positions;
}();

// Without a branch: a loop of these is done in vectors.
inline double Inverse(double squares) {
  const double inverse = 1 / std::sqrt(squares);
  return squares < kFlat ? 0 : inverse;
}

}  // namespace

double InverseLength(double squares) { return Inverse(squares); }

void ComputeLagScales(const int16_t* samples, int length, int max_lag, LagScale* scales) {
  const int16_t* x = samples + max_lag;
  int32_t sum = 0;
  int32_t squares = 0;
  int32_t weighted = 0;  // sum of i x
  for (int i = 0; i < length; ++i) {
    sum += x[i];
    squares += int32_t{x[i]} * int32_t{x[i]};
    weighted += int32_t{x[i]} * int32_t{kPositions[static_cast<size_t>(i)]};
  }
  int32_t moment = 2 * weighted - (length - 1) * sum;  // sum of u x
  const double n = length;
  const double per_root_n = 1 / std::sqrt(n);
  const double per_root_uu = 1 / std::sqrt(n * (n * n - 1) / 3);
  std::array<double, kMaxLag + 1> about_line;
  for (int lag = 0; lag <= max_lag; ++lag) {
    // As in Correlation(), so that r of a series with itself is 1.
    const double mean = sum * per_root_n;
    const double slope = moment * per_root_uu;
    about_line[static_cast<size_t>(lag)] = (squares - mean * mean) - slope * slope;
    scales[lag].mean = mean;
    scales[lag].slope = slope;
    if (lag == max_lag) break;
    // One sample back: the last leaves, the others move up by one position, an older one enters.
    const int32_t leaves = samples[max_lag - lag + length - 1];
    const int32_t enters = samples[max_lag - lag - 1];
    moment += 2 * (sum - leaves) - (length - 1) * (leaves + enters);
    sum += enters - leaves;
    squares += enters * enters - leaves * leaves;
  }
  for (size_t lag = 0; lag <= static_cast<size_t>(max_lag); ++lag) {
    about_line[lag] = Inverse(about_line[lag]);
  }
  for (int lag = 0; lag <= max_lag; ++lag) {
    scales[lag].inverse = about_line[static_cast<size_t>(lag)];
  }
}

}  // namespace attune::synchrony
