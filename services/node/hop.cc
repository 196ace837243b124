#include "services/node/hop.h"

#include "absl/strings/escaping.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "services/node/hmac.h"

namespace attune::node {
namespace {

constexpr int64_t kProofLifeUs = 60'000'000;

std::string_view View(const grpc::string_ref& text) { return {text.data(), text.size()}; }

std::string_view Value(const grpc::ServerContextBase& context, const char* key) {
  const auto found = context.client_metadata().find(key);
  return found == context.client_metadata().end() ? std::string_view() : View(found->second);
}

// Of one connection only, or set anew by gRPC.
bool IsOfTheHop(std::string_view key) {
  return key.starts_with(":") || key.starts_with("grpc-") || key == "te" || key == "host" ||
         key == "connection" || key == "content-type" || key == "user-agent" ||
         key == kForwardedKey || key == kForwarderKey;
}

std::string Mac(std::string_view key, const std::string& time) {
  return absl::BytesToHexString(HmacSha256(key, "attune forwarder 1 " + time));
}

}  // namespace

bool IsForwarded(const grpc::ServerContextBase& context) {
  return !Value(context, kForwardedKey).empty();
}

bool CannotFollow(const grpc::ServerContextBase& context) {
  return Value(context, kFollowRedirectsKey) == "no";
}

std::string ForwarderProof(std::string_view key, int64_t utc_us) {
  const std::string time = absl::StrCat(utc_us);
  return absl::StrCat(time, ".", Mac(key, time));
}

bool IsVouchedFor(const grpc::ServerContextBase& context, std::string_view key, int64_t utc_us) {
  const std::string_view proof = Value(context, kForwarderKey);
  const size_t dot = proof.find('.');
  if (dot == std::string_view::npos) return false;
  const std::string time(proof.substr(0, dot));
  int64_t at_us = 0;
  return absl::SimpleAtoi(time, &at_us) &&
         EqualInConstantTime(proof.substr(dot + 1), Mac(key, time)) &&
         at_us > utc_us - kProofLifeUs && at_us < utc_us + kProofLifeUs;
}

void CarryOn(const grpc::ServerContextBase& from, std::string_view key, int64_t utc_us,
             grpc::ClientContext& to) {
  for (const auto& [name, value] : from.client_metadata()) {
    if (IsOfTheHop(View(name))) continue;
    to.AddMetadata(std::string(View(name)), std::string(View(value)));
  }
  to.AddMetadata(kForwardedKey, "1");
  to.AddMetadata(kForwarderKey, ForwarderProof(key, utc_us));
  to.set_deadline(from.deadline());
}

void CarryBackInitial(const grpc::ClientContext& from, grpc::ServerContextBase& to) {
  for (const auto& [name, value] : from.GetServerInitialMetadata()) {
    if (!IsOfTheHop(View(name))) {
      to.AddInitialMetadata(std::string(View(name)), std::string(View(value)));
    }
  }
}

void CarryBackTrailing(const grpc::ClientContext& from, grpc::ServerContextBase& to) {
  // The details of a status travel with the status.
  for (const auto& [name, value] : from.GetServerTrailingMetadata()) {
    if (!IsOfTheHop(View(name))) {
      to.AddTrailingMetadata(std::string(View(name)), std::string(View(value)));
    }
  }
}

}  // namespace attune::node
