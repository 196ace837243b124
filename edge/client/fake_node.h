// A node for tests: FakeSession behind real gRPC on loopback, with a join that gives tokens.
#ifndef ATTUNE_EDGE_CLIENT_FAKE_NODE_H_
#define ATTUNE_EDGE_CLIENT_FAKE_NODE_H_

#include <grpcpp/server.h>

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "attune/v1/edge.grpc.pb.h"
#include "attune/v1/session.grpc.pb.h"
#include "edge/client/fake_session.h"
#include "services/base/clock.h"
#include "services/base/mutex.h"

namespace attune::edge {

// Thread-safe.
class FakeNode final : public v1::EdgeService::Service, public v1::SessionService::Service {
 public:
  static constexpr char kJoinCode[] = "JOIN42";

  // Session time runs `rate` times as fast as the clock. Starts serving.
  FakeNode(const Clock& clock, double rate);
  ~FakeNode() override;

  std::string address() const;
  // Looks at or changes the session while nothing else does.
  void With(const std::function<void(FakeSession&)>& look);
  int64_t SessionUs() const;
  int joins() const;

  // All streams break; new ones are served.
  void DropStreams();
  // No longer there, as if killed; Start makes it serve again at the same address.
  void Stop();
  void Start();
  // Acks that were held.
  void ReleaseAcks();
  // Tells every stream that the session is closed.
  void Close(bool delete_raw);
  void Tell(const v1::EdgeDown& message);

  grpc::Status Stream(grpc::ServerContext* context,
                      grpc::ServerReaderWriter<v1::EdgeDown, v1::EdgeUp>* stream) override;
  grpc::Status JoinSession(grpc::ServerContext* context, const v1::JoinSessionRequest* request,
                           v1::JoinSessionResponse* response) override;
  grpc::Status GetSessionByCode(grpc::ServerContext* context,
                                const v1::GetSessionByCodeRequest* request,
                                v1::GetSessionByCodeResponse* response) override;
  grpc::Status GetSession(grpc::ServerContext* context, const v1::GetSessionRequest* request,
                          v1::GetSessionResponse* response) override;

 private:
  struct Link {
    grpc::ServerContext* context;
    grpc::ServerReaderWriter<v1::EdgeDown, v1::EdgeUp>* stream;
  };
  v1::SessionInfo Info() ATTUNE_REQUIRES(mu_);
  void Write(uint64_t stream, const std::vector<v1::EdgeDown>& messages) ATTUNE_REQUIRES(mu_);

  const Clock& clock_;
  const double rate_;
  const int64_t began_us_;
  mutable Mutex mu_;  // also orders writes
  FakeSession session_ ATTUNE_GUARDED_BY(mu_);
  std::map<uint64_t, Link> links_ ATTUNE_GUARDED_BY(mu_);
  std::map<std::string, uint32_t> joined_ ATTUNE_GUARDED_BY(mu_);  // by request id
  uint64_t next_stream_ ATTUNE_GUARDED_BY(mu_) = 1;
  int port_ = 0;
  std::unique_ptr<grpc::Server> server_;
};

}  // namespace attune::edge

#endif  // ATTUNE_EDGE_CLIENT_FAKE_NODE_H_
