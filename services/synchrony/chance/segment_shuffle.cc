#include "services/synchrony/chance/segment_shuffle.h"

#include <algorithm>
#include <numeric>

namespace attune::synchrony {
namespace {

constexpr size_t kEveryPairingUpTo = 6;

// SplitMix64.
uint64_t Next(uint64_t* state) {
  *state += 0x9e3779b97f4a7c15;
  uint64_t z = *state;
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
  z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
  return z ^ (z >> 31);
}

double MeanOf(std::span<const double> matrix, const std::vector<size_t>& column) {
  double sum = 0;
  for (size_t i = 0; i < column.size(); ++i) sum += matrix[i * column.size() + column[i]];
  return sum / static_cast<double>(column.size());
}

}  // namespace

PairingNull PairingTest(std::span<const double> matrix, size_t size, int draws, uint64_t seed) {
  PairingNull result;
  if (size < 2) return result;
  std::vector<size_t> column(size);
  std::iota(column.begin(), column.end(), size_t{0});
  result.observed = MeanOf(matrix, column);
  if (size <= kEveryPairingUpTo) {
    while (std::next_permutation(column.begin(), column.end())) {
      result.null_values.push_back(MeanOf(matrix, column));
    }
    return result;
  }
  for (int draw = 0; draw < draws; ++draw) {
    // Fisher & Yates; the modulo's bias is below size / 2^64.
    for (size_t i = size - 1; i > 0; --i) std::swap(column[i], column[Next(&seed) % (i + 1)]);
    result.null_values.push_back(MeanOf(matrix, column));
  }
  return result;
}

std::vector<std::pair<int, int>> PseudoPairs(std::span<const std::pair<int, int>> couples) {
  std::vector<int> people;
  std::vector<std::pair<int, int>> together;
  for (const auto& [a, b] : couples) {
    people.push_back(a);
    people.push_back(b);
    together.emplace_back(std::min(a, b), std::max(a, b));
  }
  std::sort(people.begin(), people.end());
  people.erase(std::unique(people.begin(), people.end()), people.end());
  std::sort(together.begin(), together.end());
  std::vector<std::pair<int, int>> pairs;
  for (size_t i = 0; i < people.size(); ++i) {
    for (size_t j = i + 1; j < people.size(); ++j) {
      const std::pair<int, int> pair(people[i], people[j]);
      if (!std::binary_search(together.begin(), together.end(), pair)) pairs.push_back(pair);
    }
  }
  return pairs;
}

}  // namespace attune::synchrony
