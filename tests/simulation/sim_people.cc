#include "tests/simulation/sim_people.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "services/node/elsewhere.h"

namespace attune::simulation {
namespace {

constexpr uint32_t kHandle = 1;
// From a heartbeat to its number.
constexpr int64_t kStrapLeastUs = 20'000, kStrapMostUs = 60'000;
constexpr int64_t kCompleteEveryUs = 500'000;
constexpr int kMostUnderWay = 16;
constexpr int64_t kWatchSilenceUs = 15'000'000;

}  // namespace

// ---- The network

int64_t SimNetwork::Latency() {
  return scheduler_.Chance(0.02) ? scheduler_.Between(5'000, 300'000)
                                 : scheduler_.Between(200, 20'000);
}

std::shared_ptr<SimNetwork::Line> SimNetwork::Connect(const std::string& client,
                                                      const std::string& node) {
  auto line = std::make_shared<Line>();
  line->client = client;
  line->node = node;
  std::erase_if(lines_, [](const auto& one) { return one.expired(); });
  lines_.push_back(line);
  return line;
}

void SimNetwork::Carry(const std::shared_ptr<Line>& line, bool up, std::function<void()> arrival,
                       Scheduler::On machine) {
  if (!line->open) return;
  if (Blocked(line->client, line->node)) {
    line->held.push_back([this, line, up, arrival = std::move(arrival), machine] {
      Carry(line, up, arrival, machine);
    });
    return;
  }
  int64_t& last_us = up ? line->up_us : line->down_us;
  last_us = std::max(last_us + 1, scheduler_.now_us() + Latency());
  scheduler_.At(
      last_us,
      [line, arrival = std::move(arrival)] {
        if (line->open) arrival();
      },
      std::move(machine));
}

void SimNetwork::Block(const std::string& client, const std::string& node, bool blocked) {
  if (blocked) {
    blocked_.insert({client, node});
    return;
  }
  blocked_.erase({client, node});
  for (const auto& weak : std::vector(lines_)) {
    const auto line = weak.lock();
    if (line == nullptr || line->client != client || line->node != node) continue;
    for (const auto& carry : std::exchange(line->held, {})) carry();
  }
}

void SimNetwork::Cut(const std::string& client, const std::string& node) {
  for (const auto& weak : std::vector(lines_)) {
    const auto line = weak.lock();
    if (line == nullptr || !line->open || (!client.empty() && line->client != client) ||
        (!node.empty() && line->node != node)) {
      continue;
    }
    line->open = false;
    if (line->on_cut) line->on_cut();
  }
}

// ---- Agents

SimEdge::SimEdge(ClusterParts& cluster, SimNetwork& network, std::string session,
                 uint32_t participant, std::vector<std::string> addresses, int64_t began_us,
                 std::vector<session::testing::HeartBeat> heart)
    : cluster_(cluster),
      scheduler_(cluster.scheduler),
      network_(network),
      session_(std::move(session)),
      name_(absl::StrCat("edge-", session_.substr(0, 4), "-", participant)),
      participant_(participant),
      addresses_(std::move(addresses)),
      began_us_(began_us),
      heart_(std::move(heart)),
      outbox_(scheduler_.random().Bytes(16)) {
  Begin();
  for (size_t i = 0; i < heart_.size(); ++i) {
    scheduler_.At(began_us_ + heart_[i].time_us + scheduler_.Between(kStrapLeastUs, kStrapMostUs),
                  [this, i] { Beat(i); });
  }
}

void SimEdge::Begin() {
  machine_ = std::make_shared<Machine>();
  clock_ = std::make_unique<MachineClock>(scheduler_, machine_,
                                          1 + 50e-6 * (2 * scheduler_.random().Unit() - 1),
                                          scheduler_.Between(0, 1'000'000'000), 0);
  sync_ = std::make_unique<edge::ClockSync>();
  random_ = std::make_unique<SeededRandom>(scheduler_.random().Uint64());
  edge::UplinkOptions options;
  options.addresses = addresses_;
  std::rotate(options.addresses.begin(),
              options.addresses.begin() +
                  scheduler_.Between(0, static_cast<int64_t>(addresses_.size()) - 1),
              options.addresses.end());
  options.agent = "simulated";
  options.ticket = ticket_;
  options.events.ticket = [this](const v1::EpochTicket& higher) { ticket_ = higher; };
  options.events.over = [this](uint32_t, bool) {
    cluster_.history.Tell(name_ + " is over");
    over_ = true;
  };
  options.events.welcome = [this](uint32_t, const v1::Welcome& welcome) {
    cluster_.history.WelcomeSeen(name_, session_, outbox_.boot_id(), welcome);
  };
  options.events.refused = [this](uint32_t, const std::string& words) {
    cluster_.history.Tell(absl::StrCat(name_, " is refused: ", words));
  };
  options.events.trouble = [this](const std::string& words) {
    cluster_.history.Tell(absl::StrCat(name_, ": ", words));
  };
  options.events.other = [this](uint32_t, const v1::EdgeDown& down) {
    if (down.has_frame()) cluster_.history.FrameSeen(name_, session_, down.frame());
  };
  uplink_ = std::make_unique<edge::Uplink>(*this, *sync_, *random_, options);
  line_ = nullptr;
  under_way_ = 0;
  tick_at_us_ = -1;
  if (!uplink_
           ->Add(kHandle, &outbox_, std::to_string(participant_), v1::SENSOR_KIND_SIMULATED, true)
           .ok()) {
    std::abort();
  }
  scheduler_.At(
      scheduler_.now_us(), [this] { Tick(); }, machine_);
  Complete();
}

void SimEdge::Restart(int64_t away_us) {
  if (over_ || machine_->dead) return;
  cluster_.history.Tell(name_ + " dies");
  machine_->dead = true;
  if (line_ != nullptr) network_.Cut(name_, line_->node);
  gap_ = true;
  scheduler_.After(away_us, [this] {
    cluster_.history.Tell(name_ + " starts again");
    Begin();
  });
}

void SimEdge::Beat(size_t index) {
  if (machine_->dead) {
    gap_ = true;
    return;
  }
  outbox_.Append(
      {heart_[index].time_us, heart_[index].rr_1024, std::exchange(gap_, false), 10'000, 50'000});
  if (index + 1 == heart_.size()) uplink_->SetFinished(kHandle);
  Tick();
}

void SimEdge::Complete() {
  const int64_t through_us = scheduler_.now_us() - began_us_ - kStrapMostUs - 1'000;
  if (through_us > 0) uplink_->SetComplete(kHandle, through_us);
  if (!heart_.empty() && through_us > heart_.back().time_us) uplink_->SetFinished(kHandle);
  scheduler_.After(
      kCompleteEveryUs,
      [this] {
        Complete();
        Tick();
      },
      machine_);
}

void SimEdge::Tick() {
  const int64_t next_us = clock_->TrueTimeOf(uplink_->Tick(clock_->SteadyMicros()));
  if (tick_at_us_ > scheduler_.now_us() && tick_at_us_ <= next_us) return;
  tick_at_us_ = std::max(next_us, scheduler_.now_us() + 1);
  scheduler_.At(
      tick_at_us_,
      [this, at_us = tick_at_us_] {
        if (at_us == tick_at_us_) Tick();
      },
      machine_);
}

void SimEdge::Open(const std::string& address) {
  line_ = network_.Connect(name_, address);
  under_way_ = 0;
  at_node_ = std::make_shared<std::shared_ptr<SimEdgeStream>>();
  const auto line = line_;
  const auto at_node = at_node_;
  const auto machine = machine_;
  line->on_cut = [this, line, at_node, machine] {
    // Each end learns of it for itself.
    scheduler_.After(
        network_.Latency(),
        [this, line] {
          if (line_ == line) Close("the stream broke");
        },
        machine);
    scheduler_.After(network_.Latency(), [at_node] {
      if (*at_node != nullptr) (*at_node)->Gone();
      *at_node = nullptr;
    });
  };
  network_.Carry(
      line, true,
      [this, line, at_node, address, machine] {
        SimNode* node = network_.find(address);
        if (node == nullptr) {
          network_.Carry(
              line, false,
              [this, line] {
                if (line_ == line) Close("connection refused");
              },
              machine);
          return;
        }
        scheduler_.At(
            scheduler_.now_us(),
            [this, line, at_node, node, machine] {
              *at_node = std::make_shared<SimEdgeStream>(
                  node->streams(), ParticipantClaims(session_, participant_),
                  [this, line, machine](const v1::EdgeDown& down) {
                    network_.Carry(
                        line, false,
                        [this, line, down] {
                          if (line_ == line) OnMessage(down);
                        },
                        machine);
                  });
            },
            node->machine());
      },
      nullptr);
}

bool SimEdge::Ready() const {
  return line_ != nullptr && line_->open && under_way_ < kMostUnderWay;
}

void SimEdge::Send(const v1::EdgeUp& message) {
  ++under_way_;
  const auto line = line_;
  network_.Carry(
      line, true,
      [this, line, at_node = at_node_, message] {
        if (line_ == line) --under_way_;
        SimNode* node = network_.find(line->node);
        if (node == nullptr) return;
        scheduler_.At(
            scheduler_.now_us(),
            [line, at_node, message] {
              if (line->open && *at_node != nullptr) (*at_node)->Up(message);
            },
            node->machine());
      },
      nullptr);
}

void SimEdge::HalfClose() { Close("closed"); }

void SimEdge::Abort() {
  if (line_ == nullptr) return;
  const auto line = std::exchange(line_, nullptr);
  line->open = false;
  scheduler_.After(network_.Latency(), [at_node = at_node_] {
    if (*at_node != nullptr) (*at_node)->Gone();
    *at_node = nullptr;
  });
}

void SimEdge::Close(const std::string& why) {
  line_ = nullptr;
  uplink_->OnClosed(clock_->SteadyMicros(), absl::UnavailableError(why));
  Tick();
}

void SimEdge::OnMessage(const v1::EdgeDown& message) {
  if (message.has_ack()) {
    cluster_.history.DurableSeen(session_, participant_, outbox_.boot_id(),
                                 message.ack().durable_seq());
  }
  uplink_->OnMessage(clock_->SteadyMicros(), message);
  Tick();
}

bool SimEdge::AllAcknowledged() const {
  return over_ ||
         (!machine_->dead && uplink_->progress(kHandle).durable_seq + 5 >= outbox_.next_seq());
}

std::string SimEdge::State() const {
  const edge::PersonProgress& progress = uplink_->progress(kHandle);
  return absl::StrCat(name_, machine_->dead ? " dead" : "", " ", edge::NameOf(progress.state), " ",
                      progress.words, ", ", progress.durable_seq, " of ", outbox_.next_seq() - 1,
                      " durable");
}

// ---- Watchers

SimWatcher::SimWatcher(ClusterParts& cluster, SimNetwork& network, std::string name,
                       std::string session, std::vector<std::string> addresses)
    : cluster_(cluster),
      scheduler_(cluster.scheduler),
      network_(network),
      name_(std::move(name)),
      session_(std::move(session)),
      addresses_(std::move(addresses)) {}

void SimWatcher::Again(const std::string& address, int64_t wait_us) {
  if (closed_) return;
  scheduler_.After(wait_us, [this, attempt = attempt_, address] {
    if (attempt == attempt_) Connect(address);
  });
}

void SimWatcher::Reconnect() {
  if (line_ != nullptr) network_.Cut(name_, "");
}

void SimWatcher::Connect(const std::string& wanted) {
  const uint64_t attempt = ++attempt_;
  const std::string address =
      wanted.empty() ? addresses_[scheduler_.random().Below(addresses_.size())] : wanted;
  line_ = network_.Connect(name_, address);
  heard_us_ = scheduler_.now_us();
  const auto line = line_;
  const auto stream = std::make_shared<std::shared_ptr<SimWatchStream>>();
  line->on_cut = [this, attempt, stream] {
    if (attempt == attempt_) Again("", scheduler_.Between(100'000, 1'000'000));
    scheduler_.After(network_.Latency(), [stream] {
      if (*stream != nullptr) (*stream)->Gone();
    });
  };
  // A view that hears nothing for long comes again.
  scheduler_.After(kWatchSilenceUs, [this, attempt, line] {
    if (attempt == attempt_ && scheduler_.now_us() - heard_us_ >= kWatchSilenceUs) {
      network_.Cut(name_, line->node);
    }
  });
  network_.Carry(
      line, true,
      [this, attempt, line, stream, address] {
        SimNode* node = network_.find(address);
        if (node == nullptr) {
          network_.Cut(name_, address);
          return;
        }
        scheduler_.At(
            scheduler_.now_us(),
            [this, attempt, line, stream, node] {
              *stream = std::make_shared<SimWatchStream>(
                  node->streams(), ParticipantClaims(session_, 0),
                  [this, attempt, line](const v1::WatchEvent& event) {
                    network_.Carry(
                        line, false, [this, attempt, event] { OnEvent(attempt, event); }, nullptr);
                  },
                  [this, attempt, line](const absl::Status& why) {
                    const auto elsewhere = node::IsElsewhere(why);
                    network_.Carry(
                        line, false,
                        [this, attempt, line, elsewhere] {
                          line->open = false;
                          if (attempt != attempt_) return;
                          // The first node would have passed the call on.
                          Again(elsewhere ? elsewhere->address : "",
                                elsewhere ? 1'000 : scheduler_.Between(200'000, 1'500'000));
                        },
                        nullptr);
                  });
              v1::WatchRequest request;
              request.set_after_cursor(cursor_);
              *request.mutable_epoch_ticket() = ticket_;
              (*stream)->Begin(request);
            },
            node->machine());
      },
      nullptr);
}

void SimWatcher::OnEvent(uint64_t attempt, const v1::WatchEvent& event) {
  if (attempt != attempt_) return;
  heard_us_ = scheduler_.now_us();
  scheduler_.After(kWatchSilenceUs, [this, attempt, line = line_] {
    if (attempt == attempt_ && !closed_ && scheduler_.now_us() - heard_us_ >= kWatchSilenceUs) {
      network_.Cut(name_, line->node);
    }
  });
  if (event.has_snapshot()) {
    if (event.snapshot().epoch() != 0) {
      cluster_.history.SnapshotSeen(name_, session_, event.snapshot());
      ticket_ = event.snapshot().epoch_ticket();
    }
  } else if (event.has_frame()) {
    cluster_.history.FrameSeen(name_, session_, event.frame());
    tick_ = std::max(tick_, event.frame().frame().tick());
  } else if (event.has_entry()) {
    cluster_.history.EntrySeen(name_, session_, event.entry());
    cursor_ = event.entry().cursor();
  } else if (event.has_closed() && event.closed().state() == v1::SESSION_STATE_CLOSED) {
    closed_ = true;
  }
}

}  // namespace attune::simulation
