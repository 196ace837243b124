// A bad network as a program: see tcp_proxy.h and message_faults.h for what the faults are.
//
//   fault_proxy --to=127.0.0.1:PORT [--seed=N] [--messages] [--log=FILE]
//
// prints {"listen":"127.0.0.1:PORT"} and takes commands on standard input, one a line; each is
// answered by one line, `ok` or `error WORDS`. It ends when standard input does.
//
//   wire up|down|both [delay=MS] [jitter=MS] [rate=BYTES_PER_S] [hold]   what is not said is off
//   flip up|down COUNT                      a bit in each of the next chunks
//   cut reset|end|stream                    all connections; `stream`: all calls (--messages)
//   refuse on|off                           new connections
//   messages up|down [drop=P] [double=P] [spoil=P] [cut=P]     probability per message (--messages)
//   next up|down KIND ACTION [COUNT [AFTER]]  the next messages of a kind, for example
//                                           `next down ack drop 3`; KIND `any`; ACTION as above
//   clear                                   no faults from now on
//   counters                                answers {"up_bytes":...,"down_bytes":...,...}
//
// --messages puts a proxy that speaks gRPC behind the one of bytes; plaintext only. The log holds
// one JSON object per fault.
#include <fstream>
#include <iostream>
#include <memory>
#include <string>
#include <vector>

#include "absl/flags/flag.h"
#include "absl/flags/parse.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "tests/faults/message_faults.h"
#include "tests/faults/message_proxy.h"
#include "tests/faults/tcp_proxy.h"

ABSL_FLAG(std::string, to, "", "where to pass on to, IPv4:PORT");
ABSL_FLAG(uint64_t, seed, 1, "decides what is drawn");
ABSL_FLAG(bool, messages, false, "speak gRPC, for faults of messages");
ABSL_FLAG(std::string, log, "", "file for what was done");

namespace attune::faults {
namespace {

using Words = std::vector<std::string>;

struct Commands {
  TcpProxy& wire;
  MessageProxy* calls;  // null: bytes only
  MessageFaults& messages;

  std::string Do(const Words& words) {
    const std::string& verb = words[0];
    if (verb == "wire" && words.size() >= 2) return Wire(words);
    if (verb == "flip" && words.size() == 3) return Flip(words);
    if (verb == "cut" && words.size() == 2) return Cut(words[1]);
    if (verb == "refuse" && words.size() == 2 && (words[1] == "on" || words[1] == "off")) {
      wire.Refuse(words[1] == "on");
      return "ok";
    }
    if (verb == "messages" && words.size() >= 2) return Rates(words);
    if (verb == "next" && words.size() >= 4) return Next(words);
    if (verb == "clear" && words.size() == 1) {
      wire.Clear();
      messages.Clear();
      return "ok";
    }
    if (verb == "counters" && words.size() == 1) {
      return absl::StrCat("{\"up_bytes\":", wire.bytes(Direction::kUp),
                          ",\"down_bytes\":", wire.bytes(Direction::kDown),
                          ",\"connections\":", wire.connections(),
                          ",\"up_messages\":", messages.seen(Direction::kUp),
                          ",\"down_messages\":", messages.seen(Direction::kDown), "}");
    }
    return "error no such command; see the head of fault_proxy.cc";
  }

 private:
  static bool DirectionsOf(const std::string& word, std::vector<Direction>* directions) {
    if (word != "down") directions->push_back(Direction::kUp);
    if (word != "up") directions->push_back(Direction::kDown);
    return word == "up" || word == "down" || word == "both";
  }

  // key=NUMBER; false when it is not.
  static bool Number(const std::string& word, std::string* key, double* value) {
    const std::pair<std::string, std::string> parts = absl::StrSplit(word, absl::MaxSplits('=', 1));
    *key = parts.first;
    return absl::SimpleAtod(parts.second, value) && *value >= 0;
  }

  std::string Wire(const Words& words) {
    std::vector<Direction> directions;
    if (!DirectionsOf(words[1], &directions)) return "error up, down or both";
    WireFaults faults;
    for (size_t i = 2; i < words.size(); ++i) {
      std::string key;
      double value = 0;
      if (words[i] == "hold") {
        faults.hold = true;
      } else if (!Number(words[i], &key, &value)) {
        return "error what is " + words[i];
      } else if (key == "delay") {
        faults.delay_us = static_cast<int64_t>(value * 1000);
      } else if (key == "jitter") {
        faults.jitter_us = static_cast<int64_t>(value * 1000);
      } else if (key == "rate") {
        faults.bytes_per_s = static_cast<int64_t>(value);
      } else {
        return "error what is " + words[i];
      }
    }
    for (const Direction direction : directions) wire.Set(direction, faults);
    return "ok";
  }

  std::string Flip(const Words& words) {
    std::vector<Direction> directions;
    int count = 0;
    if (!DirectionsOf(words[1], &directions) || !absl::SimpleAtoi(words[2], &count)) {
      return "error flip up|down COUNT";
    }
    for (const Direction direction : directions) wire.Flip(direction, count);
    return "ok";
  }

  std::string Cut(const std::string& how) {
    if (how == "stream") {
      if (calls == nullptr) return "error needs --messages";
      calls->CutAll();
      return "ok";
    }
    if (how != "reset" && how != "end") return "error reset, end or stream";
    wire.Cut(how == "reset" ? TcpProxy::How::kReset : TcpProxy::How::kEnd);
    return "ok";
  }

  std::string Rates(const Words& words) {
    if (calls == nullptr) return "error needs --messages";
    std::vector<Direction> directions;
    if (!DirectionsOf(words[1], &directions)) return "error up, down or both";
    MessageRates rates;
    for (size_t i = 2; i < words.size(); ++i) {
      std::string key;
      double value = 0;
      if (!Number(words[i], &key, &value) || value > 1) return "error what is " + words[i];
      double* const rate = key == "drop"     ? &rates.drop
                           : key == "double" ? &rates.twice
                           : key == "spoil"  ? &rates.spoil
                           : key == "cut"    ? &rates.cut
                                             : nullptr;
      if (rate == nullptr) return "error what is " + words[i];
      *rate = value;
    }
    for (const Direction direction : directions) messages.SetRates(direction, rates);
    return "ok";
  }

  std::string Next(const Words& words) {
    if (calls == nullptr) return "error needs --messages";
    MessageRule rule;
    std::vector<Direction> directions;
    if (!DirectionsOf(words[1], &directions) || directions.size() != 1) return "error up or down";
    rule.direction = directions[0];
    rule.kind = words[2] == "any" ? "" : words[2];
    bool known = false;
    for (const Action action : {Action::kDrop, Action::kDouble, Action::kSpoil, Action::kCut}) {
      if (words[3] != NameOf(action)) continue;
      rule.action = action;
      known = true;
    }
    if (!known || (words.size() > 4 && !absl::SimpleAtoi(words[4], &rule.count)) ||
        (words.size() > 5 && !absl::SimpleAtoi(words[5], &rule.after))) {
      return "error next up|down KIND drop|double|spoil|cut [COUNT [AFTER]]";
    }
    messages.Add(rule);
    return "ok";
  }
};

int Main() {
  const SystemClock clock;
  std::ofstream file;
  if (!absl::GetFlag(FLAGS_log).empty()) file.open(absl::GetFlag(FLAGS_log));
  FaultLog log(clock, file.is_open() ? &file : nullptr);
  const uint64_t seed = absl::GetFlag(FLAGS_seed);
  MessageFaults messages(seed, log);
  std::unique_ptr<MessageProxy> calls;
  std::string to = absl::GetFlag(FLAGS_to);
  if (absl::GetFlag(FLAGS_messages)) {
    auto started = MessageProxy::Start(to, messages);
    if (!started.ok()) {
      std::cerr << "fault_proxy: " << started.status().message() << "\n";
      return 2;
    }
    calls = *std::move(started);
    to = calls->address();
  }
  auto wire = TcpProxy::Start(to, seed + 1, clock, log);
  if (!wire.ok()) {
    std::cerr << "fault_proxy: " << wire.status().message() << "\n";
    return 2;
  }
  std::cout << "{\"listen\":\"" << (*wire)->address() << "\"}" << std::endl;
  Commands commands{**wire, calls.get(), messages};
  std::string line;
  while (std::getline(std::cin, line)) {
    const Words words = absl::StrSplit(line, ' ', absl::SkipEmpty());
    std::cout << (words.empty() ? "error an empty line" : commands.Do(words)) << std::endl;
  }
  return 0;
}

}  // namespace
}  // namespace attune::faults

int main(int argc, char** argv) {
  absl::ParseCommandLine(argc, argv);
  return attune::faults::Main();
}
