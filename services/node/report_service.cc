#include "services/node/report_service.h"

#include <memory>
#include <utility>

#include "services/node/viewer.h"

namespace attune::node {

grpc::ServerUnaryReactor* ReportServiceImpl::GetReport(grpc::CallbackServerContext* context,
                                                       const v1::GetReportRequest*,
                                                       v1::GetReportResponse* response) {
  return InSession(services_, context, {kRoleParticipant, kRoleFacilitator, kRoleObserver},
                   [response](SessionHost& host, const Claims& claims, const Finish& finish) {
                     const auto viewer = ViewerOf(claims);
                     if (!viewer.ok()) {
                       finish(viewer.status());
                       return;
                     }
                     host.GetReport(
                         *viewer, [response, finish](absl::StatusOr<v1::GetReportResponse> report) {
                           if (report.ok()) *response = *std::move(report);
                           finish(report.status());
                         });
                   });
}

grpc::ServerUnaryReactor* ReportServiceImpl::GetExport(grpc::CallbackServerContext* context,
                                                       const v1::GetExportRequest* request,
                                                       v1::GetExportResponse* response) {
  return InSession(services_, context, {kRoleParticipant, kRoleFacilitator, kRoleObserver},
                   [request, response](SessionHost& host, const Claims& claims, Finish finish) {
                     const auto viewer = ViewerOf(claims);
                     if (!viewer.ok()) {
                       finish(viewer.status());
                       return;
                     }
                     const auto refused = std::make_shared<absl::Status>();
                     host.Read(
                         [&] {
                           auto page = host.core().ExportFor(*request, *viewer);
                           *refused = page.status();
                           if (page.ok()) *response = *std::move(page);
                         },
                         [refused, finish](const absl::Status& status) {
                           finish(status.ok() ? *refused : status);
                         });
                   });
}

}  // namespace attune::node
