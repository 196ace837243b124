// Transfer entropy (Schreiber 2000): how much does knowing the other's last value tell about the
// next of one's own, beyond one's own last value?
//
//   TE(a -> b) = sum p(b', b, a) ln[ p(b' | b, a) / p(b' | b) ]   (nats), b' the value after b
//
// over terciles: each value is low, middle or high among all of its series. For recordings only.
//
// BIAS: from N moments of unrelated people about 6 / N nats (twelve degrees of freedom over 2 N;
// Miller 1955), so the value by itself says nothing: compare with that of circularly shifted
// series. It shares what Granger causality (pair/granger.h) cannot tell.
#ifndef ATTUNE_SERVICES_SYNCHRONY_PAIR_TRANSFER_ENTROPY_H_
#define ATTUNE_SERVICES_SYNCHRONY_PAIR_TRANSFER_ENTROPY_H_

#include <cstdint>
#include <span>
#include <vector>

namespace attune::synchrony {

// 0, 1, 2: the lowest, middle and highest third of the values by rank (equal values by the order in
// which they come); -1 where missing (NaN), and everywhere when nothing varies.
std::vector<int8_t> Terciles(std::span<const double> x);

// From symbols 0..2 (-1: missing; a moment with one is not used). `moments`, when wanted, gets N.
// 0 when N is 0.
double TransferEntropy(std::span<const int8_t> from, std::span<const int8_t> to,
                       int* moments = nullptr);

}  // namespace attune::synchrony

#endif  // ATTUNE_SERVICES_SYNCHRONY_PAIR_TRANSFER_ENTROPY_H_
