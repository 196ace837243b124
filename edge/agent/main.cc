// attune-agent: see flags.cc for what it does.
#include <signal.h>
#include <unistd.h>

#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <iostream>
#include <optional>
#include <string>
#include <vector>

#include "edge/agent/agent.h"
#include "edge/agent/consent.h"
#include "edge/agent/flags.h"
#include "edge/agent/help.h"
#include "edge/client/edge_clock.h"

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
  bool any_join = false;
  for (const auto& person : options.people) {
    if (!person.token.empty()) continue;
    any_join = true;
    const auto consents =
        options.consents ? *options.consents : attune::edge::DefaultConsents(!person.dyad.empty());
    std::cerr << person.name << " agrees to this:\n" << attune::edge::InWords(consents);
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

  const attune::edge::EdgeClock clock;
  attune::SystemRandom random;
  const bool json = options->json.value_or(isatty(STDOUT_FILENO) == 0);
  const bool colour = Variable("NO_COLOR").value_or("").empty();
  attune::edge::StatusWriter status(STDOUT_FILENO, json, options->quiet, colour);
  attune::edge::Agent agent(*options, clock, random, status, STDIN_FILENO);
  const absl::Status prepared = agent.Prepare();
  if (!prepared.ok()) {
    std::cerr << "attune-agent: " << prepared.message() << "\n";
    return attune::edge::kExitUsage;
  }
  if (!AskConsent(*options)) return attune::edge::kExitDeclined;
  return agent.Run(stop_requested);
}
