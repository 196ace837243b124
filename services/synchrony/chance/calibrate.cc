// Prints the tables behind tail.h: how often independent people reach a p, for the forms that could
// have been chosen, on the people the choice was made on and on the others.
//
//   bazel run //services/synchrony/chance:calibrate
//
// takes some minutes. The people: tests/data/nsr2db, odd numbers (nsr001, nsr003 ...) to choose,
// even ones to check.
#include <algorithm>
#include <cstdio>
#include <functional>
#include <string>
#include <vector>

#include "services/synchrony/chance/tail.h"
#include "services/synchrony/testing/samples.h"

namespace attune::synchrony {
namespace {

constexpr double kLevels[] = {0.1, 0.05, 0.025, 0.01, 0.001, 1e-4, 1e-5};
constexpr uint64_t kSeed = 20261122;

using Tail = std::function<double(const Number&)>;

// Share of the looks at or below each level, as a multiple of the level: 1 is right.
void PrintRow(const std::string& form, const std::vector<Number>& numbers, const Tail& tail) {
  std::printf("  %-34s", form.c_str());
  std::vector<double> p;
  for (const Number& number : numbers) p.push_back(tail(number));
  for (double level : kLevels) {
    const auto reached = std::count_if(p.begin(), p.end(), [=](double v) { return v <= level; });
    const double n = static_cast<double>(numbers.size());
    std::printf(" %6.3f", static_cast<double>(reached) / n / level);
  }
  std::printf("\n");
}

void PrintHead(const std::string& what, const std::vector<Number>& numbers) {
  double z = 0, zz = 0, shifts = 0;
  const double n = static_cast<double>(numbers.size());
  for (const Number& number : numbers) {
    z += number.chance.z / n;
    zz += number.chance.z * number.chance.z / n;
    shifts += number.chance.shifts / n;
  }
  std::printf("%s: %zu looks, %.1f null values each, z: mean %+.3f, mean square %.3f\n",
              what.c_str(), numbers.size(), shifts, z, zz);
  std::printf("  %-34s", "share / level, at level");
  for (double level : kLevels) std::printf(" %6g", level);
  std::printf("\n");
}

double AsShipped(const Number& number) { return number.chance.p; }

void PrintPairs(const char* whom, int half, int rounds, int first_s, int seconds) {
  const Samples samples = SamplePairs(half, rounds, first_s, seconds, kSeed);
  const std::string when = std::string(", ") + whom + ", from " + std::to_string(first_s) + " s";
  PrintHead("mean windowed r" + when, samples.r_mean_windowed);
  for (int divisor : {3, 4, 5, 6, 8}) {
    PrintRow("t, shifts / " + std::to_string(divisor) + " degrees", samples.r_mean_windowed,
             [=](const Number& number) {
               const int half_degrees = (number.chance.shifts + divisor) / (2 * divisor);
               return UpperStudent(number.chance.z, 2 * std::clamp(half_degrees, 1, 32));
             });
  }
  PrintRow("as shipped", samples.r_mean_windowed, AsShipped);
  PrintHead("phase locking" + when, samples.plv_lf);
  for (int divisor : {6, 8, 10, 12, 15}) {
    PrintRow("F(2, 2 m), m = shifts / " + std::to_string(divisor), samples.plv_lf,
             [=](const Number& number) {
               const int m = (number.chance.shifts + divisor / 2) / divisor;
               return UpperLocking(LockingRatio(number.value, number.chance), std::clamp(m, 2, 64));
             });
  }
  PrintRow("as shipped", samples.plv_lf, AsShipped);
  std::fflush(stdout);
}

void PrintGroups(const char* whom, int half, int size, int rounds, int first_s, int seconds) {
  const Samples samples = SampleGroups(half, size, rounds, first_s, seconds, kSeed);
  const std::string when =
      " of " + std::to_string(size) + ", " + whom + ", from " + std::to_string(first_s) + " s";
  const auto print = [](const std::string& what, const std::vector<Number>& numbers) {
    PrintHead(what, numbers);
    for (int degrees : {20, 30, 40}) {
      for (double skew : {0.0, 0.05, 0.08}) {
        PrintRow("t, " + std::to_string(degrees) + " degrees, skew " + std::to_string(skew),
                 numbers, [=](const Number& number) {
                   const double z = number.chance.z;
                   return UpperStudent(skew == 0 ? z : Unskewed(z, skew), degrees);
                 });
      }
    }
    PrintRow("as shipped", numbers, AsShipped);
  };
  print("order parameter" + when, samples.order_parameter);
  print("mean pairwise r" + when, samples.r_mean_pairwise);
  std::fflush(stdout);
}

int Main() {
  const char* const whom[] = {"to choose", "to check"};
  for (int half : {0, 1}) {
    PrintPairs(whom[half], half, 40, 180, 1800);
    PrintPairs(whom[half], half, 200, 120, 120);
    PrintPairs(whom[half], half, 200, 150, 150);
  }
  for (int half : {0, 1}) {
    for (int size : {2, 3, 4, 8, 16, 27}) {
      PrintGroups(whom[half], half, size, 200, 180, 1800);
      PrintGroups(whom[half], half, size, 1000, 120, 120);
    }
  }
  return 0;
}

}  // namespace
}  // namespace attune::synchrony

int main() { return attune::synchrony::Main(); }
