// ReportService: what is left of a session.
#ifndef ATTUNE_SERVICES_NODE_REPORT_SERVICE_H_
#define ATTUNE_SERVICES_NODE_REPORT_SERVICE_H_

#include "attune/v1/report.grpc.pb.h"
#include "services/node/services.h"

namespace attune::node {

class ReportServiceImpl final : public v1::ReportService::CallbackService {
 public:
  explicit ReportServiceImpl(const Services& services) : services_(services) {}
  grpc::ServerUnaryReactor* GetReport(grpc::CallbackServerContext* context,
                                      const v1::GetReportRequest* request,
                                      v1::GetReportResponse* response) override;
  grpc::ServerUnaryReactor* GetExport(grpc::CallbackServerContext* context,
                                      const v1::GetExportRequest* request,
                                      v1::GetExportResponse* response) override;

 private:
  const Services services_;
};

}  // namespace attune::node

#endif  // ATTUNE_SERVICES_NODE_REPORT_SERVICE_H_
