// create, list, end.
#include <algorithm>
#include <cmath>
#include <memory>

#include "absl/strings/str_cat.h"
#include "attune/v1/session.grpc.pb.h"
#include "edge/ctl/command.h"
#include "edge/ctl/measures.h"
#include "edge/ctl/server.h"
#include "edge/words/json.h"
#include "edge/words/text.h"
#include "edge/words/words.h"
#include "services/base/status_macros.h"

namespace attune::edge {
namespace {

using Service = v1::SessionService::StubInterface;

constexpr size_t kMaxTitle = 80;
constexpr uint32_t kListPage = 500;
constexpr int kListPagesMost = 1000;

std::unique_ptr<v1::SessionService::Stub> Stub(const Server& server) {
  return v1::SessionService::NewStub(server.channel());
}

absl::StatusOr<v1::SessionKind> Kind(const std::string& word) {
  for (const auto kind : {v1::SESSION_KIND_TEAM, v1::SESSION_KIND_COUPLES, v1::SESSION_KIND_LAB}) {
    if (word == Word(kind)) return kind;
  }
  return absl::InvalidArgumentError(
      word.empty() ? "Which kind of session? --kind=team, couples or lab; it decides who may see "
                     "what and cannot be changed later."
                   : "--kind=" + word + " is not one of team, couples, lab.");
}

absl::StatusOr<v1::CreateSessionRequest> CreateRequest(const Args& args, Environment& environment) {
  v1::CreateSessionRequest request;
  request.set_request_id(NewRequestId(environment.random));
  ATTUNE_ASSIGN_OR_RETURN(const v1::SessionKind kind, Kind(args.Get("kind")));
  request.set_kind(kind);
  request.set_title(args.Get("title"));
  if (request.title().size() > kMaxTitle) {
    return absl::InvalidArgumentError(
        absl::StrCat("--title is longer than ", kMaxTitle, " characters."));
  }
  ATTUNE_ASSIGN_OR_RETURN(const double minutes, args.Real("minutes", 0, 0.2, 720));
  ATTUNE_ASSIGN_OR_RETURN(const double seconds,
                          args.Real("planned-end-s", minutes * 60, 10, 12 * 3600));
  request.set_planned_end_session_us(std::llround(seconds * 1e6));
  ATTUNE_ASSIGN_OR_RETURN(const int64_t tick_ms, args.Int("tick-ms", 0, 250, 1000));
  if (tick_ms != 0 && tick_ms != 250 && tick_ms != 1000) {
    return absl::InvalidArgumentError("--tick-ms is 250 or 1000.");
  }
  request.set_tick_ms(static_cast<uint32_t>(tick_ms));
  ATTUNE_ASSIGN_OR_RETURN(const int64_t k_min, args.Int("k-min", 0, 3, 1000));
  request.set_k_min(static_cast<uint32_t>(k_min));
  if (!args.Has("measures")) return request;
  ATTUNE_ASSIGN_OR_RETURN(const auto measures, ParseMeasures(args.Get("measures")));
  // Those of every frame come by themselves.
  for (const synchrony::Measure measure : measures) {
    const auto* info = synchrony::FindMeasure(measure);
    if (info->availability == synchrony::Availability::kCore) continue;
    request.add_measures(static_cast<v1::Measure>(measure));
  }
  return request;
}

absl::Status RunCreate(const Args& args, Environment& environment) {
  ATTUNE_ASSIGN_OR_RETURN(const std::string format, args.OneOf("format", {"text", "json"}));
  ATTUNE_ASSIGN_OR_RETURN(const v1::CreateSessionRequest request, CreateRequest(args, environment));
  ATTUNE_ASSIGN_OR_RETURN(Server server, Server::Connect(args, environment, v1::ROLE_OPERATOR));
  v1::CreateSessionResponse response;
  ATTUNE_RETURN_IF_ERROR(
      server.Call<Service>(*Stub(server), &Service::CreateSession, request, &response));
  if (format == "json") {
    environment.out << PrettyJson(response);
    return absl::OkStatus();
  }
  const v1::SessionInfo& session = response.session();
  const std::string at = "--server=" + server.address();
  const bool couples = session.kind() == v1::SESSION_KIND_COUPLES;
  environment.out
      << "A " << Word(session.kind()) << " session is open"
      << (session.title().empty() ? "" : ": " + Harmless(session.title())) << "\n\n"
      << "  session id         " << session.session_id() << "\n"
      << "  join code          " << response.join_code() << "\n"
      << "  facilitator token  " << response.facilitator_token() << "\n\n"
      << "Participants (here a simulated heart; `attune-agent --help` names the sources):\n"
      << "  attune-agent " << at << " --join=" << response.join_code()
      << " --source=simulate --name=Ana" << (couples ? " --dyad=our-word" : "") << "\n\n"
      << "Facilitator:\n"
      << "  export ATTUNE_TOKEN=" << response.facilitator_token() << "\n"
      << "  attunectl watch " << at << "\n"
      << "  attunectl end " << at << "\n"
      << "  attunectl report " << at << "\n";
  return absl::OkStatus();
}

void PrintTable(const v1::ListSessionsResponse& all, std::ostream& out) {
  if (all.sessions().empty()) {
    out << "No sessions. `attunectl create --kind=team` makes one.\n";
    return;
  }
  size_t id_columns = 10;
  for (const auto& session : all.sessions()) {
    id_columns = std::max(id_columns, session.session_id().size());
  }
  const int id = static_cast<int>(id_columns);
  out << Left("SESSION", id) << "  KIND     PEOPLE  LENGTH   STATE    TITLE\n";
  for (const auto& session : all.sessions()) {
    const bool over = session.ended_session_us() > 0;
    std::string state = Word(session.state());
    state = state.substr(0, state.find(','));
    out << Left(Harmless(session.session_id()), id) << "  " << Left(Word(session.kind()), 7) << "  "
        << Right(absl::StrCat(session.people()), 6) << "  "
        << Right(ClockTime(over ? session.ended_session_us() : session.now_session_us()), 7) << "  "
        << Left(state, 9) << Harmless(session.title()) << "\n";
  }
}

std::string CsvText(const std::string& text) {
  std::string out = "\"";
  for (const char c : Harmless(text)) out += c == '"' ? "\"\"" : std::string(1, c);
  return out + "\"";
}

void PrintCsv(const v1::ListSessionsResponse& all, std::ostream& out) {
  out << "session_id,kind,state,people,created_utc_us,now_session_us,ended_session_us,title\n";
  for (const auto& session : all.sessions()) {
    out << session.session_id() << "," << v1::SessionKind_Name(session.kind()) << ","
        << v1::SessionState_Name(session.state()) << "," << session.people() << ","
        << session.created_utc_us() << "," << session.now_session_us() << ","
        << session.ended_session_us() << "," << CsvText(session.title()) << "\n";
  }
}

absl::Status RunList(const Args& args, Environment& environment) {
  ATTUNE_ASSIGN_OR_RETURN(const std::string format,
                          args.OneOf("format", {"text", "json", "jsonl", "csv"}));
  ATTUNE_ASSIGN_OR_RETURN(Server server, Server::Connect(args, environment, v1::ROLE_OPERATOR));
  const auto stub = Stub(server);
  v1::ListSessionsResponse all;
  v1::ListSessionsRequest request;
  request.set_page_size(kListPage);
  for (int page = 0; page < kListPagesMost; ++page) {
    v1::ListSessionsResponse response;
    ATTUNE_RETURN_IF_ERROR(server.Call<Service>(*stub, &Service::ListSessions, request, &response));
    request.set_page_token(response.next_page_token());
    all.mutable_sessions()->MergeFrom(response.sessions());
    if (request.page_token().empty()) break;
  }
  if (format == "text") PrintTable(all, environment.out);
  if (format == "json") environment.out << PrettyJson(all);
  if (format == "csv") PrintCsv(all, environment.out);
  if (format == "jsonl") {
    for (const auto& session : all.sessions()) environment.out << JsonLine(session) << "\n";
  }
  return absl::OkStatus();
}

absl::Status RunEnd(const Args& args, Environment& environment) {
  ATTUNE_ASSIGN_OR_RETURN(const std::string format, args.OneOf("format", {"text", "json"}));
  ATTUNE_ASSIGN_OR_RETURN(const double at_s, args.Real("at-s", 0, 0, 12 * 3600));
  ATTUNE_ASSIGN_OR_RETURN(Server server, Server::Connect(args, environment, v1::ROLE_FACILITATOR));
  v1::EndSessionRequest request;
  request.set_request_id(NewRequestId(environment.random));
  request.set_at_session_us(std::llround(at_s * 1e6));
  v1::EndSessionResponse response;
  ATTUNE_RETURN_IF_ERROR(
      server.Call<Service>(*Stub(server), &Service::EndSession, request, &response));
  if (format == "json") {
    environment.out << PrettyJson(response);
  } else {
    environment.out << "The session ends at " << ClockTime(response.ended_session_us())
                    << ". After a short grace for late beats, `attunectl report` has the report.\n";
  }
  return absl::OkStatus();
}

}  // namespace

std::vector<Command> SessionCommands() {
  CommandSpec create;
  create.name = "create";
  create.summary = "make a session; prints its join code and facilitator token";
  create.description =
      "Makes a session. Its kind decides who may see what and cannot be changed:\n"
      "  team     group values only, and only when enough people contribute\n"
      "  couples  a pair's values for its partners; for the facilitator if both agree\n"
      "  lab      everything that its people agree to; the node must allow this kind";
  create.flags = {
      {"kind", "KIND", "team, couples or lab"},
      {"title", "TEXT", "shown to everybody in the session, at most 80 characters"},
      {"minutes", "N", "ends by itself after so many minutes; default: when told to"},
      {"planned-end-s", "N", "the same in seconds, 10 to 43200"},
      {"tick-ms", "N", "new values each 250 or 1000 ms (default 1000)"},
      {"k-min", "N", "group values need N contributors besides the viewer (default 5, least 3)"},
      {"measures", "LIST",
       "names separated by commas: to compute beyond those of every frame\n"
       "(`attunectl analyze --list-measures` explains them: those \"request\";\n"
       "of pairs not in team, of the group only in lab)"},
      {"format", "FORMAT", "text (default) or json: CreateSessionResponse"},
  };
  create.examples = {"attunectl create --kind=team --title='Monday' --minutes=30 --keys=keys",
                     "attunectl create --kind=couples --keys=keys --format=json"};

  CommandSpec list;
  list.name = "list";
  list.summary = "the sessions of the node";
  list.description = "Lists the node's sessions: no identities, no values. For operators.";
  list.flags = {
      {"format", "FORMAT",
       "text (default), json: ListSessionsResponse,\njsonl: SessionInfo per line, or csv"}};
  list.examples = {"attunectl list --keys=keys"};

  CommandSpec end;
  end.name = "end";
  end.summary = "end the session";
  end.description =
      "Ends the session of the token, now or at a stated time. Late beats are taken for a short\n"
      "grace; then the report is final.";
  end.flags = {{"at-s", "SECONDS", "session time at which it ends (default: now)"},
               {"format", "FORMAT", "text (default) or json: EndSessionResponse"}};
  end.examples = {"attunectl end --token=$T", "attunectl end --at-s=1800"};
  return {{create, RunCreate}, {list, RunList}, {end, RunEnd}};
}

}  // namespace attune::edge
