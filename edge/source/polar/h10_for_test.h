// The recorded ECG of one strap and the beats in it, for tests.
#ifndef ATTUNE_EDGE_SOURCE_POLAR_H10_FOR_TEST_H_
#define ATTUNE_EDGE_SOURCE_POLAR_H10_FOR_TEST_H_

#include <cmath>
#include <cstdint>
#include <fstream>
#include <optional>
#include <sstream>
#include <string>
#include <vector>

namespace attune::edge {

struct H10Ecg {
  std::vector<double> time_s;
  std::vector<int32_t> microvolts;
  // Time of a place between samples.
  double TimeOf(double sample) const {
    const auto at = static_cast<size_t>(std::floor(sample));
    if (at + 1 >= time_s.size()) return time_s.back();
    return time_s[at] + (sample - static_cast<double>(at)) * (time_s[at + 1] - time_s[at]);
  }
};

struct H10Beat {
  double time_s = 0;
  std::optional<double> notified_ms;  // where the strap told exactly this interval
};

inline H10Ecg ReadH10Ecg() {
  H10Ecg ecg;
  std::ifstream file("tests/data/polar-h10/polar_h10_ecg130hz.csv");
  std::string line;
  std::getline(file, line);
  while (std::getline(file, line)) {
    const size_t comma = line.find(',');
    ecg.time_s.push_back(std::stod(line));
    ecg.microvolts.push_back(
        static_cast<int32_t>(std::lround(std::stod(line.substr(comma + 1)) * 1000)));
  }
  return ecg;
}

// Those of the first 300 s.
inline std::vector<H10Beat> ReadH10Beats() {
  std::vector<H10Beat> beats;
  std::ifstream file("tests/data/reference-values/h10/expected_beats.csv");
  std::string line;
  std::getline(file, line);
  while (std::getline(file, line)) {
    std::vector<std::string> fields;
    std::stringstream split(line);
    for (std::string field; std::getline(split, field, ',');) fields.push_back(field);
    H10Beat beat;
    beat.time_s = std::stod(fields[1]);
    if (fields.size() > 7 && fields[7] == "ok") beat.notified_ms = std::stod(fields[4]);
    beats.push_back(beat);
  }
  return beats;
}

}  // namespace attune::edge

#endif  // ATTUNE_EDGE_SOURCE_POLAR_H10_FOR_TEST_H_
