#include "tests/simulation/cluster.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "services/session/testing/driver.h"
#include "tests/simulation/reference.h"
#include "tests/simulation/sim_keystore.h"

namespace attune::simulation {
namespace {

constexpr int64_t kSecond = 1'000'000;
constexpr int kNodes = 3;
// After the last fault every session must be served within this: a lease, a quarantine, the longest
// pause between two attempts of an agent, and some room.
constexpr int64_t kHealUs = 45 * kSecond;
constexpr int64_t kFirstFaultUs = 12 * kSecond;  // session time
constexpr int64_t kCloseUs = 90 * kSecond;       // from the planned end to the last goodbye
constexpr int64_t kOpenUs = 120 * kSecond;       // until everybody has joined

struct Room {
  v1::SessionKind kind = v1::SESSION_KIND_LAB;
  int people = 0;
  std::string id;
  uint32_t joined = 0;
  bool asking = false;
  int64_t began_us = 0;  // true time of session time 0
};

class Story {
 public:
  explicit Story(const StoryOptions& options)
      : options_(options),
        scheduler_(options.seed),
        history_(scheduler_),
        redis_(scheduler_),
        network_(scheduler_),
        keystore_(scheduler_.random()),
        cluster_{scheduler_, redis_, history_, options_.planted, Keys(), keystore_} {
    history_.SetAloud(options.aloud);
    if (options_.planted.ignore_floor) {
      redis_.SetEdit([](const std::string& body) {
        return absl::StrReplaceAll(body, {{"math.max(epoch, tonumber(ARGV[6]))", "epoch"}});
      });
    }
    if (options_.prepare) options_.prepare(redis_);
    network_.find = [this](const std::string& address) -> SimNode* {
      for (const auto& node : nodes_) {
        if (node->name() == address && node->alive()) return node.get();
      }
      return nullptr;
    };
    outcome_.weather = options.weather.value_or(static_cast<Weather>(options_.seed % 4));
  }

  Outcome Tell() {
    Begin();
    if (!Joined()) {
      history_.Violation("nobody could begin a session although nothing was wrong");
      return Finish();
    }
    const int64_t end_us = End();
    PlanFaults(end_us - kHealUs - 5 * kSecond);
    const int64_t healed_us = end_us - kHealUs;
    RunUntil(healed_us);
    Heal();
    RunUntil(healed_us + kHealUs - kSecond);
    CheckServed();
    RunUntil(end_us + kCloseUs);
    CheckClosed();
    return Finish();
  }

 private:
  static KeyRing Keys() {
    KeyRing keys;
    keys.api.push_back({"api", std::string(32, 's')});
    keys.kek.push_back({"kek", std::string(kSymmetricKeyBytes, 'k')});
    keys.ticket = std::string(kSymmetricKeyBytes, 't');
    return keys;
  }
  std::vector<std::string> Names() const {
    std::vector<std::string> names;
    for (int i = 1; i <= kNodes; ++i) names.push_back(absl::StrCat("n", i));
    return names;
  }
  std::string AnyNode() { return absl::StrCat("n", scheduler_.Between(1, kNodes)); }
  int64_t End() const {
    int64_t end_us = 0;
    for (const Room& room : rooms_) {
      end_us = std::max(end_us, room.began_us + options_.minutes * 60 * kSecond);
    }
    return end_us;
  }

  void StartNode(const std::string& name) {
    history_.Tell(name + " starts");
    auto node = std::make_unique<SimNode>(cluster_, name, ++starts_);
    for (auto& old : nodes_) {
      if (old->name() != name) continue;
      graves_.push_back(std::move(old));
      old = std::move(node);
      return;
    }
    nodes_.push_back(std::move(node));
  }

  void Begin() {
    for (const std::string& name : Names()) StartNode(name);
    rooms_.resize(2);
    rooms_[0].kind = v1::SESSION_KIND_LAB;
    rooms_[0].people = static_cast<int>(scheduler_.Between(3, 4));
    rooms_[1].kind = v1::SESSION_KIND_COUPLES;
    rooms_[1].people = 4;
    for (size_t i = 0; i < rooms_.size(); ++i) Ask(i);
    Look();
  }

  // Queues, every second.
  void Look() {
    for (const auto& node : nodes_) {
      if (!node->alive()) continue;
      if (const std::string what = node->Overflow(); !what.empty()) {
        history_.Violation("I7: too many " + what);
      }
    }
    scheduler_.After(kSecond, [this] { Look(); });
  }

  // ---- Creating and joining: asked of any node until it says yes.

  void Ask(size_t i) {
    Room& room = rooms_[i];
    if (room.joined == static_cast<uint32_t>(room.people)) return;
    SimNode* node = network_.find(AnyNode());
    const uint64_t attempt = ++attempts_[i];
    scheduler_.After(3 * kSecond, [this, i, attempt] {
      if (attempts_[i] == attempt) Ask(i);
    });
    if (node == nullptr) return;
    scheduler_.At(
        scheduler_.now_us(),
        [this, i, node, attempt] {
          const auto found = [this, i, node, attempt](absl::StatusOr<node::Registry::Host> host) {
            if (!host.ok() || attempts_[i] != attempt) return;
            OnHost(i, node, *host);
          };
          if (!rooms_[i].id.empty()) {
            node->registry().Find(rooms_[i].id, found);
            return;
          }
          v1::CreateSessionRequest request;
          request.set_request_id(absl::StrCat("create-", i));
          request.set_kind(rooms_[i].kind);
          request.set_title("Simulated");
          request.set_k_min(3);
          request.set_planned_end_session_us(options_.minutes * 60 * kSecond);
          node->registry().Create(request, "operator", "", found);
        },
        node->machine());
  }

  void OnHost(size_t i, SimNode* node, const node::Registry::Host& host) {
    Room& room = rooms_[i];
    if (room.id.empty()) {
      room.id = host->id();
      room.began_us = scheduler_.now_us() - host->clock().NowUs();
    }
    node->parts().opener.Post([this, i, node, host] {
      const std::string subject = node->parts().random.Bytes(journal::kSubjectBytes);
      if (!node->parts().keystore.GetOrCreate(host->id(), subject).ok()) return;
      host->Post([this, i, subject](node::SessionHost& home) {
        const uint32_t next = rooms_[i].joined + 1;
        v1::JoinSessionRequest request;
        request.set_request_id(absl::StrCat("join-", i, "-", next));
        request.set_alias(absl::StrCat("P", next));
        if (rooms_[i].kind == v1::SESSION_KIND_COUPLES) {
          request.set_dyad_key(absl::StrCat("pair-", (next + 1) / 2));
        }
        for (const auto& [purpose, audience] : session::testing::AllGrants()) {
          if (purpose == v1::PURPOSE_INDIVIDUAL && rooms_[i].kind != v1::SESSION_KIND_LAB) continue;
          *request.add_consents() = session::testing::ConsentTo(purpose, audience);
        }
        const auto participant = std::make_shared<uint32_t>(0);
        home.Mutate(
            home.core().ProposeJoin(request, subject, home.NowUs()),
            [&home, participant, id = request.request_id()] {
              *participant = home.core().ResultOf(id).value_or(0);
            },
            [this, i, next, participant](const absl::Status& status) {
              if (!status.ok()) history_.Tell(absl::StrCat("join: ", status.message()));
              if (!status.ok() || rooms_[i].joined + 1 != next) return;
              if (*participant != next) history_.Violation("a join has another's number");
              rooms_[i].joined = next;
              Ask(i);
            });
      });
    });
  }

  bool Joined() {
    const auto all = [this] {
      return std::all_of(rooms_.begin(), rooms_.end(), [](const Room& room) {
        return room.joined == static_cast<uint32_t>(room.people);
      });
    };
    while (!all() && scheduler_.now_us() < kOpenUs) RunUntil(scheduler_.now_us() + 100'000);
    if (!all()) return false;
    for (size_t i = 0; i < rooms_.size(); ++i) {
      const Room& room = rooms_[i];
      for (int p = 1; p <= room.people; ++p) {
        session::testing::HeartSpec spec;
        spec.seed = options_.seed * 100 + static_cast<uint64_t>(p) + 10 * i;
        spec.wave_seed = options_.seed * 100 + static_cast<uint64_t>((p + 1) / 2);
        spec.mean_rr_s = 0.75 + 0.05 * p;
        spec.from_us = scheduler_.now_us() - room.began_us + kSecond;
        spec.to_us = options_.minutes * 60 * kSecond;
        edges_.push_back(std::make_unique<SimEdge>(cluster_, network_, room.id,
                                                   static_cast<uint32_t>(p), Names(), room.began_us,
                                                   session::testing::Heart(spec)));
      }
      for (int w = 1; w <= 2; ++w) {
        watchers_.push_back(std::make_unique<SimWatcher>(
            cluster_, network_, absl::StrCat("view-", i, "-", w), room.id, Names()));
        watchers_.back()->Begin();
      }
    }
    return true;
  }

  // ---- What befalls them.

  bool Has(Weather weather) const { return outcome_.weather >= weather; }

  void PlanFaults(int64_t last_us) {
    int64_t at_us = scheduler_.now_us() + kFirstFaultUs;
    if (outcome_.weather == Weather::kEmptied) {
      scheduler_.At(at_us, [this] { EmptyBehindOwners(); });
      return;
    }
    while (at_us < last_us) {
      scheduler_.At(at_us, [this] { Fault(); });
      at_us += scheduler_.Between(500'000, 15 * kSecond);
    }
    if (scheduler_.Chance(0.5)) {
      scheduler_.At(scheduler_.Between(scheduler_.now_us() + kFirstFaultUs, last_us),
                    [this] { Withdraw(); });
    }
  }

  void Fault() {
    ++outcome_.faults;
    const std::string name = AnyNode();
    SimNode* node = network_.find(name);
    const int kinds = Has(Weather::kLosses) ? 16 : Has(Weather::kRedis) ? 13 : 11;
    switch (scheduler_.Between(0, kinds - 1)) {
      case 0:
        KillNode(node);
        break;
      case 1:
      case 2:
        PauseNode(node, scheduler_.Chance(0.5));
        break;
      case 3:
        if (node != nullptr) Unreachable(node, scheduler_.Between(200'000, 12 * kSecond));
        break;
      case 4:
        if (node != nullptr) {
          history_.Tell(name + " loses its connection to Redis");
          node->client().Cut();
        }
        break;
      case 5:
        if (node != nullptr) {
          history_.Tell(name + " has a slow way to Redis");
          node->client().SetSlowest(scheduler_.Between(10'000, 900'000));
          scheduler_.After(scheduler_.Between(kSecond, 10 * kSecond), [this, name] {
            if (SimNode* still = network_.find(name)) still->client().SetSlowest(1'500);
          });
        }
        break;
      case 6:
        CutPeople(name);
        break;
      case 7:
        BlockSomebody(name);
        break;
      case 8:
        if (scheduler_.Chance(0.5)) {
          edges_[scheduler_.random().Below(edges_.size())]->Restart(
              scheduler_.Between(100'000, 4 * kSecond));
        } else {
          watchers_[scheduler_.random().Below(watchers_.size())]->Reconnect();
        }
        break;
      case 9:
      case 10:
        HandOver(node);
        break;
      case 11:
        FreezeRedis();
        break;
      case 12:
        RestartRedis();
        break;
      default:
        LoseWrites();
        break;
    }
  }

  void KillNode(SimNode* node) {
    if (node == nullptr) return;
    // While Redis forgets, an owner must live: with both gone a session is lost by design.
    if (outcome_.weather == Weather::kLosses) return;
    history_.Tell(node->name() + " is killed");
    const std::string name = node->name();
    node->Die();
    // Its machine closes the connections, or is gone too and says nothing.
    if (scheduler_.Chance(0.7)) network_.Cut("", name);
    scheduler_.After(scheduler_.Between(300'000, 15 * kSecond), [this, name] {
      network_.Cut("", name);
      if (network_.find(name) == nullptr) StartNode(name);
    });
  }

  void PauseNode(SimNode* node, bool past_the_lease) {
    if (node == nullptr || node->machine()->paused) return;
    const int64_t for_us = past_the_lease ? scheduler_.Between(6 * kSecond, 16 * kSecond)
                                          : scheduler_.Between(100'000, 5 * kSecond);
    history_.Tell(absl::StrCat(node->name(), " is paused for ", for_us / 1000, " ms"));
    // So that something is often under way to Redis and back.
    node->client().SetSlowest(300'000);
    scheduler_.After(scheduler_.Between(0, kSecond), [this, name = node->name(), for_us] {
      SimNode* still = network_.find(name);
      if (still == nullptr || still->machine()->paused) return;
      const Scheduler::On machine = still->machine();
      scheduler_.Pause(machine);
      scheduler_.After(for_us, [this, name, machine] {
        if (machine->dead) return;
        history_.Tell(name + " goes on");
        if (SimNode* node = network_.find(name)) node->client().SetSlowest(1'500);
        scheduler_.Continue(machine);
      });
    });
  }

  void HandOver(SimNode* from) {
    SimNode* to = network_.find(AnyNode());
    if (from == nullptr || to == nullptr || from == to) return;
    history_.Tell(from->name() + " hands its sessions to " + to->name());
    scheduler_.At(
        scheduler_.now_us(),
        [this, from, to = to->name(), incarnation = to->incarnation()] {
          from->HandOver(to, incarnation, [this, to](const std::string& session) {
            SimNode* target = network_.find(to);
            if (target == nullptr) return;
            scheduler_.After(
                network_.Latency(),
                [target, session] { target->registry().Adopt({session}, [](uint32_t) {}); },
                target->machine());
          });
        },
        from->machine());
  }

  void Unreachable(SimNode* node, int64_t for_us) {
    history_.Tell(absl::StrCat(node->name(), " cannot reach Redis for ", for_us / 1000, " ms"));
    node->client().SetReachable(false);
    scheduler_.After(for_us, [this, name = node->name()] {
      if (SimNode* still = network_.find(name)) still->client().SetReachable(true);
    });
  }

  void CutPeople(const std::string& name) {
    history_.Tell("connections to " + name + " break");
    network_.Cut(scheduler_.Chance(0.5) ? "" : edges_[0]->name(), name);
  }

  void BlockSomebody(const std::string& node) {
    const SimEdge& edge = *edges_[scheduler_.random().Below(edges_.size())];
    history_.Tell(edge.name() + " and " + node + " cannot hear each other");
    network_.Block(edge.name(), node, true);
    scheduler_.After(scheduler_.Between(200'000, 20 * kSecond),
                     [this, name = edge.name(), node] { network_.Block(name, node, false); });
  }

  void FreezeRedis() {
    history_.Tell("Redis is frozen");
    redis_.Freeze();
    scheduler_.After(scheduler_.Between(100'000, 10 * kSecond), [this] {
      history_.Tell("Redis is thawed");
      redis_.Thaw();
    });
  }

  void RestartRedis() {
    history_.Tell("Redis dies");
    redis_.Kill();
    scheduler_.After(scheduler_.Between(100'000, 6 * kSecond), [this] {
      history_.Tell("Redis is back with all it had");
      if (!redis_.running()) redis_.Start(false);
    });
  }

  void LoseWrites() {
    const bool all = scheduler_.Chance(0.3);
    history_.Tell(all ? "Redis will be emptied" : "Redis will lose its newest writes");
    if (!all) redis_.StallReplication(true);
    scheduler_.After(scheduler_.Between(50'000, 4 * kSecond), [this, all] {
      redis_.Kill();
      scheduler_.After(scheduler_.Between(50'000, 3 * kSecond), [this, all] {
        history_.RedisLostWrites();
        if (all) {
          redis_.StartEmpty();
        } else {
          redis_.Start(true);
        }
        redis_.StallReplication(false);
      });
    });
  }

  // Leases and quarantine are over when the owners come back, so that nothing but the epochs that
  // they remember tells the new ones from the old.
  void EmptyBehindOwners() {
    ++outcome_.faults;
    for (const std::string& name : Names()) {
      if (SimNode* node = network_.find(name)) {
        Unreachable(node, scheduler_.Between(14 * kSecond, 18 * kSecond));
      }
    }
    scheduler_.After(scheduler_.Between(50'000, kSecond), [this] {
      history_.RedisLostWrites();
      redis_.StartEmpty();
    });
  }

  // Participant 2 of the couples wants the pair to be seen by nobody any more.
  void Withdraw() {
    const Room& room = rooms_[1];
    SimNode* node = network_.find(AnyNode());
    if (!withdrawn_) scheduler_.After(2 * kSecond, [this] { Withdraw(); });
    if (node == nullptr || withdrawn_) return;
    scheduler_.At(
        scheduler_.now_us(),
        [this, &room, node] {
          node->registry().Find(room.id, [this](absl::StatusOr<node::Registry::Host> host) {
            if (!host.ok()) return;
            (*host)->Post([this](node::SessionHost& home) {
              v1::SetConsentRequest request;
              request.set_request_id("withdraw-1");
              for (const auto audience : {v1::AUDIENCE_PARTNER, v1::AUDIENCE_FACILITATOR}) {
                *request.add_consents() =
                    session::testing::ConsentTo(v1::PURPOSE_PAIR, audience, false);
              }
              home.Mutate(
                  home.core().ProposeConsent(2, request, home.NowUs()), [] {},
                  [this](const absl::Status& status) {
                    if (!status.ok() || withdrawn_) return;
                    withdrawn_ = true;
                    history_.Withdrawn(rooms_[1].id, 2);
                  });
            });
          });
        },
        node->machine());
  }

  // ---- What must hold.

  void Heal() {
    history_.Tell("everything is mended");
    if (!redis_.alive()) redis_.Start(false);
    redis_.StallReplication(false);
    if (!redis_.running()) redis_.Thaw();
    for (const std::string& name : Names()) {
      SimNode* node = network_.find(name);
      if (node == nullptr) {
        network_.Cut("", name);
        StartNode(name);
        continue;
      }
      node->client().SetReachable(true);
      node->client().SetSlowest(1'500);
      if (node->machine()->paused) scheduler_.Continue(node->machine());
    }
    for (const auto& edge : edges_) {
      for (const std::string& name : Names()) network_.Block(edge->name(), name, false);
    }
  }

  bool MayBeLost() const { return history_.losses() > 0 && outcome_.weather == Weather::kStorm; }

  void CheckServed() {
    for (Room& room : rooms_) {
      bool served = true;
      for (const auto& edge : edges_) {
        if (edge->session() == room.id && !edge->AllAcknowledged()) {
          served = false;
          trouble_.push_back("I6: after everything was mended " + edge->State());
        }
      }
      const int64_t now_us = scheduler_.now_us() - room.began_us;
      for (const auto& watcher : watchers_) {
        if (watcher->session() != room.id) continue;
        if (static_cast<int64_t>(watcher->tick()) * kSecond < now_us - 20 * kSecond) {
          served = false;
          trouble_.push_back(absl::StrCat("I6: ", watcher->name(), " sees tick ", watcher->tick(),
                                          " at second ", now_us / kSecond));
        }
      }
      if (!served && MayBeLost()) {
        ++outcome_.sessions_lost;
        lost_.insert(room.id);
      } else {
        for (const std::string& what : trouble_) history_.Violation(what);
      }
      trouble_.clear();
    }
  }

  void CheckClosed() {
    for (const Room& room : rooms_) {
      if (lost_.contains(room.id)) continue;
      std::map<uint32_t, Spool> spools;
      for (const auto& edge : edges_) {
        if (edge->session() != room.id) continue;
        if (!edge->Over()) history_.Violation("I6: not over: " + edge->State());
        spools[edge->participant()] = {edge->outbox().boot_id(), edge->outbox().beats()};
      }
      const auto records = history_.records(room.id);
      // Where an owner put back its memory, what it had not yet written is in no record.
      if (records.empty() || records.rbegin()->first != records.size()) {
        if (history_.losses() == 0) history_.Violation("the journal has holes");
        continue;
      }
      const Compared compared = CompareWithReference(records, spools);
      for (const std::string& problem : compared.problems) history_.Violation(problem);
      outcome_.ticks_compared += compared.ticks;
      outcome_.reports_compared += compared.report;
    }
  }

  void RunUntil(int64_t time_us) { scheduler_.RunUntil(time_us); }

  Outcome Finish() {
    outcome_.violations = history_.violations();
    outcome_.digest = scheduler_.digest();
    outcome_.frames = history_.frames();
    outcome_.acks = history_.acks();
    outcome_.owners = history_.grants();
    outcome_.events = scheduler_.events();
    outcome_.redis_commands = redis_.commands();
    return outcome_;
  }

  const StoryOptions options_;
  Scheduler scheduler_;
  History history_;
  SimRedis redis_;
  SimNetwork network_;
  SimKeyStore keystore_;
  ClusterParts cluster_;
  std::vector<std::unique_ptr<SimNode>> nodes_, graves_;
  std::vector<Room> rooms_;
  std::vector<std::unique_ptr<SimEdge>> edges_;
  std::vector<std::unique_ptr<SimWatcher>> watchers_;
  std::map<size_t, uint64_t> attempts_;
  std::set<std::string> lost_;
  std::vector<std::string> trouble_;
  bool withdrawn_ = false;
  int starts_ = 0;
  Outcome outcome_;
};

}  // namespace

const char* NameOf(Weather weather) {
  static constexpr const char* kNames[] = {"nodes", "redis", "losses", "storm", "emptied"};
  return kNames[static_cast<int>(weather)];
}

Outcome Run(const StoryOptions& options) {
  // Dead machines hold what their fibers have on their stacks; whoever runs many seeds does each in
  // a process of its own (simulate.cc).
  auto* story = new Story(options);
  return story->Tell();
}

}  // namespace attune::simulation
