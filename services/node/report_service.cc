#include "services/node/report_service.h"

#include <memory>
#include <utility>

#include "services/node/viewer.h"

namespace attune::node {

void ReportServiceImpl::GetReport(Unary<v1::GetReportRequest, v1::GetReportResponse>& call) {
  InSession(services_, call, {kRoleParticipant, kRoleFacilitator, kRoleObserver},
            [&call](SessionHost& host, const Claims& claims, const Finish& finish) {
              const auto viewer = ViewerOf(claims);
              if (!viewer.ok()) {
                finish(viewer.status());
                return;
              }
              host.GetReport(*viewer,
                             [&call, finish](absl::StatusOr<v1::GetReportResponse> report) {
                               if (report.ok()) call.response() = *std::move(report);
                               finish(report.status());
                             });
            });
}

void ReportServiceImpl::GetExport(Unary<v1::GetExportRequest, v1::GetExportResponse>& call) {
  InSession(services_, call, {kRoleParticipant, kRoleFacilitator, kRoleObserver},
            [&call](SessionHost& host, const Claims& claims, Finish finish) {
              const auto viewer = ViewerOf(claims);
              if (!viewer.ok()) {
                finish(viewer.status());
                return;
              }
              const auto refused = std::make_shared<absl::Status>();
              host.Read(
                  [&] {
                    auto page = host.core().ExportFor(call.request(), *viewer);
                    *refused = page.status();
                    if (page.ok()) call.response() = *std::move(page);
                  },
                  [refused, finish](const absl::Status& status) {
                    finish(status.ok() ? *refused : status);
                  });
            });
}

}  // namespace attune::node
