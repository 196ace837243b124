#include "edge/client/fake_node.h"

#include <grpcpp/server_builder.h>
#include <grpcpp/server_context.h>

#include <chrono>

namespace attune::edge {

FakeNode::FakeNode(const Clock& clock, double rate)
    : clock_(clock),
      rate_(rate),
      began_us_(clock.SteadyMicros()),
      session_([this] { return SessionUs(); }) {
  session_.clock_rate = rate;
  Start();
}

FakeNode::~FakeNode() { Stop(); }

std::string FakeNode::address() const { return "127.0.0.1:" + std::to_string(port_); }

int64_t FakeNode::SessionUs() const {
  return static_cast<int64_t>(static_cast<double>(clock_.SteadyMicros() - began_us_) * rate_);
}

int FakeNode::joins() const {
  MutexLock lock(mu_);
  return static_cast<int>(joined_.size());
}

void FakeNode::With(const std::function<void(FakeSession&)>& look) {
  MutexLock lock(mu_);
  look(session_);
}

void FakeNode::Start() {
  grpc::ServerBuilder builder;
  // A killed node's port may be in TIME_WAIT.
  builder.AddChannelArgument(GRPC_ARG_ALLOW_REUSEPORT, 1);
  builder.AddListeningPort("127.0.0.1:" + std::to_string(port_), grpc::InsecureServerCredentials(),
                           &port_);
  builder.RegisterService(static_cast<v1::EdgeService::Service*>(this));
  builder.RegisterService(static_cast<v1::SessionService::Service*>(this));
  server_ = builder.BuildAndStart();
}

void FakeNode::Stop() {
  if (server_ == nullptr) return;
  DropStreams();
  server_->Shutdown(std::chrono::system_clock::now());
  server_->Wait();
  server_.reset();
}

void FakeNode::DropStreams() {
  MutexLock lock(mu_);
  for (auto& [number, link] : links_) link.context->TryCancel();
}

void FakeNode::ReleaseAcks() {
  MutexLock lock(mu_);
  session_.hold_acks = false;
  for (const auto& [number, link] : links_) Write(number, session_.Acks(number));
}

void FakeNode::Close(bool delete_raw) {
  MutexLock lock(mu_);
  for (const auto& [number, link] : links_) Write(number, session_.Close(number, delete_raw));
}

void FakeNode::Tell(const v1::EdgeDown& message) {
  MutexLock lock(mu_);
  for (const auto& [number, link] : links_) Write(number, {message});
}

void FakeNode::Write(uint64_t stream, const std::vector<v1::EdgeDown>& messages) {
  const auto link = links_.find(stream);
  if (link == links_.end()) return;
  for (const v1::EdgeDown& message : messages) link->second.stream->Write(message);
}

grpc::Status FakeNode::Stream(grpc::ServerContext* context,
                              grpc::ServerReaderWriter<v1::EdgeDown, v1::EdgeUp>* stream) {
  uint64_t number = 0;
  {
    MutexLock lock(mu_);
    number = next_stream_++;
    links_[number] = {context, stream};
  }
  v1::EdgeUp up;
  while (stream->Read(&up)) {
    MutexLock lock(mu_);
    Write(number, session_.OnMessage(number, up));
  }
  MutexLock lock(mu_);
  session_.OnGone(number);
  links_.erase(number);
  return grpc::Status::OK;
}

v1::SessionInfo FakeNode::Info() {
  v1::SessionInfo info;
  info.set_session_id(session_.session_id);
  info.set_kind(v1::SESSION_KIND_TEAM);
  info.set_state(v1::SESSION_STATE_OPEN);
  info.set_now_session_us(SessionUs());
  info.set_clock_rate(rate_);
  return info;
}

grpc::Status FakeNode::JoinSession(grpc::ServerContext*, const v1::JoinSessionRequest* request,
                                   v1::JoinSessionResponse* response) {
  MutexLock lock(mu_);
  if (request->join_code() != kJoinCode) {
    return {grpc::StatusCode::NOT_FOUND, "no such code"};
  }
  if (request->request_id().size() < 8 || request->alias().empty()) {
    return {grpc::StatusCode::INVALID_ARGUMENT, "request_id and alias"};
  }
  const auto next = static_cast<uint32_t>(joined_.size() + 1);
  const uint32_t participant = joined_.try_emplace(request->request_id(), next).first->second;
  *response->mutable_session() = Info();
  response->set_participant(participant);
  response->set_token("p" + std::to_string(participant));
  return grpc::Status::OK;
}

grpc::Status FakeNode::GetSessionByCode(grpc::ServerContext*,
                                        const v1::GetSessionByCodeRequest* request,
                                        v1::GetSessionByCodeResponse* response) {
  MutexLock lock(mu_);
  if (request->join_code() != kJoinCode) {
    return {grpc::StatusCode::NOT_FOUND, "no such code"};
  }
  *response->mutable_session() = Info();
  return grpc::Status::OK;
}

grpc::Status FakeNode::GetSession(grpc::ServerContext* context, const v1::GetSessionRequest*,
                                  v1::GetSessionResponse* response) {
  MutexLock lock(mu_);
  const auto bearer = context->client_metadata().find("authorization");
  const std::string token = bearer == context->client_metadata().end()
                                ? ""
                                : std::string(bearer->second.data(), bearer->second.size());
  if (token.size() < 9 || token.substr(0, 8) != "Bearer p") {
    return {grpc::StatusCode::UNAUTHENTICATED, "not a token"};
  }
  *response->mutable_session() = Info();
  response->set_participant(static_cast<uint32_t>(std::stoul(token.substr(8))));
  const auto refusal = session_.refusals.find(token.substr(7));
  if (refusal == session_.refusals.end() ||
      refusal->second.reason() != v1::REFUSAL_REASON_NO_CONSENT) {
    v1::Consent& consent = *response->add_consents();
    consent.set_purpose(v1::PURPOSE_MEASURE);
    consent.set_audience(v1::AUDIENCE_SELF);
    consent.set_granted(true);
  }
  return grpc::Status::OK;
}

}  // namespace attune::edge
