// From the message that closes a tick to its frame at a watcher.
//
// One hub stream carries N people. For every tick each of them has all of its beats sent but the
// last person's progress; sending that closes the tick, and the clock runs until the watcher, on
// another connection, has the frame of this very tick. Prints one JSON object.
#include <grpcpp/grpcpp.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <fstream>
#include <iostream>
#include <map>
#include <string>
#include <thread>
#include <vector>

#include "absl/flags/flag.h"
#include "absl/flags/parse.h"
#include "absl/flags/usage.h"
#include "attune/v1/edge.grpc.pb.h"
#include "attune/v1/live.grpc.pb.h"
#include "services/base/mutex.h"

ABSL_FLAG(std::string, address, "", "host:port of the node");
ABSL_FLAG(std::string, tokens_file, "", "participant tokens of one session, one a line");
ABSL_FLAG(std::string, watch_token, "", "facilitator token of the same session");
ABSL_FLAG(int, ticks, 200, "frames to measure");
ABSL_FLAG(int, skip, 20, "first frames that are not counted");
ABSL_FLAG(int64_t, horizon_us, 3'000'000,
          "the engine's horizon: a tick closes so much after its end");

namespace attune::bench {
namespace {

int64_t NowMicros() {
  return std::chrono::duration_cast<std::chrono::microseconds>(
             std::chrono::steady_clock::now().time_since_epoch())
      .count();
}

struct Arrivals {
  Mutex mu;
  std::map<int64_t, int64_t> by_end_us ATTUNE_GUARDED_BY(mu);  // end of tick -> arrival
};

struct Person {
  int64_t next_beat_us = 0;
  uint64_t next_seq = 1;
};

int Main() {
  const std::string address = absl::GetFlag(FLAGS_address);
  std::vector<std::string> tokens;
  std::ifstream file(absl::GetFlag(FLAGS_tokens_file));
  for (std::string line; std::getline(file, line);) {
    if (!line.empty()) tokens.push_back(line);
  }
  const auto channel = [&] {
    grpc::ChannelArguments arguments;
    arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
    return grpc::CreateCustomChannel(address, grpc::InsecureChannelCredentials(), arguments);
  };

  Arrivals arrivals;
  const auto live = v1::LiveService::NewStub(channel());
  grpc::ClientContext watch_context;
  watch_context.AddMetadata("authorization", "Bearer " + absl::GetFlag(FLAGS_watch_token));
  auto watch = live->Watch(&watch_context, v1::WatchRequest());
  std::thread watcher([&] {
    v1::WatchEvent event;
    while (watch->Read(&event)) {
      if (!event.has_frame()) continue;
      const int64_t now_us = NowMicros();
      MutexLock lock(arrivals.mu);
      arrivals.by_end_us.emplace(event.frame().frame().end_session_us(), now_us);
    }
  });

  const auto edge = v1::EdgeService::NewStub(channel());
  grpc::ClientContext edge_context;
  auto stream = edge->Stream(&edge_context);
  std::vector<Person> people(tokens.size());
  int64_t session_at_welcome_us = 0;
  int64_t welcomed_at_us = 0;
  for (size_t i = 0; i < tokens.size(); ++i) {
    v1::EdgeUp up;
    up.set_handle(static_cast<uint32_t>(i) + 1);
    up.mutable_hello()->set_token(tokens[i]);
    up.mutable_hello()->set_boot_id(std::string(15, 'b') + static_cast<char>(i));
    up.mutable_hello()->set_next_seq(1);
    up.mutable_hello()->set_oldest_retained_seq(1);
    stream->Write(up);
    v1::EdgeDown down;
    do {
      if (!stream->Read(&down) || down.has_refusal()) {
        std::cerr << "frame_latency: not welcome: " << down.ShortDebugString() << "\n";
        return 1;
      }
    } while (!down.has_welcome());
    session_at_welcome_us = down.welcome().session().now_session_us();
    welcomed_at_us = NowMicros();
  }
  std::thread acks([&] {
    v1::EdgeDown down;
    while (stream->Read(&down)) {
      if (down.has_refusal()) std::cerr << "frame_latency: " << down.ShortDebugString() << "\n";
    }
  });
  const auto session_now_us = [&] { return session_at_welcome_us + NowMicros() - welcomed_at_us; };

  // Everybody's beats up to `through`; `complete` says so, too.
  const auto send = [&](size_t i, int64_t through_us, bool complete) {
    v1::EdgeUp up;
    up.set_handle(static_cast<uint32_t>(i) + 1);
    Person& person = people[i];
    v1::Observations& out = *up.mutable_observations();
    out.set_first_seq(person.next_seq);
    while (person.next_beat_us <= through_us) {
      // A heart of its own for each: the interval wanders, so that nothing is degenerate.
      const uint32_t rr_1024 =
          800 + static_cast<uint32_t>((person.next_seq * (7 + 2 * i) + 13 * i) % 120);
      out.mutable_beats()->add_time_session_us(person.next_beat_us);
      out.mutable_beats()->add_rr_1024(rr_1024);
      ++person.next_seq;
      person.next_beat_us += static_cast<int64_t>(rr_1024) * 1'000'000 / 1024;
    }
    if (out.beats().time_session_us_size() == 0) {
      if (!complete) return;
      up.mutable_progress()->set_complete_through_session_us(through_us);
    } else {
      out.set_complete_through_session_us(complete ? through_us : person.next_beat_us - 2'000'000);
    }
    stream->Write(up);
  };

  const int64_t horizon_us = absl::GetFlag(FLAGS_horizon_us);
  const int64_t first_tick_us = (session_now_us() / 1'000'000 + 2) * 1'000'000;
  for (Person& person : people) person.next_beat_us = first_tick_us;
  std::vector<double> latency_ms;
  int missing = 0;
  const int ticks = absl::GetFlag(FLAGS_ticks);
  for (int t = 0; t < ticks; ++t) {
    const int64_t end_us = first_tick_us + int64_t{t} * 1'000'000;
    const int64_t through_us = end_us + horizon_us;
    // Not before its time: a person cannot be complete through the future.
    for (int64_t wait_us; (wait_us = through_us - session_now_us()) > 0;) {
      std::this_thread::sleep_for(std::chrono::microseconds(std::min<int64_t>(wait_us, 50'000)));
    }
    for (size_t i = 0; i + 1 < people.size(); ++i) send(i, through_us, true);
    send(people.size() - 1, through_us, false);
    std::this_thread::sleep_for(std::chrono::milliseconds(30));  // Let all that arrive first.
    v1::EdgeUp closing;
    closing.set_handle(static_cast<uint32_t>(people.size()));
    closing.mutable_progress()->set_complete_through_session_us(through_us);
    const int64_t sent_us = NowMicros();
    stream->Write(closing);
    int64_t arrived_us = 0;
    for (int tries = 0; tries < 4000 && arrived_us == 0; ++tries) {
      std::this_thread::sleep_for(std::chrono::microseconds(250));
      MutexLock lock(arrivals.mu);
      if (auto it = arrivals.by_end_us.find(end_us); it != arrivals.by_end_us.end()) {
        arrived_us = it->second;
      }
    }
    if (arrived_us == 0 || arrived_us < sent_us) {
      ++missing;
      continue;
    }
    if (t >= absl::GetFlag(FLAGS_skip)) {
      latency_ms.push_back(static_cast<double>(arrived_us - sent_us) / 1000);
    }
  }
  edge_context.TryCancel();
  watch_context.TryCancel();
  watcher.join();
  acks.join();
  if (latency_ms.empty()) {
    std::cerr << "frame_latency: no frame came\n";
    return 1;
  }
  std::sort(latency_ms.begin(), latency_ms.end());
  const auto at = [&](double q) {
    return latency_ms[std::min(latency_ms.size() - 1,
                               static_cast<size_t>(q * static_cast<double>(latency_ms.size())))];
  };
  std::printf(
      "{\"people\":%zu,\"frames\":%zu,\"missing\":%d,\"p50_ms\":%.3f,\"p99_ms\":%.3f,\"max_ms\":%."
      "3f}\n",
      tokens.size(), latency_ms.size(), missing, at(0.5), at(0.99), latency_ms.back());
  return 0;
}

}  // namespace
}  // namespace attune::bench

int main(int argc, char** argv) {
  absl::SetProgramUsageMessage(
      "frame_latency --address=HOST:PORT --tokens_file=FILE --watch_token=T [--ticks=N]");
  absl::ParseCommandLine(argc, argv);
  return attune::bench::Main();
}
