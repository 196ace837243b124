// mark, practice.
#include <cmath>
#include <memory>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "attune/v1/session.grpc.pb.h"
#include "edge/ctl/command.h"
#include "edge/ctl/server.h"
#include "edge/words/json.h"
#include "edge/words/words.h"
#include "services/base/status_macros.h"

namespace attune::edge {
namespace {

using Service = v1::SessionService::StubInterface;

constexpr std::pair<const char*, v1::PracticeKind> kPractices[] = {
    {"baseline", v1::PRACTICE_KIND_BASELINE},
    {"paced-breathing", v1::PRACTICE_KIND_PACED_BREATHING},
    {"micro-pause", v1::PRACTICE_KIND_MICRO_PAUSE},
    {"listening", v1::PRACTICE_KIND_LISTENING},
    {"gratitude", v1::PRACTICE_KIND_GRATITUDE},
    {"reflection", v1::PRACTICE_KIND_REFLECTION},
    {"shared-stimulus", v1::PRACTICE_KIND_SHARED_STIMULUS},
};

std::string PracticeNames() {
  std::vector<std::string> names;
  for (const auto& [name, kind] : kPractices) names.emplace_back(name);
  return absl::StrJoin(names, ", ");
}

absl::Status RunMark(const Args& args, Environment& environment) {
  ATTUNE_ASSIGN_OR_RETURN(const std::string format, args.OneOf("format", {"text", "json"}));
  v1::AnnotateRequest request;
  request.set_request_id(NewRequestId(environment.random));
  if (!args.operands().empty()) request.set_label(args.operands()[0]);
  ATTUNE_ASSIGN_OR_RETURN(const int64_t undo, args.Int("undo", 0, 1, UINT32_MAX));
  ATTUNE_ASSIGN_OR_RETURN(const double at_s, args.Real("at-s", 0, 0, 12 * 3600));
  ATTUNE_ASSIGN_OR_RETURN(const int64_t person, args.Int("person", 0, 1, UINT32_MAX));
  if (undo == 0 && request.label().empty()) {
    return absl::InvalidArgumentError("What shall the mark say? attunectl mark 'first round'.");
  }
  request.set_undoes(static_cast<uint32_t>(undo));
  request.set_at_session_us(std::llround(at_s * 1e6));
  request.set_begins_phase(args.Has("phase"));
  request.set_participant(static_cast<uint32_t>(person));
  ATTUNE_ASSIGN_OR_RETURN(Server server, Server::Connect(args, environment, v1::ROLE_FACILITATOR));
  const auto stub = v1::SessionService::NewStub(server.channel());
  v1::AnnotateResponse response;
  ATTUNE_RETURN_IF_ERROR(server.Call<Service>(*stub, &Service::Annotate, request, &response));
  if (format == "json") {
    environment.out << PrettyJson(response);
  } else if (undo != 0) {
    environment.out << "Mark " << undo << " is taken back.\n";
  } else {
    environment.out << "Mark " << response.annotation() << " is set. Take it back with:\n"
                    << "  attunectl mark --undo=" << response.annotation() << "\n";
  }
  return absl::OkStatus();
}

// "4,6" or "4,6,1": in, out, hold, in seconds.
absl::StatusOr<v1::Pacer> ParsePacer(const std::string& text) {
  const std::vector<std::string> parts = absl::StrSplit(text, ',');
  v1::Pacer pacer;
  double seconds[3] = {0, 0, 0};
  bool good = parts.size() == 2 || parts.size() == 3;
  for (size_t i = 0; good && i < parts.size(); ++i) {
    char* end = nullptr;
    seconds[i] = std::strtod(parts[i].c_str(), &end);
    const double least = i == 2 ? 0 : 1;
    const double most = i == 2 ? 10 : 15;
    good = !parts[i].empty() && *end == '\0' && seconds[i] >= least && seconds[i] <= most;
  }
  if (!good) {
    return absl::InvalidArgumentError(
        "--pacer=IN,OUT[,HOLD] in seconds: in and out 1 to 15, hold after the inhale 0 to 10; for "
        "example --pacer=4,6.");
  }
  pacer.set_inhale_ms(static_cast<uint32_t>(std::lround(seconds[0] * 1000)));
  pacer.set_exhale_ms(static_cast<uint32_t>(std::lround(seconds[1] * 1000)));
  pacer.set_hold_ms(static_cast<uint32_t>(std::lround(seconds[2] * 1000)));
  return pacer;
}

absl::Status StartPractice(const Args& args, Environment& environment, bool json) {
  v1::StartPracticeRequest request;
  request.set_request_id(NewRequestId(environment.random));
  for (const auto& [name, kind] : kPractices) {
    if (args.Get("kind") == name) request.set_kind(kind);
  }
  if (request.kind() == v1::PRACTICE_KIND_UNSPECIFIED) {
    return absl::InvalidArgumentError(
        absl::StrCat("Which practice? --kind=", PracticeNames(), "."));
  }
  const bool paced = request.kind() == v1::PRACTICE_KIND_PACED_BREATHING;
  if (paced != args.Has("pacer")) {
    return absl::InvalidArgumentError(paced ? "Paced breathing needs --pacer=IN,OUT, for example "
                                              "--pacer=4,6."
                                            : "--pacer is for --kind=paced-breathing only.");
  }
  if (paced) {
    ATTUNE_ASSIGN_OR_RETURN(*request.mutable_pacer(), ParsePacer(args.Get("pacer")));
  }
  ATTUNE_ASSIGN_OR_RETURN(const double minutes, args.Real("minutes", 0, 0.05, 720));
  request.set_planned_us(std::llround(minutes * 60e6));
  ATTUNE_ASSIGN_OR_RETURN(Server server, Server::Connect(args, environment, v1::ROLE_FACILITATOR));
  const auto stub = v1::SessionService::NewStub(server.channel());
  v1::StartPracticeResponse response;
  ATTUNE_RETURN_IF_ERROR(server.Call<Service>(*stub, &Service::StartPractice, request, &response));
  if (json) {
    environment.out << PrettyJson(response);
  } else {
    environment.out << "Practice " << response.practice() << " (" << Word(request.kind())
                    << ") started at " << ClockTime(response.started_session_us())
                    << ". Stop it with:\n  attunectl practice stop --practice="
                    << response.practice() << "\n";
  }
  return absl::OkStatus();
}

absl::Status StopPractice(const Args& args, Environment& environment, bool json) {
  ATTUNE_ASSIGN_OR_RETURN(const int64_t practice, args.Int("practice", 0, 1, UINT32_MAX));
  if (practice == 0) {
    return absl::InvalidArgumentError(
        "Which practice? --practice=N; `attunectl practice start` printed it.");
  }
  v1::StopPracticeRequest request;
  request.set_request_id(NewRequestId(environment.random));
  request.set_practice(static_cast<uint32_t>(practice));
  ATTUNE_ASSIGN_OR_RETURN(Server server, Server::Connect(args, environment, v1::ROLE_FACILITATOR));
  const auto stub = v1::SessionService::NewStub(server.channel());
  v1::StopPracticeResponse response;
  ATTUNE_RETURN_IF_ERROR(server.Call<Service>(*stub, &Service::StopPractice, request, &response));
  if (json) {
    environment.out << PrettyJson(response);
  } else {
    environment.out << "Practice " << practice << " stopped at "
                    << ClockTime(response.stopped_session_us()) << ".\n";
  }
  return absl::OkStatus();
}

absl::Status RunPractice(const Args& args, Environment& environment) {
  ATTUNE_ASSIGN_OR_RETURN(const std::string format, args.OneOf("format", {"text", "json"}));
  if (args.operands()[0] == "start") return StartPractice(args, environment, format == "json");
  if (args.operands()[0] == "stop") return StopPractice(args, environment, format == "json");
  return absl::InvalidArgumentError(
      absl::StrCat("'", args.operands()[0], "': a practice can start or stop."));
}

}  // namespace

std::vector<Command> SteerCommands() {
  CommandSpec mark;
  mark.name = "mark";
  mark.summary = "mark a moment, begin a phase, or take a mark back";
  mark.operands = "[LABEL]";
  mark.operands_max = 1;
  mark.description =
      "Marks a moment of the session of the token. A phase is reported by itself. For\n"
      "facilitators.";
  mark.flags = {{"phase", "", "what follows is a phase with this name"},
                {"at-s", "SECONDS", "session time of the moment, not in the future (default: now)"},
                {"person", "N", "about one participant (couples, lab)"},
                {"undo", "N", "take mark N back"},
                {"format", "FORMAT", "text (default) or json: AnnotateResponse"}};
  mark.examples = {"attunectl mark 'second round'", "attunectl mark --phase baseline",
                   "attunectl mark --undo=3"};

  CommandSpec practice;
  practice.name = "practice";
  practice.summary = "start or stop a shared practice";
  practice.operands = "start|stop";
  practice.operands_min = 1;
  practice.operands_max = 1;
  practice.description =
      absl::StrCat("Starts a practice for everybody, or stops it. Kinds:\n  ", PracticeNames(),
                   "\nDuring paced breathing and shared stimuli, synchrony has a common cause: "
                   "values are shown\n"
                   "without a chance test. For facilitators.");
  practice.flags = {{"kind", "KIND", "which practice to start"},
                    {"pacer", "IN,OUT[,HOLD]", "seconds of the breath, for paced-breathing"},
                    {"minutes", "N", "stops by itself after so long"},
                    {"practice", "N", "which practice to stop"},
                    {"format", "FORMAT", "text (default) or json"}};
  practice.examples = {"attunectl practice start --kind=baseline --minutes=5",
                       "attunectl practice start --kind=paced-breathing --pacer=4,6 --minutes=3",
                       "attunectl practice stop --practice=2"};
  return {{mark, RunMark}, {practice, RunPractice}};
}

}  // namespace attune::edge
