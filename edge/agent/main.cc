// attune-agent: see flags.cc for what it does.
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <iostream>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "edge/agent/agent.h"
#include "edge/agent/check.h"
#include "edge/agent/consent.h"
#include "edge/agent/flags.h"
#include "edge/agent/help.h"
#include "edge/agent/status.h"
#include "edge/client/edge_clock.h"
#include "edge/source/spec.h"
#include "edge/words/text.h"

namespace {

std::atomic<bool> stop_requested{false};
static_assert(std::atomic<bool>::is_always_lock_free);

void OnSignal(int) { stop_requested = true; }

std::optional<std::string> Variable(const std::string& name) {
  const char* value = std::getenv(name.c_str());
  if (value == nullptr) return std::nullopt;
  return value;
}

// Says what is agreed to; true: go on.
bool AskConsent(const attune::edge::AgentOptions& options) {
  std::vector<std::pair<std::string, std::string>> agreed;  // what, who
  for (const auto& person : options.people) {
    if (!person.token.empty()) continue;
    const std::string words = attune::edge::InWords(
        options.consents ? *options.consents : attune::edge::DefaultConsents(!person.dyad.empty()));
    const auto same = std::find_if(agreed.begin(), agreed.end(),
                                   [&](const auto& one) { return one.first == words; });
    if (same == agreed.end()) {
      agreed.emplace_back(words, person.name);
    } else {
      same->second += ", " + person.name;
    }
  }
  const bool any_join = !agreed.empty();
  for (const auto& [words, who] : agreed) {
    std::cerr << attune::edge::Harmless(who)
              << (who.find(", ") == std::string::npos ? " agrees to this:\n" : " agree to this:\n")
              << words;
  }
  if (!any_join || options.yes) return true;
  if (isatty(STDIN_FILENO) == 0) {
    std::cerr << "attune-agent: nobody can be asked here: say --yes when this is agreed to\n";
    return false;
  }
  std::cerr << "Change it with --consent. Join? [y/N] ";
  std::string answer;
  std::getline(std::cin, answer);
  return answer == "y" || answer == "Y" || answer == "yes";
}

}  // namespace

int main(int argc, char** argv) {
  const auto options = attune::edge::ParseFlags({argv + 1, argv + argc}, Variable);
  if (!options.ok()) {
    std::cerr << "attune-agent: " << options.status().message() << "\n";
    return attune::edge::kExitUsage;
  }
  if (options->help) {
    std::cout << attune::edge::HelpText();
    return attune::edge::kExitDone;
  }
  if (options->version) {
    std::cout << attune::edge::VersionText();
    return attune::edge::kExitDone;
  }
  for (const std::string& words : options->warnings) std::cerr << "attune-agent: " << words << "\n";
  struct sigaction action = {};
  action.sa_handler = OnSignal;
  sigaction(SIGINT, &action, nullptr);
  sigaction(SIGTERM, &action, nullptr);
  signal(SIGPIPE, SIG_IGN);
  // What gRPC has to say comes as errors too, in our words; on a terminal it would break the line.
  setenv("GRPC_VERBOSITY", "NONE", /*overwrite=*/0);

  const attune::edge::EdgeClock clock;
  attune::SystemRandom random;
  const bool json = options->json.value_or(isatty(STDOUT_FILENO) == 0);
  if (options->command != attune::edge::Command::kRun) {
    std::shared_ptr<attune::edge::BluezHost> bluez;
    const attune::edge::CheckWorld world = {
        .make_source =
            [&](std::string_view spec) {
              return attune::edge::MakeSource(
                  spec, {STDIN_FILENO, clock, random, options->lsl_library, &bluez});
            },
        .scan = [&](int64_t for_us) { return attune::edge::ScanStraps(for_us, clock); },
        .times = {},
    };
    return options->command == attune::edge::Command::kScan
               ? RunScan(*options, world, STDOUT_FILENO, json)
               : RunCheck(*options, world, clock, STDOUT_FILENO, json, stop_requested);
  }
  const bool colour = Variable("NO_COLOR").value_or("").empty();
  attune::edge::StatusWriter status(STDOUT_FILENO, json, options->quiet, colour);
  if (options->notes_only) status.LeaveOutStatus();
  attune::edge::Agent agent(*options, clock, random, status, STDIN_FILENO);
  const absl::Status prepared = agent.Prepare();
  if (!prepared.ok()) {
    std::cerr << "attune-agent: " << prepared.message() << "\n";
    return attune::edge::kExitUsage;
  }
  if (!AskConsent(*options)) return attune::edge::kExitDeclined;
  return agent.Run(stop_requested);
}
