#include "services/redis/client.h"

#include <openssl/sha.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <deque>
#include <map>
#include <thread>
#include <utility>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "services/base/mutex.h"
#include "services/base/status_macros.h"
#include "services/redis/connection.h"
#include "services/redis/sentinel_watch.h"

namespace attune::redis {
namespace {

constexpr int64_t kLongestPollUs = 1'000'000;

absl::Status NotSent(const std::string& why) {
  return absl::UnavailableError(absl::StrCat("Redis: ", why));
}
absl::Status MayBeDone(const std::string& why) {
  return absl::UnknownError(absl::StrCat("Redis: ", why, "; the command may have been executed"));
}

// "key:value" lines of INFO.
std::string InfoField(const std::string& info, const std::string& name) {
  for (absl::string_view line : absl::StrSplit(info, "\r\n")) {
    if (line.size() > name.size() && line.substr(0, name.size()) == name &&
        line[name.size()] == ':') {
      return std::string(line.substr(name.size() + 1));
    }
  }
  return "";
}

// Errors after which this server is not the one to talk to.
bool SendsAway(const Reply& reply) {
  const std::string_view code = reply.error_code();
  return code == "READONLY" || code == "LOADING" || code == "MASTERDOWN";
}

class ClientImpl final : public Client {
 public:
  ClientImpl(ClientOptions options, const Clock& clock, RandomSource& random, OnState on_state)
      : options_(std::move(options)),
        clock_(clock),
        random_(random),
        on_state_(std::move(on_state)),
        wake_(eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)),
        watch_(options_.sentinel_master.empty() ? std::vector<std::string>() : options_.addresses,
               options_.sentinel_master),
        backoff_us_(options_.backoff_first_us) {
    state_.trouble = "not connected yet";
    thread_ = std::thread([this] { Loop(); });
  }
  ~ClientImpl() override {
    {
      MutexLock lock(mu_);
      stopping_ = true;
    }
    Wake();
    thread_.join();
    close(wake_);
  }

  void Call(std::vector<std::string> arguments, Done done, int64_t within_us) override {
    Command command;
    for (const std::string& argument : arguments) command.size += argument.size();
    command.arguments = std::move(arguments);
    command.done = std::move(done);
    command.deadline_us =
        clock_.SteadyMicros() + (within_us > 0 ? within_us : options_.answer_within_us);
    absl::Status refused;
    {
      MutexLock lock(mu_);
      if (stopping_) {
        refused = NotSent("shutting down");
      } else if (pending_ >= options_.most_pending ||
                 pending_bytes_ + command.size > options_.most_pending_bytes) {
        refused = absl::ResourceExhaustedError("Redis: too many commands wait for an answer");
      } else {
        ++pending_;
        pending_bytes_ += command.size;
        waiting_.push_back(std::move(command));
      }
    }
    if (!refused.ok()) return command.done(refused);
    Wake();
  }

  void Run(const Script& script, std::vector<std::string> keys, std::vector<std::string> arguments,
           Done done, int64_t within_us) override {
    std::vector<std::string> call = {"EVALSHA", script.sha1, std::to_string(keys.size())};
    for (auto* part : {&keys, &arguments}) {
      for (std::string& one : *part) call.push_back(std::move(one));
    }
    Call(
        call,
        [this, call, body = script.body, done = std::move(done),
         within_us](absl::StatusOr<Reply> reply) mutable {
          if (!reply.ok() || reply->error_code() != "NOSCRIPT") return done(std::move(reply));
          call[0] = "EVAL";
          call[1] = std::move(body);
          Call(std::move(call), std::move(done), within_us);
        },
        within_us);
  }

  ServerState state() const override {
    MutexLock lock(mu_);
    return state_;
  }

 private:
  struct Command {
    std::vector<std::string> arguments;  // empty once sent
    Done done;
    int64_t deadline_us = 0;
    size_t size = 0;  // of the arguments
  };
  struct Finished {
    Done done;
    absl::StatusOr<Reply> result;
  };

  void Wake() {
    const uint64_t one = 1;
    [[maybe_unused]] const ssize_t n = write(wake_, &one, sizeof one);
  }

  void Loop() {
    while (!Stopping()) {
      if (connection_ == nullptr) {
        const int64_t now_us = clock_.SteadyMicros();
        if (now_us >= connect_at_us_) {
          Connect();
        } else {
          Poll(connect_at_us_ - now_us);
        }
      } else {
        Turn();
      }
      Expire();
      Answer();
    }
    Break("shutting down");
    while (true) {
      {
        MutexLock lock(mu_);
        for (Command& command : waiting_) {
          Finish(std::move(command), NotSent("shutting down"));
        }
        waiting_.clear();
      }
      if (finished_.empty()) break;
      Answer();  // may want to call again
    }
  }

  bool Stopping() {
    MutexLock lock(mu_);
    return stopping_;
  }

  // ---- Connecting

  void Connect() {
    absl::Status failed = absl::UnavailableError("no address");
    for (size_t i = 0; i < options_.addresses.size() && connection_ == nullptr; ++i) {
      const std::string& address = options_.addresses[address_++ % options_.addresses.size()];
      failed = TryAddress(address);
      if (Stopping()) return;
    }
    if (connection_ != nullptr) {
      backoff_us_ = options_.backoff_first_us;
      return;
    }
    Say(std::string(failed.message()));
    connect_at_us_ = clock_.SteadyMicros() +
                     static_cast<int64_t>(
                         random_.Below(static_cast<uint64_t>(std::max<int64_t>(1, backoff_us_))));
    backoff_us_ = std::min(2 * backoff_us_, options_.backoff_most_us);
  }

  absl::Status TryAddress(const std::string& address) {
    const int64_t deadline_us = clock_.SteadyMicros() + options_.connect_within_us;
    std::string server = address;
    if (!options_.sentinel_master.empty()) {
      ATTUNE_ASSIGN_OR_RETURN(const auto sentinel, Connection::Begin(address));
      ATTUNE_ASSIGN_OR_RETURN(
          const Reply reply,
          Ask(*sentinel, {"SENTINEL", "get-master-addr-by-name", options_.sentinel_master},
              deadline_us));
      if (reply.elements.size() != 2) {
        return absl::UnavailableError(absl::StrCat(
            "the Sentinel at ", address, " knows no primary '", options_.sentinel_master, "'"));
      }
      server = absl::StrCat(reply.elements[0].text, ":", reply.elements[1].text);
    }
    ATTUNE_ASSIGN_OR_RETURN(auto connection, Connection::Begin(server));
    if (!options_.password.empty()) {
      std::vector<std::string> auth = {"AUTH"};
      if (!options_.username.empty()) auth.push_back(options_.username);
      auth.push_back(options_.password);
      ATTUNE_ASSIGN_OR_RETURN(const Reply reply, Ask(*connection, auth, deadline_us));
      if (reply.error()) return absl::UnavailableError(absl::StrCat(server, ": ", reply.text));
    }
    ATTUNE_ASSIGN_OR_RETURN(const Reply info, Ask(*connection, {"INFO"}, deadline_us));
    if (info.error()) return absl::UnavailableError(absl::StrCat(server, ": ", info.text));
    const std::string run_id = InfoField(info.text, "run_id");
    if (run_id.empty()) return absl::UnavailableError(absl::StrCat(server, " is no Redis server"));
    if (InfoField(info.text, "loading") == "1") {
      return absl::UnavailableError(absl::StrCat(server, " is still reading its data"));
    }
    if (InfoField(info.text, "role") != "master") {
      return absl::UnavailableError(
          absl::StrCat(server, " is a replica: name its primary, or the Sentinels"));
    }
    for (const Script& script : options_.scripts) {
      ATTUNE_ASSIGN_OR_RETURN(const Reply loaded,
                              Ask(*connection, {"SCRIPT", "LOAD", script.body}, deadline_us));
      if (loaded.error()) {
        return absl::UnavailableError(
            absl::StrCat(server, " does not take the script ", script.name, ": ", loaded.text));
      }
    }
    connection_ = std::move(connection);
    heard_us_ = clock_.SteadyMicros();
    watch_.Begin(server, heard_us_);
    Ready(server, run_id);
    return absl::OkStatus();
  }

  // A question of the handshake.
  absl::StatusOr<Reply> Ask(Connection& connection, const std::vector<std::string>& arguments,
                            int64_t deadline_us) {
    connection.Send(Encode(arguments));
    Reply reply;
    while (true) {
      ATTUNE_ASSIGN_OR_RETURN(const bool got, connection.Next(&reply));
      if (got) return reply;
      const int64_t left_us = deadline_us - clock_.SteadyMicros();
      if (left_us <= 0) return absl::UnavailableError("no answer in time");
      ATTUNE_RETURN_IF_ERROR(Exchange(connection, left_us));
      if (Stopping()) return absl::UnavailableError("shutting down");
    }
  }

  // ---- While connected

  // Waits until there is something to do, and does it.
  absl::Status Exchange(Connection& connection, int64_t wait_us) {
    pollfd fds[2] = {{connection.fd(), 0, 0}, {wake_, POLLIN, 0}};
    fds[0].events = static_cast<short>(connection.connected() ? POLLIN : 0);
    if (connection.wants_write()) fds[0].events |= POLLOUT;
    PollFor(fds, 2, wait_us);
    if ((fds[0].revents & (POLLOUT | POLLERR | POLLHUP)) != 0 && connection.wants_write()) {
      ATTUNE_RETURN_IF_ERROR(connection.OnWritable());
    }
    if ((fds[0].revents & (POLLIN | POLLERR | POLLHUP)) != 0 && connection.connected()) {
      ATTUNE_RETURN_IF_ERROR(connection.OnReadable());
    }
    return absl::OkStatus();
  }

  void Poll(int64_t wait_us) {
    pollfd fd = {wake_, POLLIN, 0};
    PollFor(&fd, 1, wait_us);
  }

  void PollFor(pollfd* fds, nfds_t count, int64_t wait_us) {
    const int64_t ms = (std::clamp<int64_t>(wait_us, 0, kLongestPollUs) + 999) / 1000;
    if (poll(fds, count, static_cast<int>(ms)) < 0) {
      for (nfds_t i = 0; i < count; ++i) fds[i].revents = 0;
    }
    if ((fds[count - 1].revents & POLLIN) != 0) {
      uint64_t ignored;
      [[maybe_unused]] const ssize_t n = read(wake_, &ignored, sizeof ignored);
    }
  }

  void Turn() {
    if (const auto sentinel = watch_.Step(clock_.SteadyMicros())) {
      address_ = *sentinel;  // who knows better is asked first
      return Break("the Sentinels name another primary");
    }
    SendWaiting();
    absl::Status went = Exchange(*connection_, WaitUs());
    // Also what came before an end of file.
    Reply reply;
    while (connection_ != nullptr) {
      const absl::StatusOr<bool> got = connection_->Next(&reply);
      if (!got.ok()) return Break(std::string(got.status().message()));
      if (!*got) break;
      Take(std::move(reply));
    }
    if (connection_ != nullptr && !went.ok()) Break(std::string(went.message()));
  }

  void SendWaiting() {
    const int64_t now_us = clock_.SteadyMicros();
    {
      MutexLock lock(mu_);
      for (Command& command : waiting_) {
        std::vector<std::string> arguments = std::exchange(command.arguments, {});
        for (std::string& argument : arguments) {
          if (argument == kThisServer) argument = state_.run_id;
        }
        connection_->Send(Encode(arguments));
        in_flight_.push_back(std::move(command));
      }
      waiting_.clear();
    }
    if (in_flight_.empty() && now_us - heard_us_ >= options_.ping_every_us) {
      connection_->Send(Encode({"PING"}));
      Command ping;
      ping.done = [](const absl::StatusOr<Reply>&) {};
      ping.deadline_us = now_us + options_.answer_within_us;
      in_flight_.push_back(std::move(ping));
      MutexLock lock(mu_);
      ++pending_;
    }
  }

  int64_t WaitUs() {
    const int64_t now_us = clock_.SteadyMicros();
    int64_t until_us = watch_.next_us();
    if (in_flight_.empty()) until_us = std::min(until_us, heard_us_ + options_.ping_every_us);
    for (const Command& command : in_flight_) until_us = std::min(until_us, command.deadline_us);
    return std::max<int64_t>(0, until_us - now_us);
  }

  void Take(Reply reply) {
    heard_us_ = clock_.SteadyMicros();
    if (in_flight_.empty()) return Break("an answer that nobody asked for");
    Command command = std::move(in_flight_.front());
    in_flight_.pop_front();
    if (SendsAway(reply)) {
      const std::string why = reply.text;
      Finish(std::move(command), NotSent(why));
      return Break(why);
    }
    Finish(std::move(command), std::move(reply));
  }

  void Break(const std::string& why) {
    connection_.reset();
    for (Command& command : in_flight_) Finish(std::move(command), MayBeDone(why));
    in_flight_.clear();
    connect_at_us_ = clock_.SteadyMicros();
    Say(why);
  }

  void Expire() {
    const int64_t now_us = clock_.SteadyMicros();
    if (std::any_of(in_flight_.begin(), in_flight_.end(),
                    [now_us](const Command& c) { return c.deadline_us <= now_us; })) {
      Break("no answer in time");
    }
    MutexLock lock(mu_);
    std::deque<Command> later;
    for (Command& command : waiting_) {
      if (command.deadline_us <= now_us) {
        Finish(std::move(command), NotSent("not connected: " + state_.trouble));
      } else {
        later.push_back(std::move(command));
      }
    }
    waiting_ = std::move(later);
  }

  void Finish(Command command, absl::StatusOr<Reply> result) {
    freed_bytes_ += command.size;
    finished_.push_back({std::move(command.done), std::move(result)});
  }

  void Answer() {
    std::vector<Finished> finished = std::exchange(finished_, {});
    {
      MutexLock lock(mu_);
      pending_ -= finished.size();
      pending_bytes_ -= std::exchange(freed_bytes_, 0);
    }
    for (Finished& one : finished) one.done(std::move(one.result));
  }

  // ---- State

  void Ready(const std::string& address, const std::string& run_id) {
    std::deque<Command> stale;
    ServerState now;
    {
      MutexLock lock(mu_);
      if (run_id != state_.run_id) {
        if (state_.servers > 0) stale = std::exchange(waiting_, {});
        ++state_.servers;
      }
      ++state_.connections;
      state_.ready = true;
      state_.address = address;
      state_.run_id = run_id;
      state_.trouble.clear();
      now = state_;
    }
    for (Command& command : stale) Finish(std::move(command), NotSent("the server is another one"));
    if (on_state_) on_state_(now);
    Answer();
  }

  void Say(const std::string& trouble) {
    ServerState now;
    {
      MutexLock lock(mu_);
      if (!state_.ready && state_.trouble == trouble) return;
      state_.ready = false;
      state_.trouble = trouble;
      now = state_;
    }
    if (on_state_) on_state_(now);
  }

  const ClientOptions options_;
  const Clock& clock_;
  RandomSource& random_;
  const OnState on_state_;
  const int wake_;

  // Of the thread alone.
  SentinelWatch watch_;
  std::unique_ptr<Connection> connection_;
  std::deque<Command> in_flight_;
  std::vector<Finished> finished_;
  size_t freed_bytes_ = 0;
  size_t address_ = 0;
  int64_t connect_at_us_ = 0;
  int64_t backoff_us_;
  int64_t heard_us_ = 0;

  mutable Mutex mu_;
  std::deque<Command> waiting_ ATTUNE_GUARDED_BY(mu_);
  size_t pending_ ATTUNE_GUARDED_BY(mu_) = 0;
  size_t pending_bytes_ ATTUNE_GUARDED_BY(mu_) = 0;
  ServerState state_ ATTUNE_GUARDED_BY(mu_);
  bool stopping_ ATTUNE_GUARDED_BY(mu_) = false;
  std::thread thread_;
};

// Waits for one answer.
class Waiter {
 public:
  Client::Done Done() {
    return [this](absl::StatusOr<Reply> reply) {
      MutexLock lock(mu_);
      result_ = std::move(reply);
      done_ = true;
      changed_.NotifyAll();
    };
  }
  absl::StatusOr<Reply> Wait() {
    MutexLock lock(mu_);
    while (!done_) changed_.Wait(mu_);
    return std::move(result_);
  }

 private:
  Mutex mu_;
  CondVar changed_;
  bool done_ ATTUNE_GUARDED_BY(mu_) = false;
  absl::StatusOr<Reply> result_ ATTUNE_GUARDED_BY(mu_) = absl::UnknownError("no answer");
};

}  // namespace

Script MakeScript(std::string name, std::string body) {
  unsigned char digest[SHA_DIGEST_LENGTH];
  SHA1(reinterpret_cast<const unsigned char*>(body.data()), body.size(), digest);
  std::string sha1 = absl::BytesToHexString(
      absl::string_view(reinterpret_cast<const char*>(digest), sizeof digest));
  return {std::move(name), std::move(body), std::move(sha1)};
}

std::unique_ptr<Client> Client::Start(ClientOptions options, const Clock& clock,
                                      RandomSource& random, OnState on_state) {
  return std::make_unique<ClientImpl>(std::move(options), clock, random, std::move(on_state));
}

absl::StatusOr<Reply> Client::CallAndWait(std::vector<std::string> arguments, int64_t within_us) {
  Waiter waiter;
  Call(std::move(arguments), waiter.Done(), within_us);
  return waiter.Wait();
}

absl::StatusOr<Reply> Client::RunAndWait(const Script& script, std::vector<std::string> keys,
                                         std::vector<std::string> arguments, int64_t within_us) {
  Waiter waiter;
  Run(script, std::move(keys), std::move(arguments), waiter.Done(), within_us);
  return waiter.Wait();
}

absl::StatusOr<ClientOptions> ParseRedisUrl(const std::string& url) {
  ClientOptions options;
  const auto wrong = [](const std::string& what) {
    return absl::InvalidArgumentError(
        absl::StrCat("the address of Redis ", what,
                     ": redis://[[user]:password@]host[:port], unix:/path or "
                     "redis+sentinel://[[user]:password@]host:port[,host:port...]/master"));
  };
  std::string rest = url;
  const bool sentinel = rest.starts_with("redis+sentinel://");
  if (rest.starts_with("unix:/")) {
    options.addresses = {rest.substr(5)};
    return options;
  }
  if (!sentinel && !rest.starts_with("redis://")) return wrong("begins with no known scheme");
  rest.erase(0, sentinel ? 17 : 8);
  if (const size_t at = rest.rfind('@'); at != std::string::npos) {
    const std::string user = rest.substr(0, at);
    const size_t colon = user.find(':');
    if (colon == std::string::npos) return wrong("has a user without a password");
    options.username = user.substr(0, colon);
    options.password = user.substr(colon + 1);
    rest.erase(0, at + 1);
  }
  if (sentinel) {
    const size_t slash = rest.find('/');
    if (slash == std::string::npos || slash + 1 == rest.size()) return wrong("names no master");
    options.sentinel_master = rest.substr(slash + 1);
    rest.resize(slash);
  } else if (!rest.empty() && rest.back() == '/') {
    rest.pop_back();
  }
  for (absl::string_view part : absl::StrSplit(rest, ',')) {
    std::string address(part);
    if (address.empty() || address.find('/') != std::string::npos) return wrong("has no host");
    const size_t colon = address.rfind(':');
    if (colon == std::string::npos || address.back() == ']') {
      absl::StrAppend(&address, sentinel ? ":26379" : ":6379");
    }
    options.addresses.push_back(std::move(address));
  }
  if (!sentinel && options.addresses.size() != 1) return wrong("names several hosts");
  return options;
}

}  // namespace attune::redis
