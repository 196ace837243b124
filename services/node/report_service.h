// ReportService: what is left of a session.
#ifndef ATTUNE_SERVICES_NODE_REPORT_SERVICE_H_
#define ATTUNE_SERVICES_NODE_REPORT_SERVICE_H_

#include "attune/v1/report.grpc.pb.h"
#include "services/node/raw_methods.h"
#include "services/node/services.h"

namespace attune::node {

using RawReportService =
    RawMethods<v1::ReportService::Service, v1::ReportService::WithRawCallbackMethod_GetReport,
               v1::ReportService::WithRawCallbackMethod_GetExport>;

class ReportServiceImpl final : public RawReportService {
 public:
  explicit ReportServiceImpl(const Services& services) : services_(services) {}
  ATTUNE_UNARY(ReportService, GetReport);
  ATTUNE_UNARY(ReportService, GetExport);

 private:
  const Services services_;
};

}  // namespace attune::node

#endif  // ATTUNE_SERVICES_NODE_REPORT_SERVICE_H_
