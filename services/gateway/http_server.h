// A small HTTP/1.1 listener: GET and HEAD of known paths, answered by handlers that give bytes. It
// knows no message types. What a client can cost is bounded: connections, header size, no request
// bodies, and time.
#ifndef ATTUNE_SERVICES_GATEWAY_HTTP_SERVER_H_
#define ATTUNE_SERVICES_GATEWAY_HTTP_SERVER_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>

#include "absl/status/statusor.h"

namespace attune::gateway {

struct HttpResponse {
  int status = 200;
  std::string content_type = "text/plain; charset=utf-8";
  std::string body;
};

struct HttpLimits {
  size_t connections = 64;                 // beyond it: 503 and closed
  size_t header_bytes = 8 * 1024;          // beyond it: 431
  int64_t request_timeout_us = 5'000'000;  // from accepting (or the last answer) to a whole request
  int64_t write_timeout_us = 10'000'000;
  int requests_per_connection = 100;  // then the connection is closed
};

// Runs on one thread of its own; handlers are called there, must be quick and must not throw.
class HttpServer {
 public:
  using Handler = std::function<HttpResponse()>;

  // `address`: "HOST:PORT", the host a literal address or "localhost"; port 0: any free one. Paths
  // are matched without their query. UNAVAILABLE: cannot listen there.
  static absl::StatusOr<std::unique_ptr<HttpServer>> Start(const std::string& address,
                                                           std::map<std::string, Handler> handlers,
                                                           const HttpLimits& limits = {});
  virtual ~HttpServer() = default;  // closes every connection
  // As bound, with the port that was chosen.
  virtual const std::string& address() const = 0;
};

}  // namespace attune::gateway

#endif  // ATTUNE_SERVICES_GATEWAY_HTTP_SERVER_H_
