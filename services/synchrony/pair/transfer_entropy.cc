#include "services/synchrony/pair/transfer_entropy.h"

#include <algorithm>
#include <cmath>
#include <cstddef>

#include "services/synchrony/dsp/math.h"
#include "services/synchrony/dsp/varies.h"

namespace attune::synchrony {

std::vector<int8_t> Terciles(std::span<const double> x) {
  std::vector<size_t> order;
  for (size_t i = 0; i < x.size(); ++i) {
    if (!std::isnan(x[i])) order.push_back(i);
  }
  std::stable_sort(order.begin(), order.end(), [x](size_t i, size_t j) { return x[i] < x[j]; });
  std::vector<int8_t> symbols(x.size(), -1);
  if (!dsp::Varies(x)) return symbols;
  for (size_t rank = 0; rank < order.size(); ++rank) {
    symbols[order[rank]] = static_cast<int8_t>(3 * rank / order.size());
  }
  return symbols;
}

double TransferEntropy(std::span<const int8_t> from, std::span<const int8_t> to, int* moments) {
  double counts[3][3][3] = {};  // next, own last, other's last
  double n = 0;
  for (size_t t = 0; t + 1 < std::min(from.size(), to.size()); ++t) {
    if (from[t] < 0 || to[t] < 0 || to[t + 1] < 0) continue;
    counts[to[t + 1]][to[t]][from[t]] += 1;
    n += 1;
  }
  if (moments != nullptr) *moments = static_cast<int>(n);
  if (n == 0) return 0;
  double entropy = 0;
  for (int own = 0; own < 3; ++own) {
    double next_own[3] = {}, own_other[3] = {}, all = 0;
    for (int next = 0; next < 3; ++next) {
      for (int other = 0; other < 3; ++other) {
        const double count = counts[next][own][other];
        next_own[next] += count;
        own_other[other] += count;
        all += count;
      }
    }
    for (int next = 0; next < 3; ++next) {
      for (int other = 0; other < 3; ++other) {
        const double count = counts[next][own][other];
        if (count == 0) continue;
        entropy += count / n * dsp::Log(count * all / (own_other[other] * next_own[next]));
      }
    }
  }
  return std::max(0.0, entropy);
}

}  // namespace attune::synchrony
