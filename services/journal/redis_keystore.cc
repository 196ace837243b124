#include "services/journal/redis_keystore.h"

#include <algorithm>
#include <future>
#include <map>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "services/base/mutex.h"
#include "services/base/status_macros.h"
#include "services/journal/key_wrapping.h"
#include "services/journal/keystore_lua.h"
#include "services/journal/redis_scripts.h"
#include "services/journal/redis_scrubber.h"
#include "services/journal/redis_timers.h"

namespace attune::journal {
namespace {

// Known texts under the key-encryption keys.
constexpr char kProofsKey[] = "attune:keks";
constexpr size_t kMaxCached = 4096;
constexpr int kTries = 3;

struct KeyLua {
  redis::Script get = redis::MakeScript("keys_get", text::keys_get_lua);
  redis::Script destroy = redis::MakeScript("keys_destroy", text::keys_destroy_lua);
  redis::Script destroy_session =
      redis::MakeScript("keys_destroy_session", text::keys_destroy_session_lua);
  redis::Script raise = redis::MakeScript("keys_raise", text::keys_raise_lua);
  redis::Script put_back = redis::MakeScript("keys_put_back", text::keys_put_back_lua);
};
const KeyLua& Keys() {
  static const KeyLua lua;
  return lua;
}

absl::Status Erased() { return absl::NotFoundError("erased: the key has been destroyed"); }
absl::Status Away(const absl::Status& why) {
  return absl::UnavailableError(
      absl::StrCat("the key store cannot be reached: ", std::string(why.message())));
}

// One byte of length, the id of the key-encryption key, the wrapped key.
std::string Pack(const std::string& kek, const std::string& wrapped) {
  return absl::StrCat(std::string(1, static_cast<char>(kek.size())), kek, wrapped);
}

// Of a session in use here.
struct Remembered {
  uint64_t epoch = 0;
  std::string token;
  bool erased = false;
  std::map<std::string, std::string> rows;  // subject, packed; empty: a tombstone
  uint64_t server = 0;                      // that is known to have all this
};

class RedisKeyStore final : public KeyStore {
 public:
  RedisKeyStore(redis::Client& client, RedisKeyStoreOptions options)
      : client_(client),
        wrapper_(std::move(options.keys), *options.random),
        random_(*options.random),
        clock_(*options.clock),
        replicas_(options.replicas),
        wait_within_us_(options.wait_within_us),
        look_every_us_(options.look_every_us),
        timers_(options.run_after ? nullptr : std::make_unique<RedisTimers>(clock_)),
        run_after_(options.run_after ? std::move(options.run_after) : OwnTimers(timers_.get())),
        scrubber_(std::make_shared<RedisScrubber>(client, run_after_)),
        alive_(std::make_shared<Alive>()) {
    alive_->store = this;
    LookAgain();
  }
  ~RedisKeyStore() override {
    scrubber_->Stop();
    MutexLock lock(alive_->mu);
    alive_->store = nullptr;
  }

  absl::StatusOr<std::shared_ptr<const DataKey>> GetOrCreate(const std::string& session,
                                                             const std::string& subject) override {
    return Find(session, subject, /*create=*/true);
  }
  absl::StatusOr<std::shared_ptr<const DataKey>> Get(const std::string& session,
                                                     const std::string& subject) override {
    return Find(session, subject, /*create=*/false);
  }
  absl::Status Destroy(const std::string& session, const std::string& subject) override;
  absl::Status DestroySession(const std::string& session) override;
  absl::StatusOr<uint64_t> LastEpoch(const std::string& session) override;
  absl::Status RaiseEpoch(const std::string& session, uint64_t epoch) override;
  void Forget(const std::string& session) override;

 private:
  using Key = std::shared_ptr<const DataKey>;
  // Lets a timer find out that the store is gone.
  struct Alive {
    Mutex mu;
    RedisKeyStore* store ATTUNE_GUARDED_BY(mu) = nullptr;
  };

  static RunAfter OwnTimers(RedisTimers* timers) {
    return [timers](int64_t after_us, std::function<void()> call) {
      timers->After(after_us, std::move(call));
    };
  }

  absl::StatusOr<Key> Find(const std::string& session, const std::string& subject, bool create);
  absl::StatusOr<Key> Open(const std::string& session, const std::string& subject,
                           const std::string& packed);
  // A script on a session's keys, when the server is known to hold what it must.
  absl::StatusOr<Answer> Run(const redis::Script& script, const std::string& session,
                             std::vector<std::string> arguments);
  // The same, and the replicas that are asked for have it.
  absl::StatusOr<Answer> Write(const redis::Script& script, const std::string& session,
                               std::vector<std::string> arguments);
  absl::Status Prove();
  absl::Status PutBack(const std::string& session);
  std::vector<std::string> PutBackArguments(const Remembered& in) ATTUNE_REQUIRES(mu_);
  void LookAgain();
  static void Look(const std::shared_ptr<Alive>& alive);
  absl::Status NoteUnclean(const std::string& session, std::string* note);
  absl::Status Scrub(std::string note);
  void Remember(const std::string& session, const std::string& subject, std::string packed)
      ATTUNE_REQUIRES(mu_);

  redis::Client& client_;
  KeyWrapper wrapper_;
  RandomSource& random_;
  const Clock& clock_;
  const int replicas_;
  const int64_t wait_within_us_;
  const int64_t look_every_us_;
  const std::unique_ptr<RedisTimers> timers_;
  const RunAfter run_after_;
  const std::shared_ptr<RedisScrubber> scrubber_;
  const std::shared_ptr<Alive> alive_;

  Mutex mu_;  // taken after Alive's
  std::map<std::pair<std::string, std::string>, Key> cache_ ATTUNE_GUARDED_BY(mu_);
  std::map<std::string, Remembered> in_use_ ATTUNE_GUARDED_BY(mu_);
  size_t rows_ ATTUNE_GUARDED_BY(mu_) = 0;
  uint64_t proven_ ATTUNE_GUARDED_BY(mu_) = 0;  // the server whose proofs have been checked
  uint64_t looked_ ATTUNE_GUARDED_BY(mu_) = 0;
};

// ---- Talking to Redis

absl::StatusOr<Answer> RedisKeyStore::Run(const redis::Script& script, const std::string& session,
                                          std::vector<std::string> arguments) {
  ATTUNE_RETURN_IF_ERROR(Prove());
  ATTUNE_RETURN_IF_ERROR(PutBack(session));
  auto answer = ToAnswer(
      script, client_.RunAndWait(script, {SessionKey(session, "keys")}, std::move(arguments)));
  if (!answer.ok()) return Away(answer.status());
  return answer;
}

absl::StatusOr<Answer> RedisKeyStore::Write(const redis::Script& script, const std::string& session,
                                            std::vector<std::string> arguments) {
  for (int i = 0; i < kTries; ++i) {
    const uint64_t connection = client_.state().connections;
    ATTUNE_ASSIGN_OR_RETURN(Answer answer, Run(script, session, arguments));
    if (replicas_ <= 0) return answer;
    const auto have =
        client_.CallAndWait({"WAIT", std::to_string(replicas_),
                             std::to_string(std::max<int64_t>(1, wait_within_us_ / 1000))},
                            wait_within_us_ + 2'000'000);
    if (!have.ok()) continue;
    // WAIT speaks of its own connection only.
    if (client_.state().connections != connection) continue;
    if (have->kind == redis::Reply::Kind::kInteger && have->integer >= replicas_) return answer;
    break;
  }
  return absl::UnavailableError("replicas of Redis that must have the keys do not confirm them");
}

absl::Status RedisKeyStore::Prove() {
  const redis::ServerState state = client_.state();
  {
    MutexLock lock(mu_);
    if (proven_ != 0 && proven_ == state.servers) return absl::OkStatus();
  }
  const auto proofs = client_.CallAndWait({"HGETALL", kProofsKey});
  if (!proofs.ok()) return Away(proofs.status());
  if (proofs->error()) return Away(absl::UnknownError(proofs->text));
  bool first_is_proven = false;
  for (size_t i = 0; i + 1 < proofs->elements.size(); i += 2) {
    const std::string& id = proofs->elements[i].text;
    ATTUNE_RETURN_IF_ERROR(wrapper_.CheckProof(id, proofs->elements[i + 1].text));
    first_is_proven = first_is_proven || id == wrapper_.first_id();
  }
  if (!first_is_proven) {
    ATTUNE_ASSIGN_OR_RETURN(const std::string proof, wrapper_.Proof());
    const auto put = client_.CallAndWait({"HSETNX", kProofsKey, wrapper_.first_id(), proof});
    if (!put.ok()) return Away(put.status());
    if (put->error()) return Away(absl::UnknownError(put->text));
    // Another node may have been quicker, with another key under this id.
    if (put->integer == 0) return absl::UnavailableError("the key store changes; try again");
  }
  MutexLock lock(mu_);
  proven_ = std::max<uint64_t>(1, client_.state().servers == state.servers ? state.servers : 0);
  return absl::OkStatus();
}

// ---- Keys

absl::StatusOr<RedisKeyStore::Key> RedisKeyStore::Open(const std::string& session,
                                                       const std::string& subject,
                                                       const std::string& packed) {
  const size_t id = packed.empty() ? 0 : static_cast<unsigned char>(packed[0]);
  if (id == 0 || packed.size() < 1 + id) return absl::DataLossError("a wrapped key is damaged");
  return wrapper_.Unwrap(session, subject, packed.substr(1, id), packed.substr(1 + id));
}

absl::StatusOr<RedisKeyStore::Key> RedisKeyStore::Find(const std::string& session,
                                                       const std::string& subject, bool create) {
  std::string mine;
  {
    MutexLock lock(mu_);
    const auto used = in_use_.find(session);
    if (used != in_use_.end()) {
      if (used->second.erased) return Erased();
      const auto row = used->second.rows.find(subject);
      if (row != used->second.rows.end()) {
        if (row->second.empty()) return Erased();
        mine = row->second;
      }
    }
    const auto cached = cache_.find({session, subject});
    if (cached != cache_.end()) return cached->second;
  }
  if (mine.empty()) {
    std::string candidate;
    if (create) {
      ATTUNE_ASSIGN_OR_RETURN(const KeyWrapper::Made made, wrapper_.Make(session, subject));
      candidate = Pack(made.kek, made.wrapped);
    }
    ATTUNE_ASSIGN_OR_RETURN(const Answer answer,
                            create ? Write(Keys().get, session, {subject, candidate})
                                   : Run(Keys().get, session, {subject, candidate}));
    if (answer.code == -1) return Erased();
    if (answer.code != 1 || answer.rest.empty()) {
      return absl::DataLossError(
          "there is no key for these bytes: is this the key store that belongs to the journal?");
    }
    mine = answer.rest[0].text;
  }
  ATTUNE_ASSIGN_OR_RETURN(const Key key, Open(session, subject, mine));
  MutexLock lock(mu_);
  Remember(session, subject, mine);
  if (cache_.size() >= kMaxCached) cache_.clear();
  cache_[{session, subject}] = key;
  return key;
}

void RedisKeyStore::Remember(const std::string& session, const std::string& subject,
                             std::string packed) {
  const auto used = in_use_.find(session);
  if (used == in_use_.end() || used->second.erased) return;
  const auto row = used->second.rows.find(subject);
  if (row != used->second.rows.end()) {
    // What was destroyed meanwhile stays so.
    if (!row->second.empty()) row->second = std::move(packed);
    return;
  }
  if (rows_ >= kMaxRememberedKeys) return;
  ++rows_;
  used->second.rows[subject] = std::move(packed);
}

absl::Status RedisKeyStore::NoteUnclean(const std::string& session, std::string* note) {
  *note = absl::StrCat(session, "#keys#", clock_.UtcMicros(), "#", random_.Uint64());
  const auto noted = client_.CallAndWait({"SADD", kUncleanKey, *note});
  if (!noted.ok()) return Away(noted.status());
  return noted->error() ? Away(absl::UnknownError(noted->text)) : absl::OkStatus();
}

absl::Status RedisKeyStore::Scrub(std::string note) {
  std::promise<absl::Status> answer;
  scrubber_->Scrub(std::move(note),
                   [&](absl::Status status) { answer.set_value(std::move(status)); });
  return answer.get_future().get();
}

absl::Status RedisKeyStore::Destroy(const std::string& session, const std::string& subject) {
  {
    MutexLock lock(mu_);
    cache_.erase({session, subject});
    Remember(session, subject, "");
    // From here on nobody gets it here, whatever Redis says.
    const auto used = in_use_.find(session);
    if (used != in_use_.end() && !used->second.erased) used->second.rows[subject].clear();
  }
  std::string note;
  ATTUNE_RETURN_IF_ERROR(NoteUnclean(session, &note));
  ATTUNE_RETURN_IF_ERROR(Write(Keys().destroy, session, {subject}).status());
  return Scrub(std::move(note));
}

absl::Status RedisKeyStore::DestroySession(const std::string& session) {
  {
    MutexLock lock(mu_);
    std::erase_if(cache_, [&](const auto& cached) { return cached.first.first == session; });
    const auto used = in_use_.find(session);
    if (used != in_use_.end()) {
      rows_ -= std::min(rows_, used->second.rows.size());
      used->second.rows.clear();
      used->second.erased = true;
    }
  }
  std::string note;
  ATTUNE_RETURN_IF_ERROR(NoteUnclean(session, &note));
  ATTUNE_RETURN_IF_ERROR(Write(Keys().destroy_session, session, {}).status());
  return Scrub(std::move(note));
}

// ---- Epochs, and what is remembered

absl::StatusOr<uint64_t> RedisKeyStore::LastEpoch(const std::string& session) {
  ATTUNE_RETURN_IF_ERROR(Prove());
  const auto reply = client_.CallAndWait({"HGET", SessionKey(session, "keys"), "epoch"});
  if (!reply.ok()) return Away(reply.status());
  if (reply->error()) return Away(absl::UnknownError(reply->text));
  uint64_t epoch = 0;
  if (!reply->nil() && !absl::SimpleAtoi(reply->text, &epoch)) {
    return absl::DataLossError("a session's epoch in the key store is damaged");
  }
  MutexLock lock(mu_);
  const auto used = in_use_.find(session);
  return used == in_use_.end() ? epoch : std::max(epoch, used->second.epoch);
}

absl::Status RedisKeyStore::RaiseEpoch(const std::string& session, uint64_t epoch) {
  const auto used_up = [&](uint64_t last) {
    return absl::FailedPreconditionError(
        absl::StrCat("epoch ", epoch, " has been used: acquire the session above ", last));
  };
  {
    MutexLock lock(mu_);
    const auto used = in_use_.find(session);
    if (used != in_use_.end() && epoch <= used->second.epoch) return used_up(used->second.epoch);
  }
  const std::string token = random_.Bytes(16);
  absl::StatusOr<Answer> answer = absl::UnavailableError("not asked");
  for (int i = 0; i < kTries && !answer.ok(); ++i) {
    answer = Write(Keys().raise, session, {std::to_string(epoch), token});
    if (absl::IsFailedPrecondition(answer.status())) return answer.status();
  }
  ATTUNE_RETURN_IF_ERROR(answer.status());
  if (answer->code != 1) {
    return used_up(answer->rest.empty() ? epoch : static_cast<uint64_t>(answer->rest[0].integer));
  }
  Forget(session);
  MutexLock lock(mu_);
  Remembered& in = in_use_[session];
  in.epoch = epoch;
  in.token = token;
  in.server = client_.state().servers;
  for (size_t i = 0; i + 1 < answer->rest.size(); i += 2) {
    const std::string& field = answer->rest[i].text;
    if (field == "erased") in.erased = true;
    if (field[0] != 'k') continue;
    Remember(session, field.substr(1), answer->rest[i + 1].text);
  }
  return absl::OkStatus();
}

void RedisKeyStore::Forget(const std::string& session) {
  MutexLock lock(mu_);
  const auto used = in_use_.find(session);
  if (used == in_use_.end()) return;
  rows_ -= std::min(rows_, used->second.rows.size());
  in_use_.erase(used);
  std::erase_if(cache_, [&](const auto& cached) { return cached.first.first == session; });
}

std::vector<std::string> RedisKeyStore::PutBackArguments(const Remembered& in) {
  std::vector<std::string> arguments = {std::to_string(in.epoch), in.token, in.erased ? "1" : "0"};
  for (const auto& [subject, packed] : in.rows) {
    arguments.push_back(subject);
    arguments.push_back(packed);
  }
  return arguments;
}

absl::Status RedisKeyStore::PutBack(const std::string& session) {
  const uint64_t server = client_.state().servers;
  std::vector<std::string> arguments;
  {
    MutexLock lock(mu_);
    const auto used = in_use_.find(session);
    if (used == in_use_.end() || used->second.server == server) return absl::OkStatus();
    arguments = PutBackArguments(used->second);
  }
  const auto answer = ToAnswer(
      Keys().put_back,
      client_.RunAndWait(Keys().put_back, {SessionKey(session, "keys")}, std::move(arguments)));
  if (!answer.ok()) return Away(answer.status());
  MutexLock lock(mu_);
  const auto used = in_use_.find(session);
  if (used != in_use_.end()) used->second.server = server;
  return absl::OkStatus();
}

void RedisKeyStore::LookAgain() {
  run_after_(look_every_us_, [alive = alive_] { Look(alive); });
}

// Does not wait: what does not succeed is tried at the next look. Calls are made outside the locks.
void RedisKeyStore::Look(const std::shared_ptr<Alive>& alive) {
  std::map<std::string, std::vector<std::string>> behind;
  redis::Client* client = nullptr;
  std::shared_ptr<RedisScrubber> scrubber;
  uint64_t server = 0;
  bool first = false;
  {
    MutexLock lock(alive->mu);
    RedisKeyStore* const store = alive->store;
    if (store == nullptr) return;
    store->LookAgain();
    client = &store->client_;
    scrubber = store->scrubber_;
    const redis::ServerState state = client->state();
    if (!state.ready) return;
    server = state.servers;
    MutexLock rows(store->mu_);
    first = store->looked_ == 0;
    store->looked_ = server;
    for (const auto& [session, in] : store->in_use_) {
      if (in.server != server) behind[session] = store->PutBackArguments(in);
    }
  }
  if (first) scrubber->TakeUpWhatWasLeft();
  for (auto& [session, arguments] : behind) {
    client->Run(Keys().put_back, {SessionKey(session, "keys")}, std::move(arguments),
                [alive, session = session, server](const absl::StatusOr<redis::Reply>& reply) {
                  if (!reply.ok() || reply->error()) return;
                  MutexLock lock(alive->mu);
                  if (alive->store == nullptr) return;
                  MutexLock rows(alive->store->mu_);
                  const auto used = alive->store->in_use_.find(session);
                  if (used != alive->store->in_use_.end()) used->second.server = server;
                });
  }
}

}  // namespace

std::vector<redis::Script> KeyStoreScripts() {
  const KeyLua& lua = Keys();
  return {lua.get, lua.destroy, lua.destroy_session, lua.raise, lua.put_back};
}

absl::StatusOr<std::unique_ptr<KeyStore>> OpenRedisKeyStore(redis::Client& client,
                                                            RedisKeyStoreOptions options) {
  if (options.random == nullptr) return absl::InvalidArgumentError("no source of randomness");
  if (options.clock == nullptr) return absl::InvalidArgumentError("a key store needs a clock");
  ATTUNE_RETURN_IF_ERROR(CheckKeyEncryptionKeys(options.keys));
  return std::make_unique<RedisKeyStore>(client, std::move(options));
}

}  // namespace attune::journal
