#include "edge/agent/check.h"

#include <algorithm>
#include <chrono>
#include <optional>
#include <string>
#include <thread>
#include <utility>

#include "absl/strings/str_cat.h"
#include "edge/agent/check_lines.h"
#include "edge/agent/check_server.h"
#include "edge/agent/line_out.h"
#include "edge/words/text.h"
#include "services/base/log.h"

namespace attune::edge {
namespace {

constexpr int64_t kStepUs = 50'000;

void Sleep(int64_t us) { std::this_thread::sleep_for(std::chrono::microseconds(us)); }

bool IsStrap(const PersonOptions& person) { return person.source.starts_with("bluez"); }

struct Checked {
  std::string name;  // empty: the only one
  std::unique_ptr<SourceCheck> source;
};

// False: no strap can be used.
bool CheckAdapter(const CheckWorld& world, const Clock& clock, CheckWriter& writer) {
  writer.Progress(clock.SteadyMicros(), "",
                  {"adapter", Verdict::kWaiting, "looking what is in sight", ""});
  const auto straps = world.scan(world.scan_us);
  if (!straps.ok()) {
    writer.Found("", {"adapter", Verdict::kProblem, "Bluetooth cannot be used",
                      std::string(straps.status().message())});
    return false;
  }
  writer.Found("", {"adapter", Verdict::kOk,
                    absl::StrCat("Bluetooth is on, ", straps->size(),
                                 straps->size() == 1 ? " strap" : " straps", " in sight"),
                    ""});
  return true;
}

// All people at once, each at their own pace.
void CheckSources(const AgentOptions& options, const CheckWorld& world, const Clock& clock,
                  CheckWriter& writer, const std::atomic<bool>& stop) {
  const bool any_strap = std::any_of(options.people.begin(), options.people.end(), IsStrap);
  const bool radio = !any_strap || CheckAdapter(world, clock, writer);
  std::vector<Checked> people;
  for (const PersonOptions& person : options.people) {
    const std::string name = options.people.size() == 1 ? "" : person.name;
    if (!radio && IsStrap(person)) {
      writer.Found(name, {"strap", Verdict::kWaiting, "cannot be seen without Bluetooth", ""});
      continue;
    }
    auto source = world.make_source(person.source);
    if (source.ok()) {
      people.push_back({name, std::make_unique<SourceCheck>(*std::move(source), world.times)});
    } else {
      writer.Found(name, {IsStrap(person) ? "strap" : "beats", Verdict::kProblem,
                          std::string(source.status().message()), "change --source"});
    }
  }
  while (!stop) {
    const int64_t now_us = clock.SteadyMicros();
    std::optional<Finding> waiting;
    std::string whose;
    for (Checked& person : people) {
      person.source->Step(now_us);
      for (const Finding& finding : person.source->Take()) writer.Found(person.name, finding);
      if (!waiting && (waiting = person.source->Waiting(now_us))) whose = person.name;
    }
    if (!waiting) return;
    writer.Progress(now_us, whose, *waiting);
    Sleep(kStepUs);
  }
  for (const Checked& person : people) {
    if (const auto waiting = person.source->Waiting(clock.SteadyMicros())) {
      writer.Found(person.name, {waiting->step, Verdict::kWaiting, "not seen: stopped", ""});
    }
  }
}

void CheckServer(const AgentOptions& options, const Clock& clock, CheckWriter& writer,
                 const std::atomic<bool>& stop) {
  if (options.servers.empty()) {
    writer.Found("", {"server", Verdict::kWaiting, "none was given", "give --server=HOST:PORT"});
    return;
  }
  std::optional<ServerCheck> server;
  for (const std::string& address : options.servers) {  // each is worth knowing
    if (stop) return;
    writer.Progress(clock.SteadyMicros(), "",
                    {"server", Verdict::kWaiting, "asking " + address, ""});
    ServerCheck one(address, options.channel, clock);
    const Finding finding = one.Reach();
    writer.Found("", finding);
    if (finding.verdict == Verdict::kOk && !server) server.emplace(std::move(one));
  }
  if (!server) {
    writer.Found("", {"code", Verdict::kWaiting, "cannot be seen without a server", ""});
    return;
  }
  std::string token;
  bool good = false;
  if (!options.join_code.empty()) {
    const Finding finding = server->JoinCode(options.join_code);
    writer.Found("", finding);
    good = finding.verdict == Verdict::kOk;
  }
  bool any = !options.join_code.empty();
  for (const PersonOptions& person : options.people) {
    if (person.token.empty() || stop) continue;
    any = true;
    const Finding finding = server->Token(person.token);
    writer.Found(options.people.size() == 1 ? "" : person.name, finding);
    if (finding.verdict == Verdict::kOk && token.empty()) token = person.token;
  }
  if (!any) {
    writer.Found("", {"code", Verdict::kWaiting, "neither join code nor token was given",
                      "give --join=CODE or --token-file=FILE"});
  }
  if (stop) return;
  if (good || !token.empty()) {
    writer.Found("", server->SessionClock(good ? options.join_code : "", token, stop));
  } else {
    writer.Found("", {"clock", Verdict::kWaiting, "cannot be seen without a code or token", ""});
  }
}

}  // namespace

ExitCode RunCheck(const AgentOptions& options, const CheckWorld& world, const Clock& clock, int fd,
                  bool json, const std::atomic<bool>& stop) {
  CheckWriter writer(fd, json);
  CheckSources(options, world, clock, writer, stop);
  if (!stop) {
    CheckServer(options, clock, writer, stop);
  } else {
    writer.Found("", {"server", Verdict::kWaiting, "not seen: stopped", ""});
  }
  writer.Finish();
  if (writer.problems() > 0) return kExitProblem;
  return writer.unseen() > 0 ? kExitUnfinished : kExitDone;
}

ExitCode RunScan(const AgentOptions& options, const CheckWorld& world, int fd, bool json) {
  LineOut out(fd);
  if (!json) {
    out.Put(absl::StrCat("Looking for ", options.scan_seconds,
                         " s. A strap shows itself only while it is worn.\n"),
            /*passing=*/false);
  }
  const auto straps = world.scan(int64_t{options.scan_seconds} * 1'000'000);
  if (!straps.ok()) {
    const std::string words(straps.status().message());
    out.Put(json ? absl::StrCat("{\"event\":\"problem\",\"text\":", JsonQuote(words), "}\n")
                 : absl::StrCat("Bluetooth cannot be used: ", words, "\n"),
            /*passing=*/false);
    out.Flush();
    return kExitProblem;
  }
  for (const FoundStrap& strap : *straps) {
    if (json) {
      std::string line = absl::StrCat("{\"event\":\"strap\",\"address\":", JsonQuote(strap.address),
                                      ",\"name\":", JsonQuote(strap.name));
      if (strap.signal_dbm) absl::StrAppend(&line, ",\"signal_dbm\":", *strap.signal_dbm);
      absl::StrAppend(&line, ",\"connected\":", strap.connected ? "true" : "false",
                      ",\"paired\":", strap.paired ? "true" : "false", "}\n");
      out.Put(line, /*passing=*/false);
      continue;
    }
    const std::string signal =
        strap.signal_dbm ? absl::StrCat(*strap.signal_dbm, " dBm") : "no signal";
    out.Put(absl::StrCat(Left(Harmless(strap.address), 19), Left(Harmless(strap.name), 26),
                         Left(signal, 11), strap.connected ? "connected" : "", "\n"),
            /*passing=*/false);
  }
  if (json) {
    out.Put(absl::StrCat("{\"event\":\"scanned\",\"straps\":", straps->size(), "}\n"),
            /*passing=*/false);
  } else if (straps->empty()) {
    out.Put(
        "No strap is in sight: put it on with wet electrodes, come closer, and end other apps "
        "and watches that use it.\n",
        /*passing=*/false);
  } else {
    out.Put(absl::StrCat("Next: attune-agent check --source=bluez:", straps->front().address, "\n"),
            /*passing=*/false);
  }
  out.Flush();
  return kExitDone;
}

}  // namespace attune::edge
