#include "edge/agent/check_server.h"

#include <grpcpp/client_context.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <optional>
#include <string_view>
#include <thread>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "attune/v1/session.grpc.pb.h"
#include "edge/agent/tcp_probe.h"
#include "edge/client/trace.h"

namespace attune::edge {
namespace {

constexpr int kTcpTimeoutMs = 3'000;

Finding Ok(const char* step, std::string text) { return {step, Verdict::kOk, std::move(text), ""}; }
Finding Problem(const char* step, std::string text, std::string remedy) {
  return {step, Verdict::kProblem, std::move(text), std::move(remedy)};
}
Finding Unseen(const char* step, std::string text) {
  return {step, Verdict::kWaiting, std::move(text), ""};
}

bool Has(const std::string& text, std::string_view part) {
  return absl::AsciiStrToLower(text).find(part) != std::string::npos;
}

bool DidNotAnswer(const grpc::Status& status) {
  return status.error_code() == grpc::StatusCode::UNAVAILABLE ||
         status.error_code() == grpc::StatusCode::DEADLINE_EXCEEDED ||
         status.error_code() == grpc::StatusCode::CANCELLED;
}

// What the session is, for somebody who is about to enter.
std::string WordsOf(const v1::SessionInfo& session) {
  std::string words;
  if (!session.title().empty()) absl::StrAppend(&words, "'", session.title(), "', ");
  switch (session.kind()) {
    case v1::SESSION_KIND_TEAM:
      words += "a team session";
      break;
    case v1::SESSION_KIND_COUPLES:
      words += "a couples session";
      break;
    case v1::SESSION_KIND_LAB:
      words += "a lab session";
      break;
    default:
      words += "a session";
  }
  return absl::StrCat(words, ", ", session.people(), session.people() == 1 ? " person" : " people");
}

// Empty: people may enter and send.
std::string WhyNotOpen(const v1::SessionInfo& session) {
  switch (session.state()) {
    case v1::SESSION_STATE_ENDING:
    case v1::SESSION_STATE_CLOSED:
      return "the session is over";
    case v1::SESSION_STATE_SUSPENDED:
      return "the session is suspended: no node serves it now";
    default:
      return "";
  }
}

std::string Ms(int64_t us) {
  char text[32];
  std::snprintf(text, sizeof(text), us < 10'000 ? "%.1f ms" : "%.0f ms",
                static_cast<double>(us) / 1000);
  return text;
}

std::string Duration(int64_t us) {
  return us < 10'000'000 ? Ms(us) : absl::StrCat(us / 1'000'000, " s");
}

}  // namespace

struct ServerCheck::Answer {
  grpc::Status status;
  v1::SessionInfo session;
  uint32_t participant = 0;
  bool measures = false;  // consent to measure stands
  int64_t sent_us = 0;    // steady
  int64_t received_us = 0;
  int64_t utc_us = 0;  // when it was received
};

ServerCheck::ServerCheck(std::string address, ChannelOptions options, const Clock& clock)
    : address_(std::move(address)), options_(std::move(options)), clock_(clock) {}

ServerCheck::Answer ServerCheck::Ask(const std::string& code, const std::string& token) {
  const auto stub = v1::SessionService::NewStub(channel_);
  grpc::ClientContext context;
  SendTrace(context);
  context.set_deadline(std::chrono::system_clock::now() + std::chrono::milliseconds(kDeadlineMs));
  // A channel that has failed once waits; here somebody waits for the answer.
  context.set_wait_for_ready(false);
  Answer answer;
  answer.sent_us = clock_.SteadyMicros();
  if (!code.empty()) {
    v1::GetSessionByCodeRequest request;
    request.set_join_code(code);
    v1::GetSessionByCodeResponse response;
    answer.status = stub->GetSessionByCode(&context, request, &response);
    answer.session = response.session();
  } else {
    if (!token.empty()) context.AddMetadata("authorization", "Bearer " + token);
    v1::GetSessionResponse response;
    answer.status = stub->GetSession(&context, {}, &response);
    answer.session = response.session();
    answer.participant = response.participant();
    for (const v1::Consent& consent : response.consents()) {
      answer.measures |= consent.purpose() == v1::PURPOSE_MEASURE && consent.granted();
    }
  }
  answer.received_us = clock_.SteadyMicros();
  answer.utc_us = clock_.UtcMicros();
  return answer;
}

Finding UnreachableWords(const std::string& address, const ChannelOptions& options,
                         const std::string& detail) {
  const bool local = address.starts_with("unix:");
  switch (local ? TcpAnswer::kOpen : ProbeTcp(address, kTcpTimeoutMs)) {
    case TcpAnswer::kNoName:
      return Problem("server", absl::StrCat("the name in ", address, " is not known"),
                     "check --server, and that this computer is online");
    case TcpAnswer::kRefused:
      return Problem("server", absl::StrCat("nothing listens at ", address),
                     "check the port in --server; the server may not be running");
    case TcpAnswer::kSilent:
      return Problem("server", absl::StrCat(address, " does not answer"),
                     "check the network; a firewall may be between this computer and the server");
    case TcpAnswer::kOpen:
      break;
  }
  if (!options.tls) {
    return Problem(
        "server",
        absl::StrCat("something listens at ", address, " but does not speak plaintext gRPC"),
        "if the server encrypts, say --tls; else check the port");
  }
  if (Has(detail, "wrong version number") || Has(detail, "wrong_version_number")) {
    return Problem("server", absl::StrCat(address, " does not encrypt"),
                   "leave --tls out (and say --plaintext-on-network if the network is trusted)");
  }
  if (Has(detail, "certificate verify failed") || Has(detail, "certificate_verify_failed")) {
    return Problem("server", absl::StrCat("the certificate of ", address, " is not trusted here"),
                   "give the authority's certificate: --ca=FILE");
  }
  if (Has(detail, "peer name") || Has(detail, "hostname")) {
    return Problem("server", absl::StrCat("the certificate of ", address, " is for another name"),
                   "use the name in the certificate in --server, or --server-name=NAME");
  }
  return Problem("server",
                 absl::StrCat("no encrypted connection to ", address,
                              detail.empty() ? "" : absl::StrCat(" (", detail, ")")),
                 "if the server does not encrypt, leave --tls out; if its certificate is its own, "
                 "give --ca=FILE; if its name differs, --server-name=NAME");
}

Finding ServerCheck::Reach() {
  auto channel = MakeChannel(address_, options_);
  if (!channel.ok()) {
    return Problem("server", std::string(channel.status().message()), "");
  }
  channel_ = *std::move(channel);
  const Answer answer = Ask("", "");
  if (DidNotAnswer(answer.status)) {
    return UnreachableWords(address_, options_, answer.status.error_message());
  }
  // Without a token a node says UNAUTHENTICATED; whatever else is no node of ours.
  if (answer.status.error_code() != grpc::StatusCode::UNAUTHENTICATED) {
    return Problem("server", absl::StrCat(address_, " is no Attune node"), "check --server");
  }
  return Ok("server",
            absl::StrCat(address_, " answers", options_.tls ? ", encrypted" : ", not encrypted"));
}

Finding ServerCheck::JoinCode(const std::string& code) {
  const Answer answer = Ask(code, "");
  switch (answer.status.error_code()) {
    case grpc::StatusCode::OK:
      break;
    case grpc::StatusCode::NOT_FOUND:
      return Problem("code", "no open session has this code",
                     "read it again; ask whoever leads the session");
    case grpc::StatusCode::RESOURCE_EXHAUSTED:
      return Problem("code", "too many wrong codes came from here",
                     "wait a minute, then try again");
    case grpc::StatusCode::UNIMPLEMENTED:
      return Unseen("code", "this node is older and cannot tell before joining");
    default:
      return Problem("code", absl::StrCat("cannot be looked at: ", answer.status.error_message()),
                     "try again in a moment");
  }
  if (const std::string why = WhyNotOpen(answer.session); !why.empty()) {
    return Problem("code", why, "ask whoever leads the session for a new code");
  }
  return Ok("code", "leads to " + WordsOf(answer.session));
}

Finding ServerCheck::Token(const std::string& token) {
  const Answer answer = Ask("", token);
  switch (answer.status.error_code()) {
    case grpc::StatusCode::OK:
      break;
    case grpc::StatusCode::UNAUTHENTICATED:
    case grpc::StatusCode::PERMISSION_DENIED:
      return Problem("token", absl::StrCat("not valid: ", answer.status.error_message()),
                     "ask for a new one, or join with the session's code");
    case grpc::StatusCode::NOT_FOUND:
      return Problem("token", "its session is not here", "check --server");
    default:
      return Problem("token", absl::StrCat("cannot be looked at: ", answer.status.error_message()),
                     "try again in a moment");
  }
  if (answer.participant == 0) {
    return Problem("token", "it is not a participant's", "ask for a participant's token");
  }
  if (const std::string why = WhyNotOpen(answer.session); !why.empty()) {
    return Problem("token", why, "ask whoever leads the session");
  }
  if (!answer.measures) {
    return Problem("token", "consent to measure is not given in the session",
                   "agree to it, or ask whoever made the token");
  }
  return Ok("token",
            absl::StrCat("valid, person ", answer.participant, " in ", WordsOf(answer.session)));
}

Finding ServerCheck::SessionClock(const std::string& code, const std::string& token,
                                  const std::atomic<bool>& stop) {
  std::optional<Answer> best;
  const auto rtt_us = [](const Answer& one) { return one.received_us - one.sent_us; };
  for (int i = 0; i < kProbes && !stop; ++i) {
    if (i > 0) std::this_thread::sleep_for(std::chrono::microseconds(kProbeSpacingUs));
    Answer answer = Ask(code, token);
    if (!answer.status.ok()) continue;
    if (!best || rtt_us(answer) < rtt_us(*best)) best = std::move(answer);
  }
  if (!best) return Problem("clock", "the node has stopped answering", "look at the network");
  // Session time was read somewhere between sending and receiving: half of it at most is the error.
  const int64_t uncertainty_us = rtt_us(*best) / 2;
  std::string text =
      absl::StrCat("known to ", Ms(uncertainty_us), " (round trip ", Ms(rtt_us(*best)), ")");
  const double rate = best->session.clock_rate();
  if (rate == 1 || rate == 0) {
    const int64_t theirs_us = best->session.created_utc_us() + best->session.now_session_us();
    const int64_t ahead_us = best->utc_us - uncertainty_us - theirs_us;
    if (std::abs(ahead_us) <= uncertainty_us + 1'000) {
      text += "; this computer's time of day agrees";
    } else {
      absl::StrAppend(&text, "; this computer's time of day is ", Duration(std::abs(ahead_us)),
                      ahead_us > 0 ? " ahead" : " behind", ", which harms no beat");
    }
  } else {
    absl::StrAppend(&text, "; the session runs at ", rate, " times real time");
  }
  if (uncertainty_us > kMostUncertaintyUs) {
    return Problem("clock", text,
                   "the network is slow or busy: use a cable or another network, or values that "
                   "need exact times may be withheld");
  }
  return Ok("clock", text + "; drift is seen once the session runs");
}

}  // namespace attune::edge
