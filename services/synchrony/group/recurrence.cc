#include "services/synchrony/group/recurrence.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>

namespace attune::synchrony {
namespace {

bool Acceptable(const Table& columns, double radius) {
  return !columns.empty() && columns.size() <= kRecurrenceMaxColumns &&
         Samples(columns) <= kRecurrenceMaxMoments && radius > 0;
}

RecurrenceCounts Nothing(const Table& columns) {
  RecurrenceCounts counts;
  const auto n = static_cast<int64_t>(Samples(columns));
  counts.possible = n * (n - 1) / 2;
  counts.lines.assign(static_cast<size_t>(n), 0);
  return counts;
}

// The definition.
bool Recurs(const Table& columns, size_t i, size_t j, double radius) {
  double sum = 0;
  for (const std::vector<double>& z : columns) sum += (z[i] - z[j]) * (z[i] - z[j]);
  return std::sqrt(sum) < radius;
}

void AddLine(int length, RecurrenceCounts* counts) {
  ++counts->lines[static_cast<size_t>(length)];
  counts->points += length;
}

// Integers. With q = round(s z), the Gram form |q_i - q_j|^2 = |q_i|^2 + |q_j|^2 - 2 q_i . q_j is
// exact in 32 bits as long as |q| stays below 2^14.5. Rounding moves each q by at most half a step,
// so the true distance times s lies within sqrt(columns) of the integers'.
constexpr double kLargestNorm = 23'000;
constexpr size_t kBlock = kMomentsPerWord;

struct Quantised {
  size_t pairs = 0;             // of columns, the last one padded with zeros
  size_t stride = 0;            // moments, padded so that a block may reach over the end
  std::vector<int32_t> packed;  // [pair][moment]: two int16, the even column in the low half
  std::vector<int32_t> norm;    // |q|^2
  int32_t sure_at_most = -1;    // squared distances up to this recur
  int32_t never_from = 0;       // from this on they do not
};

int32_t Clamp(double value) {
  return static_cast<int32_t>(
      std::clamp(value, -1.0, static_cast<double>(std::numeric_limits<int32_t>::max())));
}

Quantised Quantise(const Table& columns, double radius) {
  Quantised q;
  const size_t n = Samples(columns);
  q.pairs = (columns.size() + 1) / 2;
  q.stride = n + 2 * kBlock;
  std::vector<double> squares(n, 0.0);
  for (const std::vector<double>& z : columns) {
    for (size_t t = 0; t < n; ++t) squares[t] += z[t] * z[t];
  }
  const double largest = std::sqrt(*std::max_element(squares.begin(), squares.end()));
  const double scale = largest > 0 ? kLargestNorm / largest : 1;
  q.packed.assign(q.pairs * q.stride, 0);
  q.norm.assign(q.stride, 0);
  for (size_t c = 0; c < columns.size(); ++c) {
    const std::vector<double>& z = columns[c];
    int32_t* to = &q.packed[c / 2 * q.stride];
    for (size_t t = 0; t < n; ++t) {
      const double x = z[t] * scale;
      const auto v = static_cast<int32_t>(x < 0 ? x - 0.5 : x + 0.5);
      to[t] |= c % 2 == 0 ? v & 0xffff : static_cast<int32_t>(static_cast<uint32_t>(v) << 16);
      q.norm[t] += v * v;
    }
  }
  // A little more than the rounding, for the rounding of these very doubles.
  const double slack = 1.001 * std::sqrt(static_cast<double>(columns.size())) + 0.001;
  const double inner = radius * scale - slack;
  const double outer = radius * scale + slack;
  q.sure_at_most = inner > 0 ? Clamp(std::floor(inner * inner)) : -1;
  q.never_from = Clamp(std::ceil(outer * outer));
  return q;
}

// Lines of set bits; a line may go on over the end of a word. Bits past the diagonal are clear.
void CountLines(const std::vector<uint64_t>& words, size_t count, RecurrenceCounts* counts) {
  int open = 0;  // length of the line that the word before ended with
  for (size_t i = 0; i < count; ++i) {
    uint64_t word = words[i];
    if (word == ~uint64_t{0}) {
      open += 64;
      continue;
    }
    int at = 0;
    if (open > 0) {
      at = std::countr_one(word);
      AddLine(open + at, counts);
      open = 0;
      word >>= at;
    }
    while (word != 0) {
      const int gap = std::countr_zero(word);
      word >>= gap;
      const int length = std::countr_one(word);
      at += gap + length;
      if (at == 64) {
        open = length;
        break;
      }
      AddLine(length, counts);
      word >>= length;
    }
  }
  if (open > 0) AddLine(open, counts);
}

}  // namespace

RecurrenceCounts CountRecurrence(const Table& columns, double radius, const Kernels& kernels) {
  if (!Acceptable(columns, radius)) return {};
  RecurrenceCounts counts = Nothing(columns);
  const size_t n = Samples(columns);
  const Quantised q = Quantise(columns, radius);
  const MomentRows rows = {q.packed.data(), static_cast<int>(q.pairs), q.stride, q.norm.data()};
  std::vector<uint64_t> sure(n / kBlock + 1), may(n / kBlock + 1);
  for (size_t lag = 1; lag < n; ++lag) {
    const size_t length = n - lag;
    const size_t words = (length + kBlock - 1) / kBlock;
    kernels.near_moments(rows, lag, words, q.sure_at_most, q.never_from, sure.data(), may.data());
    if (length % kBlock != 0) {
      const uint64_t inside = (uint64_t{1} << (length % kBlock)) - 1;
      sure[words - 1] &= inside;
      may[words - 1] &= inside;
    }
    for (size_t w = 0; w < words; ++w) {
      for (uint64_t open = may[w] & ~sure[w]; open != 0; open &= open - 1) {
        const auto bit = static_cast<size_t>(std::countr_zero(open));
        const size_t i = w * kBlock + bit;
        if (Recurs(columns, i, i + lag, radius)) sure[w] |= uint64_t{1} << bit;
      }
    }
    CountLines(sure, words, &counts);
  }
  return counts;
}

RecurrenceCounts CountRecurrencePlain(const Table& columns, double radius) {
  if (!Acceptable(columns, radius)) return {};
  RecurrenceCounts counts = Nothing(columns);
  for (size_t lag = 1; lag < Samples(columns); ++lag) {
    int open = 0;
    for (size_t i = 0; i + lag < Samples(columns); ++i) {
      if (Recurs(columns, i, i + lag, radius)) {
        ++open;
      } else if (open > 0) {
        AddLine(open, &counts);
        open = 0;
      }
    }
    if (open > 0) AddLine(open, &counts);
  }
  return counts;
}

}  // namespace attune::synchrony
