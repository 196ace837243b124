#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <iostream>
#include <string>
#include <vector>

#include "edge/ctl/command.h"

int main(int argc, char** argv) {
  // A reader of our output that goes away is a failed write, not a sudden death.
  std::signal(SIGPIPE, SIG_IGN);
  const attune::SystemClock clock;
  attune::SystemRandom random;
  attune::edge::Environment environment{
      .in = std::cin,
      .out = std::cout,
      .err = std::cerr,
      .clock = clock,
      .random = random,
      .variable = [](const std::string& name) -> std::optional<std::string> {
        const char* value = std::getenv(name.c_str());
        if (value == nullptr) return std::nullopt;
        return value;
      },
      .in_is_terminal = isatty(STDIN_FILENO) == 1,
      .out_is_terminal = isatty(STDOUT_FILENO) == 1,
      .err_is_terminal = isatty(STDERR_FILENO) == 1,
  };
  const int code =
      attune::edge::RunCtl(std::vector<std::string>(argv + 1, argv + argc), environment);
  return std::cout ? code : attune::edge::kExitFailed;
}
