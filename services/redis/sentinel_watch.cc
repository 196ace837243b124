#include "services/redis/sentinel_watch.h"

#include <poll.h>

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"

namespace attune::redis {
namespace {

constexpr int64_t kLookAgainUs = 20'000;  // while an answer is awaited

// Lets the connection write and read what it can; false: it is of no use any more.
bool Advance(Connection& connection) {
  pollfd fd = {connection.fd(), 0, 0};
  fd.events = static_cast<short>(connection.connected() ? POLLIN : 0);
  if (connection.wants_write()) fd.events |= POLLOUT;
  if (poll(&fd, 1, 0) <= 0) return true;
  constexpr int kBroken = POLLERR | POLLHUP;
  if ((fd.revents & (POLLOUT | kBroken)) != 0 && connection.wants_write() &&
      !connection.OnWritable().ok()) {
    return false;
  }
  return (fd.revents & (POLLIN | kBroken)) == 0 || !connection.connected() ||
         connection.OnReadable().ok();
}

}  // namespace

SentinelWatch::SentinelWatch(std::vector<std::string> sentinels, std::string master)
    : master_(std::move(master)), next_us_(INT64_MAX) {
  for (std::string& address : sentinels) sentinels_.push_back({std::move(address), nullptr, false});
}

void SentinelWatch::Begin(const std::string& primary, int64_t now_us) {
  if (sentinels_.empty()) return;
  primary_ = primary;
  // What was asked before is about the one before.
  for (Asked& asked : sentinels_) asked = {std::move(asked.address), nullptr, false};
  ask_us_ = next_us_ = now_us;
}

std::optional<size_t> SentinelWatch::Step(int64_t now_us) {
  if (now_us < next_us_) return std::nullopt;
  const bool ask = now_us >= ask_us_;
  if (ask) ask_us_ = now_us + kAskSentinelsEveryUs;
  next_us_ = ask_us_;
  for (size_t i = 0; i < sentinels_.size(); ++i) {
    Asked& asked = sentinels_[i];
    if (ask) {
      // No answer since the last time: that connection is not waited for any longer.
      if (asked.waiting) asked.connection.reset();
      if (asked.connection == nullptr) {
        auto begun = Connection::Begin(asked.address);
        if (begun.ok()) asked.connection = *std::move(begun);
      }
      if (asked.connection == nullptr) continue;
      asked.connection->Send(Encode({"SENTINEL", "get-master-addr-by-name", master_}));
      asked.waiting = true;
    }
    if (asked.connection == nullptr || !asked.waiting) continue;
    if (Read(asked)) return i;
    if (asked.waiting) next_us_ = std::min(next_us_, now_us + kLookAgainUs);
  }
  return std::nullopt;
}

bool SentinelWatch::Read(Asked& asked) const {
  Reply reply;
  if (Advance(*asked.connection)) {
    const auto got = asked.connection->Next(&reply);
    if (got.ok() && !*got) return false;
    if (got.ok()) {
      asked.waiting = false;
      return reply.elements.size() == 2 &&
             absl::StrCat(reply.elements[0].text, ":", reply.elements[1].text) != primary_;
    }
  }
  asked.connection.reset();
  asked.waiting = false;
  return false;
}

}  // namespace attune::redis
