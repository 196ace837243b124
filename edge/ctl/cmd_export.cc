// export.
#include <fstream>
#include <memory>

#include "absl/strings/str_cat.h"
#include "attune/v1/report.grpc.pb.h"
#include "edge/ctl/command.h"
#include "edge/ctl/export_file.h"
#include "edge/ctl/server.h"
#include "services/base/status_macros.h"

namespace attune::edge {
namespace {

using Service = v1::ReportService::StubInterface;

// Calls `use` with each page.
absl::Status ForEachPage(const Args& args, Environment& environment,
                         const std::function<absl::Status(const v1::GetExportResponse&)>& use) {
  ATTUNE_ASSIGN_OR_RETURN(Server server, Server::Connect(args, environment, v1::ROLE_FACILITATOR));
  const auto stub = v1::ReportService::NewStub(server.channel());
  v1::GetExportRequest request;
  do {
    v1::GetExportResponse page;
    ATTUNE_RETURN_IF_ERROR(server.Call<Service>(*stub, &Service::GetExport, request, &page));
    ATTUNE_RETURN_IF_ERROR(use(page));
    request.set_page_token(page.next_page_token());
  } while (!request.page_token().empty());
  return absl::OkStatus();
}

absl::Status RunExport(const Args& args, Environment& environment) {
  const std::string path = args.Get("out");
  std::ofstream file;
  std::ostream& out = path.empty() ? environment.out : file;
  uint64_t beats = 0;
  int people = 0;
  ATTUNE_RETURN_IF_ERROR(
      ForEachPage(args, environment, [&](const v1::GetExportResponse& page) -> absl::Status {
        if (page.has_head()) {
          // Only now: a refusal leaves no empty file behind.
          if (!path.empty()) file.open(path, std::ios::binary | std::ios::trunc);
          people = page.head().people_size();
          out << ExportHeadText(page.head());
        }
        for (const v1::ExportBeats& part : page.beats()) {
          beats += static_cast<uint64_t>(part.time_session_us_size());
          out << ExportBeatsText(part);
        }
        out.flush();
        if (!out) return absl::FailedPreconditionError(path + ": cannot be written");
        return absl::OkStatus();
      }));
  if (!path.empty()) {
    environment.out << beats << " beats of " << people << (people == 1 ? " person" : " people")
                    << " in " << path << "; next: attunectl analyze " << path << "\n";
  }
  return absl::OkStatus();
}

}  // namespace

std::vector<Command> ExportCommands() {
  CommandSpec spec;
  spec.name = "export";
  spec.summary = "the raw heartbeats of a session, to be computed again";
  spec.description =
      "Writes a session's heartbeats, and all that its numbers depend on, as one text file: lines\n"
      "that begin with '#' tell of the session, then comes CSV, a line per beat. `attunectl\n"
      "analyze` computes the session's numbers from it again, to the last bit.\n"
      "Participants get their own beats, also after leaving. Facilitators of a lab session get\n"
      "those of everybody who agreed to share own values with them and to be kept in the report.\n"
      "In team sessions raw beats are deleted once the report is stored.";
  spec.flags = {{"out", "FILE", "write there (default: to the screen)"}};
  spec.examples = {"attunectl export --token=$T --out=session.csv",
                   "attunectl export --token=$T > session.csv && attunectl analyze session.csv"};
  return {{spec, RunExport}};
}

}  // namespace attune::edge
