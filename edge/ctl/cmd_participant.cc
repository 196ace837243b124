// join, consent, measure, leave, erase.
#include <cctype>
#include <cmath>
#include <iostream>
#include <memory>
#include <string>

#include "absl/strings/str_cat.h"
#include "attune/v1/session.grpc.pb.h"
#include "edge/ctl/command.h"
#include "edge/ctl/consent.h"
#include "edge/ctl/server.h"
#include "edge/words/json.h"
#include "edge/words/text.h"
#include "edge/words/words.h"
#include "services/base/status_macros.h"

namespace attune::edge {
namespace {

using Service = v1::SessionService::StubInterface;

std::unique_ptr<v1::SessionService::Stub> Stub(const Server& server) {
  return v1::SessionService::NewStub(server.channel());
}

// With --yes, or "yes" typed at a terminal; `question` is shown there.
absl::Status Confirm(const Args& args, Environment& environment, const std::string& question) {
  if (args.Has("yes")) return absl::OkStatus();
  if (!environment.in_is_terminal) {
    return absl::InvalidArgumentError(
        absl::StrCat(question, "\nNobody is here to answer: add --yes to agree."));
  }
  environment.err << question << "\nType yes to agree: ";
  std::string answer;
  std::getline(environment.in, answer);
  if (answer == "yes" || answer == "y") return absl::OkStatus();
  return absl::CancelledError("nothing was done.");
}

std::string Sentences(const std::vector<v1::Consent>& consents) {
  std::string out;
  for (const v1::Consent& consent : consents) {
    absl::StrAppend(&out, "\n  - ", ConsentSentence(consent));
  }
  return out;
}

absl::Status RunJoin(const Args& args, Environment& environment) {
  ATTUNE_ASSIGN_OR_RETURN(const std::string format, args.OneOf("format", {"text", "json"}));
  const bool observer = args.Has("observer");
  v1::JoinSessionRequest request;
  request.set_request_id(args.Has("request-id") ? args.Get("request-id")
                                                : NewRequestId(environment.random));
  request.set_join_code(args.Get("code"));
  request.set_role(observer ? v1::ROLE_OBSERVER : v1::ROLE_PARTICIPANT);
  request.set_alias(args.Get("name"));
  request.set_dyad_key(args.Get("dyad"));
  if (request.join_code().empty()) {
    return absl::InvalidArgumentError("Which session? --code=CODE; `attunectl create` printed it.");
  }
  if (!observer && request.alias().empty()) {
    return absl::InvalidArgumentError(
        "How shall the others see you? --name=ALIAS (or --observer to watch only).");
  }
  ATTUNE_ASSIGN_OR_RETURN(const auto consents, ParseConsents(args.Get("consent"), true));
  if (!consents.empty()) {
    ATTUNE_RETURN_IF_ERROR(
        Confirm(args, environment, "By joining, you allow this session to:" + Sentences(consents)));
  }
  for (const v1::Consent& consent : consents) *request.add_consents() = consent;
  ATTUNE_ASSIGN_OR_RETURN(Server server, Server::Connect(args, environment, v1::ROLE_UNSPECIFIED));
  v1::JoinSessionResponse response;
  ATTUNE_RETURN_IF_ERROR(
      server.Call<Service>(*Stub(server), &Service::JoinSession, request, &response));
  if (format == "json") {
    environment.out << PrettyJson(response);
    return absl::OkStatus();
  }
  const std::string at = "--server=" + server.address();
  environment.out << "Joined the " << Word(response.session().kind()) << " session";
  if (!response.session().title().empty()) {
    environment.out << " \"" << Harmless(response.session().title()) << "\"";
  }
  if (!observer) environment.out << " as participant " << response.participant();
  environment.out << ".\n\n  token  " << response.token()
                  << "\n\nNext:\n  export ATTUNE_TOKEN=" << response.token() << "\n";
  if (!observer) {
    environment.out << "  attune-agent " << at << " --token=$ATTUNE_TOKEN --source=simulate\n";
  }
  environment.out << "  attunectl watch " << at << "\n";
  if (!observer && consents.empty()) {
    environment.out << "\nNothing is received from you until you consent:\n"
                       "  attunectl consent --grant=measure,group --yes\n";
  }
  return absl::OkStatus();
}

void PrintConsents(const google::protobuf::RepeatedPtrField<v1::Consent>& consents,
                   std::ostream& out) {
  if (consents.empty()) out << "No consent was given: nothing is received from you.\n";
  for (const v1::Consent& consent : consents) {
    out << (consent.granted() ? "  yes  " : "  no   ") << Left(ConsentName(consent), 24)
        << ConsentSentence(consent) << "\n";
  }
}

absl::Status RunConsent(const Args& args, Environment& environment) {
  ATTUNE_ASSIGN_OR_RETURN(const std::string format, args.OneOf("format", {"text", "json"}));
  ATTUNE_ASSIGN_OR_RETURN(const auto granted, ParseConsents(args.Get("grant"), true));
  ATTUNE_ASSIGN_OR_RETURN(const auto withdrawn, ParseConsents(args.Get("withdraw"), false));
  ATTUNE_ASSIGN_OR_RETURN(Server server, Server::Connect(args, environment, v1::ROLE_PARTICIPANT));
  const auto stub = Stub(server);
  if (granted.empty() && withdrawn.empty()) {
    v1::GetSessionResponse session;
    ATTUNE_RETURN_IF_ERROR(
        server.Call<Service>(*stub, &Service::GetSession, v1::GetSessionRequest(), &session));
    if (format == "json") {
      environment.out << PrettyJson(session);
    } else {
      PrintConsents(session.consents(), environment.out);
    }
    return absl::OkStatus();
  }
  // Taking back needs no second question.
  if (!granted.empty()) {
    ATTUNE_RETURN_IF_ERROR(
        Confirm(args, environment, "You allow this session to:" + Sentences(granted)));
  }
  v1::SetConsentRequest request;
  request.set_request_id(NewRequestId(environment.random));
  for (const v1::Consent& consent : granted) *request.add_consents() = consent;
  for (const v1::Consent& consent : withdrawn) *request.add_consents() = consent;
  v1::SetConsentResponse response;
  ATTUNE_RETURN_IF_ERROR(server.Call<Service>(*stub, &Service::SetConsent, request, &response));
  if (format == "json") {
    environment.out << PrettyJson(response);
  } else {
    environment.out << "In force from the next values on:\n";
    PrintConsents(response.consents(), environment.out);
  }
  return absl::OkStatus();
}

absl::Status RunMeasure(const Args& args, Environment& environment) {
  v1::SubmitMeasureRequest request;
  request.set_request_id(NewRequestId(environment.random));
  request.set_scale(args.Get("scale"));
  if (request.scale().empty() || !args.Has("value")) {
    return absl::InvalidArgumentError(
        "Give the question and the answer: --scale=presence --value=7.");
  }
  ATTUNE_ASSIGN_OR_RETURN(const double value, args.Real("value", 0, -1e9, 1e9));
  request.set_value(value);
  if (args.Has("before") == args.Has("after")) {
    return absl::InvalidArgumentError("Was it asked --before or --after the session?");
  }
  request.set_before(args.Has("before"));
  ATTUNE_ASSIGN_OR_RETURN(Server server, Server::Connect(args, environment, v1::ROLE_PARTICIPANT));
  v1::SubmitMeasureResponse response;
  ATTUNE_RETURN_IF_ERROR(
      server.Call<Service>(*Stub(server), &Service::SubmitMeasure, request, &response));
  environment.out << "Kept.\n";
  return absl::OkStatus();
}

absl::Status RunLeave(const Args& args, Environment& environment) {
  ATTUNE_ASSIGN_OR_RETURN(Server server, Server::Connect(args, environment, v1::ROLE_PARTICIPANT));
  v1::LeaveSessionRequest request;
  request.set_request_id(NewRequestId(environment.random));
  v1::LeaveSessionResponse response;
  ATTUNE_RETURN_IF_ERROR(
      server.Call<Service>(*Stub(server), &Service::LeaveSession, request, &response));
  environment.out << "You left: nothing more is received from you. What was received stays; "
                     "`attunectl erase` removes it.\n";
  return absl::OkStatus();
}

absl::Status RunErase(const Args& args, Environment& environment) {
  ATTUNE_ASSIGN_OR_RETURN(const std::string format, args.OneOf("format", {"text", "json"}));
  ATTUNE_ASSIGN_OR_RETURN(Server server, Server::Connect(args, environment, v1::ROLE_PARTICIPANT));
  ATTUNE_RETURN_IF_ERROR(Confirm(
      args, environment,
      "You leave, and everything received from you becomes unreadable everywhere, for good."));
  v1::EraseParticipantRequest request;
  request.set_request_id(NewRequestId(environment.random));
  v1::EraseParticipantResponse response;
  ATTUNE_RETURN_IF_ERROR(
      server.Call<Service>(*Stub(server), &Service::EraseParticipant, request, &response));
  if (format == "json") {
    environment.out << PrettyJson(response);
    return absl::OkStatus();
  }
  environment.out << "Erased. ";
  if (response.report_revision() > 0) {
    environment.out << "Revision " << response.report_revision()
                    << " of the report no longer knows you.\n";
  } else {
    environment.out << "The report will not know you.\n";
  }
  return absl::OkStatus();
}

}  // namespace

std::vector<Command> ParticipantCommands() {
  const FlagSpec yes = {"yes", "", "agree without being asked"};
  CommandSpec join;
  join.name = "join";
  join.summary = "exchange a join code for a token";
  join.description =
      "Joins a session and prints the token for the agent and for all other commands.\n"
      "attune-agent --join=CODE does the same by itself; this is for looking on and for scripts.";
  join.flags = {
      {"code", "CODE", "the session's join code; case and hyphens do not matter"},
      {"name", "ALIAS", "how the others see you, 1 to 40 characters"},
      {"observer", "", "watch only: no data, no name"},
      {"dyad", "WORD", "couples and lab: two people who give the same word form a pair"},
      {"consent", "LIST",
       "what you agree to: measure,group,pair:partner,pair:facilitator,\n"
       "individual:facilitator,report; shown in words before joining"},
      yes,
      {"request-id", "ID", "the same id gives the same participant again, with a new token"},
      {"format", "FORMAT", "text (default) or json: JoinSessionResponse"},
  };
  join.examples = {"attunectl join --code=K7QF-9M2P --name=Ana --consent=measure,group",
                   "attunectl join --code=K7QF-9M2P --observer"};

  CommandSpec consent;
  consent.name = "consent";
  consent.summary = "see or change what you agreed to";
  consent.description =
      "Without --grant or --withdraw, shows your consents. Changes take effect before the next\n"
      "values leave the server.";
  consent.flags = {{"grant", "LIST", "see `attunectl join --help`"},
                   {"withdraw", "LIST", "likewise"},
                   yes,
                   {"format", "FORMAT", "text (default) or json"}};
  consent.examples = {"attunectl consent", "attunectl consent --withdraw=pair:facilitator"};

  CommandSpec measure;
  measure.name = "measure";
  measure.summary = "give a self-report answer";
  measure.description = "Keeps your answer to one question with the session, for the report.";
  measure.flags = {{"scale", "NAME", "which question, 1 to 40 characters"},
                   {"value", "NUMBER", "the answer"},
                   {"before", "", "asked before the session"},
                   {"after", "", "asked after it"}};
  measure.examples = {"attunectl measure --scale=presence --value=7 --before"};

  CommandSpec leave;
  leave.name = "leave";
  leave.summary = "leave the session; what was received stays";
  leave.description = "Leaves the session: nothing more is received from you.";
  leave.examples = {"attunectl leave --token=$T"};

  CommandSpec erase;
  erase.name = "erase";
  erase.summary = "leave and make everything received from you unreadable";
  erase.description =
      "Leaves the session and destroys the key of your data: nobody can read it again, here or in\n"
      "any copy. The report is made anew without you. This cannot be undone.";
  erase.flags = {yes, {"format", "FORMAT", "text (default) or json: EraseParticipantResponse"}};
  erase.examples = {"attunectl erase --token=$T", "attunectl erase --yes"};
  return {{join, RunJoin},
          {consent, RunConsent},
          {measure, RunMeasure},
          {leave, RunLeave},
          {erase, RunErase}};
}

}  // namespace attune::edge
