#include "services/node/report_service.h"

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

}  // namespace attune::node
