// report.
#include <memory>

#include "attune/v1/report.grpc.pb.h"
#include "edge/ctl/command.h"
#include "edge/ctl/report_text.h"
#include "edge/ctl/server.h"
#include "edge/words/json.h"
#include "services/base/status_macros.h"

namespace attune::edge {
namespace {

using Service = v1::ReportService::StubInterface;

absl::Status RunReport(const Args& args, Environment& environment) {
  ATTUNE_ASSIGN_OR_RETURN(const std::string format, args.OneOf("format", {"text", "json"}));
  ATTUNE_ASSIGN_OR_RETURN(Server server, Server::Connect(args, environment, v1::ROLE_FACILITATOR));
  const auto stub = v1::ReportService::NewStub(server.channel());
  v1::GetReportResponse response;
  ATTUNE_RETURN_IF_ERROR(
      server.Call<Service>(*stub, &Service::GetReport, v1::GetReportRequest(), &response));
  environment.out << (format == "json" ? PrettyJson(response) : ReportText(response));
  return absl::OkStatus();
}

}  // namespace

std::vector<Command> ReportCommands() {
  CommandSpec report;
  report.name = "report";
  report.summary = "the report of a session that has ended";
  report.description =
      "Shows the newest revision of the report, as the token's bearer may see it: data quality\n"
      "first, then the values phase by phase. There is none while the session is open.";
  report.flags = {{"format", "FORMAT", "text (default) or json: GetReportResponse"}};
  report.examples = {"attunectl report --token=$T", "attunectl report --format=json > report.json"};
  return {{report, RunReport}};
}

}  // namespace attune::edge
