// Test data from files and from a generator; for tests and benchmarks only.
#ifndef ATTUNE_SERVICES_SYNCHRONY_TESTING_TEST_DATA_H_
#define ATTUNE_SERVICES_SYNCHRONY_TESTING_TEST_DATA_H_

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "services/synchrony/numbers.h"

namespace attune::synchrony::testing {

// The whole file at `path` (from the workspace root). Ends the program when it cannot be read: a
// test without its data must not pass.
std::string ReadFile(const std::string& path);

// Columns of a CSV file with a header line, as text, by name.
std::map<std::string, std::vector<std::string>> ReadCsv(const std::string& path);
std::vector<double> ToDoubles(const std::vector<std::string>& column);

// Where the JSON value after the `occurrence`th `"key":` begins, within `json`.
std::string_view JsonAt(std::string_view json, std::string_view key, int occurrence = 0);
double JsonNumber(std::string_view json, std::string_view key);
// All numbers of the array (nested ones flattened); null becomes NaN.
std::vector<double> JsonNumbers(std::string_view json, std::string_view key);

// Intervals in ms, one a line, as beats from session time `start_us` on, rounded as a strap would
// (1/1024 s), beat times kept from the unrounded sum.
std::vector<Beat> BeatsFromMs(const std::vector<double>& rr_ms, int64_t start_us = 0);
// Person 1..54 of tests/data/nsr2db.
std::vector<double> ReadNsr(int person);

// A person who is like no recording: intervals around `mean_ms` with breathing and slow waves of
// random strength and phase. Deterministic in `seed`.
std::vector<Beat> SimulatedBeats(uint64_t seed, double mean_ms, double seconds);

// Four real people, with artefacts and dropouts, from somewhere inside their records, up to
// `seconds`.
std::vector<std::vector<Beat>> RealRoom(double seconds);

// People 0 .. people - 1, all their pairs, one group.
Selection Everybody(int people);

// Every bit of a frame as text, to compare frames and to see where they differ.
std::string Dump(const Frame& frame);

}  // namespace attune::synchrony::testing

#endif  // ATTUNE_SERVICES_SYNCHRONY_TESTING_TEST_DATA_H_
