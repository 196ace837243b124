// Calls that can be found in a node's log: each carries a W3C `traceparent`.
#ifndef ATTUNE_EDGE_CLIENT_TRACE_H_
#define ATTUNE_EDGE_CLIENT_TRACE_H_

#include <grpcpp/client_context.h>

#include <string_view>

namespace attune::edge {

// `parent`: a traceparent whose trace the call belongs to; empty or malformed: the call has a trace
// of its own, so that nobody's calls can be told to be the same person's. Thread-safe.
void SendTrace(grpc::ClientContext& context, std::string_view parent = {});

}  // namespace attune::edge

#endif  // ATTUNE_EDGE_CLIENT_TRACE_H_
