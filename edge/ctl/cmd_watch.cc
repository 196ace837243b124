// watch.
#include <cmath>
#include <memory>

#include "absl/strings/str_cat.h"
#include "attune/v1/live.grpc.pb.h"
#include "edge/ctl/command.h"
#include "edge/ctl/server.h"
#include "edge/ctl/watch_loop.h"
#include "edge/words/words.h"
#include "services/base/status_macros.h"

namespace attune::edge {
namespace {

Look ChooseLook(const Args& args, Environment& environment, bool live) {
  const auto is_set = [&](const char* name) {
    const auto value = environment.variable(name);
    return value && !value->empty();
  };
  const std::string term = environment.variable("TERM").value_or("");
  std::string locale;
  for (const char* name : {"LC_ALL", "LC_CTYPE", "LANG"}) {
    if (locale.empty()) locale = environment.variable(name).value_or("");
  }
  // A locale that names another encoding cannot show our symbols; one that names none mostly can.
  const bool other_encoding = locale.find('.') != std::string::npos &&
                              locale.find("UTF-8") == std::string::npos &&
                              locale.find("utf8") == std::string::npos;
  Look look;
  look.ascii = args.Has("ascii") || other_encoding || term == "linux";
  look.colour = live && !args.Has("no-color") && !is_set("NO_COLOR") && term != "dumb";
  return look;
}

absl::StatusOr<WatchLoopOptions> LoopOptions(const Args& args, Environment& environment) {
  WatchLoopOptions options;
  ATTUNE_ASSIGN_OR_RETURN(const std::string format, args.OneOf("format", {"text", "jsonl"}));
  const bool dumb = environment.variable("TERM").value_or("") == "dumb";
  const bool live = environment.out_is_terminal && !dumb;
  options.output = format == "jsonl" ? WatchOutput::kJsonLines
                   : live            ? WatchOutput::kLive
                                     : WatchOutput::kPlain;
  options.look = ChooseLook(args, environment, live);
  ATTUNE_ASSIGN_OR_RETURN(const double seconds, args.Real("seconds", 0, 0.1, 1e6));
  options.for_us = std::llround(seconds * 1e6);
  ATTUNE_ASSIGN_OR_RETURN(const double every_s, args.Real("every", 10, 0.5, 3600));
  options.every_us = std::llround(every_s * 1e6);
  ATTUNE_ASSIGN_OR_RETURN(const int64_t columns, args.Int("columns", 80, Screen::kMinColumns, 500));
  options.columns = static_cast<int>(columns);
  return options;
}

absl::Status RunWatch(const Args& args, Environment& environment) {
  ATTUNE_ASSIGN_OR_RETURN(const WatchLoopOptions options, LoopOptions(args, environment));
  BlockWatchSignals();  // before gRPC starts threads, which inherit the mask
  ATTUNE_ASSIGN_OR_RETURN(const Server server,
                          Server::Connect(args, environment, v1::ROLE_FACILITATOR));
  const auto stub = v1::LiveService::NewStub(server.channel());
  const bool until_closed = args.Has("until-closed");
  WatchOptions client;
  client.token = server.token();
  client.traceparent = environment.variable(kTraceparentVariable).value_or("");
  client.history = options.output != WatchOutput::kJsonLines;
  client.give_up_us = until_closed ? 0 : server.timeout_us();
  const WatchResult result = RunWatchLoop(*stub, environment, client, options);
  if (!environment.out) return absl::AbortedError("the reader of the output went away.");
  const bool text = options.output != WatchOutput::kJsonLines;
  if (result.client.ok()) {
    if (text) {
      environment.out << "The session is closed. `attunectl report --server=" << server.address()
                      << "` shows its report.\n";
    }
    return absl::OkStatus();
  }
  if (!absl::IsCancelled(result.client)) return server.InWords(result.client);
  if (until_closed && !result.by_person) {
    return absl::DeadlineExceededError("the session was not closed within --seconds.");
  }
  if (text && result.model.has_session()) {
    environment.out << "Stopped watching at "
                    << ClockTime(result.model.SessionNowUs(environment.clock.SteadyMicros()))
                    << "; the session goes on.\n";
  }
  return absl::OkStatus();
}

}  // namespace

std::vector<Command> WatchCommands() {
  CommandSpec watch;
  watch.name = "watch";
  watch.summary = "see a session live";
  watch.description =
      "Shows what the token's bearer may see, while it happens: people and how fresh their data "
      "is,\n"
      "pairs and the group with their chance bands, and what was marked. Reconnects by itself.\n"
      "q or Ctrl-C leaves; the session goes on. When the output is not a terminal, a plain screen "
      "is\n"
      "printed from time to time.";
  watch.flags = {
      {"format", "FORMAT", "text (default) or jsonl: a WatchEvent per line, at once"},
      {"seconds", "N", "stop after N seconds"},
      {"until-closed", "",
       "keep trying until the session is closed; with --seconds, it is a\n"
       "failure when it is not closed by then"},
      {"every", "SECONDS", "between plain screens (default 10)"},
      {"columns", "N", "width of plain screens (default 80)"},
      {"no-color", "", "no colours (also with NO_COLOR in the environment)"},
      {"ascii", "", "no symbols beyond ASCII"},
  };
  watch.examples = {"attunectl watch --token=$T",
                    "attunectl watch --format=jsonl --until-closed > events.jsonl"};
  return {{watch, RunWatch}};
}

}  // namespace attune::edge
