#include "services/synchrony/dsp/butterworth.h"

#include <algorithm>
#include <cmath>
#include <cstddef>

#include "services/synchrony/dsp/complex.h"
#include "services/synchrony/dsp/math.h"

namespace attune::synchrony::dsp {
namespace {

// The root with a real part >= 0.
Complex SquareRoot(Complex a) {
  const double size = Abs(a);
  const double re = std::sqrt(std::max(0.0, (size + a.re) / 2));
  const double im = std::sqrt(std::max(0.0, (size - a.re) / 2));
  return {re, a.im < 0 ? -im : im};
}

// Denominator 1 - sum/z + product/z^2, gain 1 where z = cos_centre + i sin_centre.
Section MakeSection(double sum, double product, Complex centre) {
  Section s;
  s.a1 = -sum;
  s.a2 = product;
  const Complex back = Conj(centre);  // 1 / z on the unit circle
  const Complex back2 = back * back;
  const Complex top = {1 - back2.re, -back2.im};
  const Complex bottom = {1 + s.a1 * back.re + s.a2 * back2.re, s.a1 * back.im + s.a2 * back2.im};
  s.b0 = std::sqrt(SquaredAbs(bottom) / SquaredAbs(top));
  s.b2 = -s.b0;
  return s;
}

void Filter(std::span<const Section> sections, std::vector<double>& x) {
  double level = x.front();  // the constant that this section has seen for ever
  for (const Section& s : sections) {
    const double out = level * (s.b0 + s.b1 + s.b2) / (1 + s.a1 + s.a2);
    double z2 = s.b2 * level - s.a2 * out;
    double z1 = out - s.b0 * level;
    for (double& v : x) {
      const double y = s.b0 * v + z1;
      z1 = s.b1 * v - s.a1 * y + z2;
      z2 = s.b2 * v - s.a2 * y;
      v = y;
    }
    level = out;
  }
}

}  // namespace

std::vector<Section> ButterworthBandPass(int order, double low_hz, double high_hz, double rate_hz) {
  // In units where the bilinear transform is s = (z - 1) / (z + 1).
  const double low = Tan(kPi * low_hz / rate_hz);
  const double high = Tan(kPi * high_hz / rate_hz);
  const double width = high - low;
  const double centre2 = low * high;
  // tan(w / 2)^2 = centre2, hence the point z of the centre.
  const Complex centre = {(1 - centre2) / (1 + centre2), 2 * std::sqrt(centre2) / (1 + centre2)};
  const auto to_z = [](Complex s) { return Complex{1 + s.re, s.im} / Complex{1 - s.re, -s.im}; };
  std::vector<Section> sections;
  for (int k = 0; 2 * k < order; ++k) {
    // Prototype poles with an imaginary part >= 0; their conjugates come along.
    const double turn = (2.0 * k + 1) / (2.0 * order);
    const bool real = 2 * k + 1 == order;
    const Complex pole = {-SinPi(turn), real ? 0 : CosPi(turn)};
    const Complex half = (width / 2) * pole;
    const Complex root = SquareRoot(half * half - Complex{centre2, 0});
    const Complex plus = to_z(half + root);
    const Complex minus = to_z(half - root);
    if (real) {  // the two belong together: conjugates, or both real
      sections.push_back(MakeSection(plus.re + minus.re, (plus * minus).re, centre));
    } else {
      sections.push_back(MakeSection(2 * plus.re, SquaredAbs(plus), centre));
      sections.push_back(MakeSection(2 * minus.re, SquaredAbs(minus), centre));
    }
  }
  return sections;
}

int DefaultPad(std::span<const Section> sections) {
  return 3 * (2 * static_cast<int>(sections.size()) + 1);
}

std::vector<double> SosFiltFilt(std::span<const Section> sections, std::span<const double> x,
                                int pad) {
  const size_t n = x.size();
  const size_t p = static_cast<size_t>(pad);
  if (n <= p) return {};
  std::vector<double> y;
  y.reserve(n + 2 * p);
  for (size_t k = p; k > 0; --k) y.push_back(2 * x[0] - x[k]);
  y.insert(y.end(), x.begin(), x.end());
  for (size_t k = 1; k <= p; ++k) y.push_back(2 * x[n - 1] - x[n - 1 - k]);
  Filter(sections, y);
  std::reverse(y.begin(), y.end());
  Filter(sections, y);
  std::reverse(y.begin(), y.end());
  return {y.begin() + pad, y.end() - pad};
}

}  // namespace attune::synchrony::dsp
