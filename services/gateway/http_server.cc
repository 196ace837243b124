#include "services/gateway/http_server.h"

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>
#include <charconv>
#include <chrono>
#include <optional>
#include <thread>
#include <utility>

#include "absl/strings/str_cat.h"
#include "services/base/status_macros.h"

namespace attune::gateway {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = beast::http;
using asio::ip::tcp;
using Request = http::request<http::empty_body>;
using Response = http::response<http::string_body>;

absl::StatusOr<tcp::endpoint> ParseAddress(const std::string& address) {
  const absl::Status wrong = absl::InvalidArgumentError(
      absl::StrCat("\"", address, "\" is not HOST:PORT with a literal host address"));
  const size_t colon = address.rfind(':');
  if (colon == std::string::npos) return wrong;
  std::string host = address.substr(0, colon);
  if (host == "localhost") host = "127.0.0.1";
  if (host.size() > 2 && host.front() == '[' && host.back() == ']') {
    host = host.substr(1, host.size() - 2);
  }
  unsigned short port = 0;
  const char* end = address.data() + address.size();
  const auto [stop, error] = std::from_chars(address.data() + colon + 1, end, port);
  if (error != std::errc() || stop != end) return wrong;
  beast::error_code failed;
  const auto ip = asio::ip::make_address(host, failed);
  if (failed) return wrong;
  return tcp::endpoint(ip, port);
}

std::string Shown(const tcp::endpoint& endpoint) {
  const std::string host = endpoint.address().to_string();
  return endpoint.address().is_v6() ? absl::StrCat("[", host, "]:", endpoint.port())
                                    : absl::StrCat(host, ":", endpoint.port());
}

// What all connections share; touched by the server's one thread only.
struct Shared {
  std::map<std::string, HttpServer::Handler> handlers;
  HttpLimits limits;
  size_t connections = 0;
};

// One connection: a request is read, answered, and the next one read. Keeps itself alive through
// the operation under way.
class Connection : public std::enable_shared_from_this<Connection> {
 public:
  Connection(tcp::socket socket, std::shared_ptr<Shared> shared)
      : stream_(std::move(socket)), shared_(std::move(shared)) {
    ++shared_->connections;
  }
  ~Connection() { --shared_->connections; }
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  void Begin() {
    if (shared_->connections > shared_->limits.connections) {
      Answer(503, "too many connections\n", false, 11);
    } else {
      Read();
    }
  }

 private:
  void Read() {
    parser_.emplace();
    parser_->header_limit(static_cast<std::uint32_t>(shared_->limits.header_bytes));
    parser_->body_limit(0);
    stream_.expires_after(std::chrono::microseconds(shared_->limits.request_timeout_us));
    http::async_read(
        stream_, buffer_, *parser_,
        [self = shared_from_this()](beast::error_code failed, size_t) { self->OnRead(failed); });
  }

  void OnRead(beast::error_code failed) {
    if (failed == http::error::header_limit) {
      Answer(431, "header too large\n", false, 11);
    } else if (failed == http::error::body_limit) {
      Answer(413, "no request body is taken here\n", false, 11);
    } else if (failed &&
               failed.category() == http::make_error_code(http::error::bad_method).category() &&
               failed != http::error::end_of_stream && failed != http::error::partial_message) {
      Answer(400, "not an HTTP/1.1 request\n", false, 11);
    } else if (!failed) {
      Respond(parser_->get());
    }
    // Otherwise the peer is gone or too slow: dropping the last reference closes the socket.
  }

  void Respond(const Request& request) {
    const std::string target(request.target().data(), request.target().size());
    const bool head = request.method() == http::verb::head;
    if (!head && request.method() != http::verb::get) {
      Answer(405, "only GET and HEAD\n", false, request.version());
      return;
    }
    const auto handler = shared_->handlers.find(target.substr(0, target.find('?')));
    HttpResponse answer{404, "text/plain; charset=utf-8", "no such page\n"};
    if (handler != shared_->handlers.end()) answer = handler->second();
    const bool keep = request.keep_alive() && ++served_ < shared_->limits.requests_per_connection;
    Write(std::move(answer), head, keep, request.version());
  }

  void Answer(int status, const char* body, bool keep, unsigned version) {
    Write({status, "text/plain; charset=utf-8", body}, false, keep, version);
  }

  void Write(HttpResponse answer, bool head, bool keep, unsigned version) {
    response_ = Response(static_cast<http::status>(answer.status), version);
    response_.set(http::field::content_type, answer.content_type);
    response_.set(http::field::cache_control, "no-store");
    response_.set("X-Content-Type-Options", "nosniff");
    if (answer.status == 405) response_.set(http::field::allow, "GET, HEAD");
    response_.keep_alive(keep);
    const size_t length = answer.body.size();
    if (!head) response_.body() = std::move(answer.body);
    response_.content_length(length);
    stream_.expires_after(std::chrono::microseconds(shared_->limits.write_timeout_us));
    const auto done = [self = shared_from_this(), keep](beast::error_code failed, size_t) {
      if (!failed && keep) {
        self->Read();
        return;
      }
      beast::error_code ignored;
      self->stream_.socket().shutdown(tcp::socket::shutdown_send, ignored);
    };
    if (head) {
      serializer_.emplace(response_);
      http::async_write_header(stream_, *serializer_, done);
    } else {
      http::async_write(stream_, response_, done);
    }
  }

  beast::tcp_stream stream_;
  const std::shared_ptr<Shared> shared_;
  beast::flat_buffer buffer_{64 * 1024};
  std::optional<http::request_parser<http::empty_body>> parser_;
  std::optional<http::response_serializer<http::string_body>> serializer_;
  Response response_;
  int served_ = 0;
};

class BeastServer final : public HttpServer {
 public:
  BeastServer(std::map<std::string, Handler> handlers, const HttpLimits& limits)
      : acceptor_(context_), shared_(std::make_shared<Shared>()) {
    shared_->handlers = std::move(handlers);
    shared_->limits = limits;
  }

  ~BeastServer() override {
    context_.stop();
    if (thread_.joinable()) thread_.join();
  }

  absl::Status Listen(const std::string& address) {
    ATTUNE_ASSIGN_OR_RETURN(const tcp::endpoint endpoint, ParseAddress(address));
    beast::error_code failed;
    acceptor_.open(endpoint.protocol(), failed);
    if (!failed) acceptor_.set_option(tcp::acceptor::reuse_address(true), failed);
    if (!failed) acceptor_.bind(endpoint, failed);
    if (!failed) acceptor_.listen(asio::socket_base::max_listen_connections, failed);
    if (failed) {
      return absl::UnavailableError(
          absl::StrCat("cannot listen on ", address, ": ", failed.message()));
    }
    address_ = Shown(acceptor_.local_endpoint(failed));
    Accept();
    thread_ = std::thread([this] { context_.run(); });
    return absl::OkStatus();
  }

  const std::string& address() const override { return address_; }

 private:
  void Accept() {
    acceptor_.async_accept([this](beast::error_code failed, tcp::socket socket) {
      if (failed == asio::error::operation_aborted) return;
      if (!failed) std::make_shared<Connection>(std::move(socket), shared_)->Begin();
      Accept();
    });
  }

  asio::io_context context_{1};
  tcp::acceptor acceptor_;
  const std::shared_ptr<Shared> shared_;
  std::string address_;
  std::thread thread_;
};

}  // namespace

absl::StatusOr<std::unique_ptr<HttpServer>> HttpServer::Start(
    const std::string& address, std::map<std::string, Handler> handlers, const HttpLimits& limits) {
  auto server = std::make_unique<BeastServer>(std::move(handlers), limits);
  ATTUNE_RETURN_IF_ERROR(server->Listen(address));
  return server;
}

}  // namespace attune::gateway
