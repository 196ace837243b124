// Runs the fuzz target without libFuzzer: over seeds and mutations of them that are always the
// same.
//
//   readers_fuzz_test [ROUNDS [SEED]]     default: 4,000 mutations with seed 1
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

#include "services/base/random.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size);

namespace {

constexpr size_t kLongest = 4096;

const std::vector<std::string>& Seeds() {
  static const std::vector<std::string> seeds = {
      "", "800\n810.5\n 795 \n# remark\n70000\n805\n790\n",
      "rr_ms,t_s,gap_before\n800,0.8,0\n810,1.61,\n795,2.4,1\n805,3.2,0\n",
      "\xef\xbb\xbf\"rr_1024\",arrival_s\n819,1\n830,2\n814,9\n824,10\n",
      "# attune-export 1\n"
      "# session {\"kind\":\"SESSION_KIND_LAB\",\"title\":\"a\",\"length_us\":\"9000000\","
      "\"tick_ms\":1000,\"engine_version\":\"2\",\"open_people_most\":64,"
      "\"measures\":[\"MEASURE_SDNN_MS\"]}\n"
      "# phase {\"to_session_us\":\"4000000\"}\n"
      "# phase {\"phase\":1,\"label\":\"x\",\"from_session_us\":\"4000000\","
      "\"to_session_us\":\"9000000\"}\n"
      "# practice {\"practice\":1,\"kind\":\"PRACTICE_KIND_PACED_BREATHING\",\"pacer\":"
      "{\"inhale_ms\":4000,\"exhale_ms\":6000},\"started_session_us\":\"1000000\"}\n"
      "# person "
      "{\"participant\":1,\"alias\":\"Ana\",\"measures\":[{\"scale\":\"s\",\"value\":0.1}]}\n"
      "# person {\"participant\":2,\"left_session_us\":\"8000000\",\"group_from_us\":\"-1\"}\n"
      "# pair {\"dyad\":1,\"a\":1,\"b\":2}\n"
      "participant,t_session_us,rr_1024,gap_before,jitter_us,offset_bound_us\n"
      "1,800000,819,0,1000,2000\n2,810000,829,1,1000,2000\n1,1600000,819,0,1000,2000\n"
      "1,2400000,819,1,1000,60000000\n2,1620000,829,0,1000,2000\n1,3200000,819,0,0,0\n"};
  return seeds;
}

// Words that readers look for, and numbers at the edges of what they take.
const std::vector<std::string>& Words() {
  static const std::vector<std::string> words = {",",
                                                 "\n",
                                                 "\r\n",
                                                 "#",
                                                 "# ",
                                                 "-1",
                                                 "0",
                                                 "1",
                                                 "1e9",
                                                 "nan",
                                                 "inf",
                                                 "1e-320",
                                                 "65535",
                                                 "65536",
                                                 "86400000",
                                                 "2678400000000",
                                                 "9223372036854775807",
                                                 "-9223372036854775808",
                                                 "rr_ms",
                                                 "rr_1024",
                                                 "t_s",
                                                 "arrival",
                                                 "gap_before",
                                                 "\"",
                                                 "{",
                                                 "}",
                                                 "[",
                                                 "]",
                                                 ":",
                                                 "\"tick_ms\":250",
                                                 "\"length_us\":\"0\"",
                                                 "# person {\"participant\":3}\n",
                                                 "# session {}\n",
                                                 "# phase {}\n",
                                                 "\x1b[2J",
                                                 "\xff",
                                                 std::string(1, '\0'),
                                                 "# attune-export 1\n",
                                                 "1,",
                                                 "2,",
                                                 "819"};
  return words;
}

class Mutator {
 public:
  explicit Mutator(uint64_t seed) : random_(seed) {}
  std::string Next() {
    std::string text = Pick(Seeds());
    for (uint64_t changes = 1 + random_.Below(6); changes > 0; --changes) Change(text);
    if (text.size() > kLongest) text.resize(kLongest);
    return text;
  }

 private:
  const std::string& Pick(const std::vector<std::string>& all) {
    return all[random_.Below(all.size())];
  }
  void Change(std::string& text) {
    const size_t at = random_.Below(text.size() + 1);
    const size_t length = random_.Below(std::min<size_t>(text.size() - at, 24) + 1);
    switch (random_.Below(6)) {
      case 0:
        if (at < text.size()) text[at] = static_cast<char>(random_.Below(256));
        break;
      case 1:
        text.erase(at, length);
        break;
      case 2:
        text.insert(at, Pick(Words()));
        break;
      case 3:
        text.replace(at, length, Pick(Words()));
        break;
      case 4:  // a piece again, elsewhere
        text.insert(random_.Below(text.size() + 1), text.substr(at, length));
        break;
      default: {  // the head of one, the tail of another
        const std::string& other = Pick(Seeds());
        text = text.substr(0, at) + other.substr(random_.Below(other.size() + 1));
        break;
      }
    }
  }
  attune::SeededRandom random_;
};

void Run(const std::string& text) {
  LLVMFuzzerTestOneInput(reinterpret_cast<const uint8_t*>(text.data()), text.size());
}

}  // namespace

int main(int argc, char** argv) {
  const int rounds = argc > 1 ? std::atoi(argv[1]) : 4000;
  Mutator mutator(argc > 2 ? static_cast<uint64_t>(std::atoll(argv[2])) : 1);
  for (const std::string& seed : Seeds()) Run(seed);
  for (int i = 0; i < rounds; ++i) Run(mutator.Next());
  std::printf("%d mutations of %zu seeds, no invariant broken\n", rounds, Seeds().size());
  return 0;
}
