// Small statistics and linear algebra, in a fixed order of operations. Pure functions; what has no
// value (too few points, no variance) is NaN or false, as each says.
#ifndef ATTUNE_SERVICES_SYNCHRONY_DSP_STATS_H_
#define ATTUNE_SERVICES_SYNCHRONY_DSP_STATS_H_

#include <cstddef>
#include <span>
#include <vector>

namespace attune::synchrony::dsp {

// NaN when empty.
double Mean(std::span<const double> x);

// sum (x - mean)^2 / (n - ddof), two passes; NaN unless n > ddof.
double Variance(std::span<const double> x, int ddof);
double StandardDeviation(std::span<const double> x, int ddof);

// Product-moment correlation, two passes, within [-1, 1]; NaN when either does not vary or there
// are fewer than two points. Same sizes.
double Pearson(std::span<const double> x, std::span<const double> y);

// Takes the least-squares line over the index out of x (only the mean from fewer than two points).
void RemoveLine(std::span<double> x);

// Least-squares slope per index step; NaN from fewer than two points.
double Slope(std::span<const double> x);

// q in [0, 1]; linear interpolation between order statistics at (n - 1) q (type 7 of Hyndman & Fan
// 1996). NaN when empty.
double Quantile(std::vector<double> x, double q);

// Row-major.
struct Matrix {
  size_t rows = 0;
  size_t columns = 0;
  std::vector<double> values;

  Matrix() = default;
  Matrix(size_t r, size_t c) : rows(r), columns(c), values(r * c) {}
  double& at(size_t r, size_t c) { return values[r * columns + c]; }
  double at(size_t r, size_t c) const { return values[r * columns + c]; }
};

// min |A b - y| by Householder reflections; needs rows >= columns. False, and *b untouched, when
// the columns depend on each other (a diagonal of R below 1e-12 of its column's length).
// `residual`, when wanted, gets the sum of squares left over.
bool LeastSquares(Matrix a, std::vector<double> y, std::vector<double>* b,
                  double* residual = nullptr);

// Eigenvalues of a symmetric matrix, largest first (cyclic Jacobi sweeps, at most 60, until the off
// diagonal is below 1e-15 of the whole). Only the upper triangle is read.
std::vector<double> SymmetricEigenvalues(Matrix a);

}  // namespace attune::synchrony::dsp

#endif  // ATTUNE_SERVICES_SYNCHRONY_DSP_STATS_H_
