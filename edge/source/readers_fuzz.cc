// Any bytes through what reads recordings (rr_file.h, replay.h) and lines (line_source.h).
//
// The entry point is libFuzzer's; with ATTUNE_FUZZ_MAIN it runs by itself, over seeds and mutations
// of them that are always the same.
#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include "edge/source/line_source.h"
#include "edge/source/replay.h"
#include "services/base/random.h"

namespace attune::edge {
namespace {

constexpr size_t kLongest = 8192;  // fits a pipe
constexpr int64_t kStartUs = 5'000'000;
constexpr int64_t kForEver = INT64_MAX;

void Must(bool holds, const char* what) {
  if (holds) return;
  std::fprintf(stderr, "invariant broken: %s\n", what);
  std::abort();
}

// A message is short and cannot steer a terminal.
void CheckWords(std::string_view words) {
  Must(!words.empty() && words.size() < 400, "words are short");
  for (const char c : words) Must(c >= 0x20 && c < 0x7f, "words are harmless");
}

std::vector<SourceBeat> PollAll(Source& source, int64_t step_us) {
  std::vector<SourceBeat> beats;
  int64_t now_us = kStartUs;
  for (int i = 0; i < 20'000 && !source.finished(); ++i) {
    Must(source.Poll(now_us, &beats) <= now_us, "nothing is promised beyond now");
    now_us = i < 50 ? now_us + step_us : kForEver;
  }
  Must(source.finished(), "a recording ends");
  return beats;
}

void CheckReplay(const Recording& recording, const ReplayOptions& options) {
  auto whole = MakeReplay(recording, options);
  if (!whole.ok()) return CheckWords(std::string(whole.status().message()));
  (*whole)->Begin(kStartUs, 0);
  const std::vector<SourceBeat> beats = PollAll(**whole, 1'000'000);
  int64_t before_us = kStartUs;
  uint64_t position = 0;
  for (const SourceBeat& beat : beats) {
    Must(beat.position == ++position, "positions count from 1");
    Must(beat.time_us >= before_us, "times do not go back");
    Must(beat.rr_1024 >= kLeastRr1024 && beat.rr_1024 <= kMostRr1024, "an interval is one");
    before_us = beat.time_us;
  }
  // Polled otherwise, from the middle: the same beats.
  auto rest = MakeReplay(recording, options);
  (*rest)->Begin(kStartUs, position / 2);
  const std::vector<SourceBeat> again = PollAll(**rest, 77'777'777);
  Must(again.size() == beats.size() - position / 2, "it goes on where it was");
  for (size_t i = 0; i < again.size(); ++i) {
    const SourceBeat& one = beats[i + position / 2];
    Must(again[i].time_us == one.time_us && again[i].rr_1024 == one.rr_1024 &&
             again[i].gap_before == one.gap_before && again[i].position == one.position,
         "it gives the same beats again");
  }
}

void CheckRecording(std::string_view text) {
  const auto recording = ParseRecording(text, "a file");
  if (!recording.ok()) return CheckWords(std::string(recording.status().message()));
  Must(recording->intervals.size() > recording->refused, "a recording holds intervals");
  Must(recording->warnings.size() <= kMostWarnings, "warnings are few");
  for (const std::string& words : recording->warnings) CheckWords(words);
  uint64_t refused = 0;
  double before_s = -1e300;
  for (const RecordedInterval& interval : recording->intervals) {
    refused += interval.rr_1024 == 0;
    Must(interval.rr_1024 <= kMostRr1024, "an interval is one");
    if (!recording->has_arrivals) continue;
    Must(interval.arrival_s >= before_s, "arrivals do not go back");
    before_s = interval.arrival_s;
  }
  Must(refused == recording->refused, "what was refused is counted");
  ReplayOptions options;
  options.name = "a file";
  CheckReplay(*recording, options);
  options.at_s = 3;
  options.from_s = 1.5;
  options.seconds = 20;
  CheckReplay(*recording, options);
}

// What a line source makes of the text when it comes in two pieces.
std::vector<SourceBeat> ReadLines(std::string_view text, size_t cut) {
  int ends[2];
  Must(pipe(ends) == 0, "a pipe");
  const auto source = MakeLineSource(ends[0]);
  std::vector<SourceBeat> beats;
  for (const std::string_view part : {text.substr(0, cut), text.substr(cut)}) {
    Must(write(ends[1], part.data(), part.size()) == static_cast<ssize_t>(part.size()),
         "a pipe takes it");
    source->Poll(kStartUs, &beats);
  }
  close(ends[1]);
  source->Poll(kStartUs, &beats);
  Must(source->finished(), "the end is noticed");
  int64_t before_us = INT64_MIN;
  for (const SourceBeat& beat : beats) {
    Must(beat.time_us >= before_us, "arrivals do not go back");
    Must(beat.rr_1024 >= kLeastRr1024 && beat.rr_1024 <= kMostRr1024, "an interval is one");
    before_us = beat.time_us;
  }
  for (const std::string& words : source->TakeWarnings()) CheckWords(words);
  const auto lines = static_cast<uint64_t>(std::count(text.begin(), text.end(), '\n')) + 1;
  Must(beats.size() + source->refused() <= lines, "a line is one beat at most");
  close(ends[0]);
  return beats;
}

void CheckLines(std::string_view text) {
  const std::vector<SourceBeat> whole = ReadLines(text, 0);
  const std::vector<SourceBeat> parts = ReadLines(text, text.size() * 5 / 8);
  Must(whole.size() == parts.size(), "it does not matter where a read ends");
  for (size_t i = 0; i < whole.size(); ++i) {
    Must(whole[i].time_us == parts[i].time_us && whole[i].rr_1024 == parts[i].rr_1024 &&
             whole[i].gap_before == parts[i].gap_before,
         "it does not matter where a read ends");
  }
  const auto line = ParseLiveLine(text.substr(0, text.find('\n')));
  if (!line.ok()) CheckWords(std::string(line.status().message()));
}

}  // namespace
}  // namespace attune::edge

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data),
                              std::min(size, attune::edge::kLongest));
  attune::edge::CheckRecording(text);
  attune::edge::CheckLines(text);
  return 0;
}

#ifdef ATTUNE_FUZZ_MAIN
int main() {
  const std::vector<std::string> seeds = {
      "",
      "800\n810.5\n 795 \n# remark\n0\n805\n70000\n790\n-5\n",
      "arrival_s,rr_ms\n1.0,800\n1.0,810\n2.5,795\n4,0\n9.75,805\n",
      "rr_1024,x,arrival\n819,a,1\n830,,2\n1,,2\n",
      "12.25,812.5\n13,800\n{\"rr_ms\":812.5}\n{\"arrival_s\": 14, \"rr_ms\":790, \"x\":\"y\"}\n",
      "{\"a\":1,\"rr_ms\":812.5}\r\n\r\n 805\nnonsense\n810"};
  const std::vector<std::string> words = {",",
                                          "\n",
                                          "\r\n",
                                          "#",
                                          "-",
                                          "0",
                                          "1e9",
                                          "nan",
                                          "inf",
                                          "1e-320",
                                          "65535",
                                          "63999",
                                          "64000",
                                          "86400000",
                                          "1e300",
                                          "+",
                                          "rr_ms",
                                          "rr_1024",
                                          "arrival",
                                          "arrival_s",
                                          "\"",
                                          "{",
                                          "}",
                                          ":",
                                          "\x1b[2J",
                                          "\xff",
                                          ".",
                                          std::string(1, '\0'),
                                          std::string(1030, '7'),
                                          "9223372036854775807",
                                          "\"rr_ms\":",
                                          " "};
  attune::SeededRandom random(20261122);
  const auto run = [](const std::string& text) {
    LLVMFuzzerTestOneInput(reinterpret_cast<const uint8_t*>(text.data()), text.size());
  };
  for (const std::string& seed : seeds) run(seed);
  constexpr int kInputs = 6000;
  for (int i = 0; i < kInputs; ++i) {
    std::string text = seeds[random.Below(seeds.size())];
    for (uint64_t changes = 1 + random.Below(6); changes > 0; --changes) {
      const size_t at = random.Below(text.size() + 1);
      const size_t length = random.Below(std::min<size_t>(text.size() - at, 20) + 1);
      switch (random.Below(5)) {
        case 0:
          if (at < text.size()) text[at] = static_cast<char>(random.Below(256));
          break;
        case 1:
          text.erase(at, length);
          break;
        case 2:
          text.insert(at, words[random.Below(words.size())]);
          break;
        case 3:
          text.insert(random.Below(text.size() + 1), text.substr(at, length));
          break;
        default:
          text = text.substr(0, at) + seeds[random.Below(seeds.size())];
      }
    }
    run(text);
  }
  std::printf("%d mutations of %zu seeds, no invariant broken\n", kInputs, seeds.size());
  return 0;
}
#endif
