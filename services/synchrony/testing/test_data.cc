#include "services/synchrony/testing/test_data.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <random>
#include <sstream>

namespace attune::synchrony::testing {
namespace {

[[noreturn]] void Fail(const std::string& what) {
  std::fprintf(stderr, "test data: %s\n", what.c_str());
  std::abort();
}

void DumpNumber(const char* name, const Number& n, std::string* out) {
  char line[500];
  std::snprintf(line, sizeof(line),
                " %s absent=%d value=%a uncertainty=%a window=%lld coverage=%a doubtful=%d "
                "chance=%d/%d mean=%a sd=%a z=%a low=%a high=%a p=%a shifts=%d above=%d\n",
                name, static_cast<int>(n.absent), n.value, n.uncertainty,
                static_cast<long long>(n.window_us), n.coverage, n.doubtful, n.has_chance,
                static_cast<int>(n.chance_absent), n.chance.mean, n.chance.sd, n.chance.z,
                n.chance.low, n.chance.high, n.chance.p, n.chance.shifts, n.chance.above);
  *out += line;
}

void DumpMore(const std::vector<NamedNumber>& more, std::string* out) {
  for (const NamedNumber& named : more) {
    const std::string name = "measure " + std::to_string(static_cast<int>(named.measure)) +
                             " as of " + std::to_string(named.as_of_us);
    DumpNumber(name.c_str(), named.number, out);
  }
}

}  // namespace

std::string ReadFile(const std::string& path) {
  std::ifstream file(path);
  if (!file) Fail("cannot read " + path);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

std::map<std::string, std::vector<std::string>> ReadCsv(const std::string& path) {
  std::istringstream file(ReadFile(path));
  std::string line, cell;
  std::vector<std::string> names;
  std::getline(file, line);
  for (std::istringstream header(line); std::getline(header, cell, ',');) names.push_back(cell);
  std::map<std::string, std::vector<std::string>> columns;
  while (std::getline(file, line)) {
    std::istringstream row(line);
    for (const std::string& name : names) {
      cell.clear();
      std::getline(row, cell, ',');
      columns[name].push_back(cell);
    }
  }
  return columns;
}

std::vector<double> ToDoubles(const std::vector<std::string>& column) {
  std::vector<double> values;
  for (const std::string& cell : column) values.push_back(std::strtod(cell.c_str(), nullptr));
  return values;
}

std::string_view JsonAt(std::string_view json, std::string_view key, int occurrence) {
  const std::string quoted = "\"" + std::string(key) + "\":";
  size_t at = 0;
  for (int i = 0; i <= occurrence; ++i) {
    at = json.find(quoted, at);
    if (at == std::string_view::npos) Fail("no key " + quoted);
    at += quoted.size();
  }
  return json.substr(at);
}

double JsonNumber(std::string_view json, std::string_view key) {
  return std::strtod(std::string(JsonAt(json, key).substr(0, 40)).c_str(), nullptr);
}

std::vector<double> JsonNumbers(std::string_view json, std::string_view key) {
  const std::string_view array = JsonAt(json, key);
  if (array.empty() || array[0] != '[') Fail("no array at " + std::string(key));
  std::vector<double> values;
  int depth = 0;
  size_t at = 0;
  do {
    const char c = array[at];
    if (c == '[') {
      ++depth, ++at;
    } else if (c == ']') {
      --depth, ++at;
    } else if (c == '-' || (c >= '0' && c <= '9')) {
      const size_t end = array.find_first_of(",]", at);
      values.push_back(std::strtod(std::string(array.substr(at, end - at)).c_str(), nullptr));
      at = end;
    } else if (c == 'n') {
      values.push_back(std::nan(""));
      at += 4;
    } else {
      ++at;
    }
  } while (depth > 0 && at < array.size());
  return values;
}

std::vector<Beat> BeatsFromMs(const std::vector<double>& rr_ms, int64_t start_us) {
  std::vector<Beat> beats;
  double time_ms = 0;
  for (double rr : rr_ms) {
    time_ms += rr;
    beats.push_back({start_us + std::llround(time_ms * 1000),
                     static_cast<uint16_t>(std::clamp(std::lround(rr * 1.024), 0L, 65535L)),
                     false});
  }
  return beats;
}

std::vector<double> ReadNsr(int person) {
  char path[64];
  std::snprintf(path, sizeof(path), "tests/data/nsr2db/nsr%03d.rr", person);
  std::istringstream file(ReadFile(path));
  std::vector<double> rr;
  for (double value; file >> value;) rr.push_back(value);
  return rr;
}

std::vector<Beat> SimulatedBeats(uint64_t seed, double mean_ms, double seconds) {
  std::mt19937_64 random(seed);
  const auto unit = [&random] { return static_cast<double>(random() >> 11) * 0x1p-53; };
  const double breath_hz = 0.2 + 0.1 * unit();
  const double wave_hz = 0.07 + 0.05 * unit();
  const double breath_phase = unit(), wave_phase = unit();
  std::vector<double> rr;
  for (double t = 0; t < seconds;) {
    const double pi2 = 6.283185307179586;
    const double value = mean_ms + 25 * std::sin(pi2 * (breath_hz * t + breath_phase)) +
                         30 * std::sin(pi2 * (wave_hz * t + wave_phase)) + 16 * (unit() - 0.5);
    rr.push_back(value);
    t += value / 1000;
  }
  return BeatsFromMs(rr);
}

std::vector<std::vector<Beat>> RealRoom(double seconds) {
  std::vector<std::vector<Beat>> room;
  for (int person : {3, 8, 16, 30}) {
    std::vector<double> rr = ReadNsr(person);
    rr.erase(rr.begin(), rr.begin() + 2900);
    std::vector<Beat> beats = BeatsFromMs(rr, 137'000 * person);
    std::erase_if(beats, [&](const Beat& b) { return b.time_us > seconds * 1'000'000; });
    room.push_back(beats);
  }
  return room;
}

Selection Everybody(int people) {
  Selection selection;
  for (int a = 0; a < people; ++a) {
    selection.people.push_back(a);
    selection.group.push_back(a);
    for (int b = a + 1; b < people; ++b) selection.pairs.emplace_back(a, b);
  }
  return selection;
}

std::string Dump(const Frame& frame) {
  std::string out = "tick " + std::to_string(frame.tick_end_us) + "\n";
  for (const PersonNumbers& p : frame.people) {
    out += "person " + std::to_string(p.person) + " last " + std::to_string(p.last_beat_us) + "\n";
    DumpNumber("hr", p.hr_bpm, &out);
    DumpNumber("rmssd", p.rmssd_ms, &out);
    DumpNumber("artefacts", p.artefact_share, &out);
    DumpMore(p.more, &out);
  }
  for (const PairNumbers& p : frame.pairs) {
    out += "pair " + std::to_string(p.a) + "," + std::to_string(p.b) + "\n";
    DumpNumber("zero", p.r_zero_lag, &out);
    DumpNumber("peak", p.r_peak, &out);
    DumpNumber("lag", p.lag_ms, &out);
    DumpNumber("windowed", p.r_mean_windowed, &out);
    DumpNumber("locking", p.plv_lf, &out);
    DumpMore(p.more, &out);
  }
  out += "group " + std::to_string(frame.group.people) + ":";
  for (int person : frame.group.contributors) out += " " + std::to_string(person);
  out += "\n";
  DumpNumber("order", frame.group.order_parameter, &out);
  DumpNumber("pairwise", frame.group.r_mean_pairwise, &out);
  DumpMore(frame.group.more, &out);
  return out;
}

}  // namespace attune::synchrony::testing
