// Makes Redis write its files anew, so that nothing erased is left in them: the append-only file
// keeps every command until it is rewritten, a snapshot what was there when it was taken.
//
// What is to be cleaned is noted in Redis first (`attune:unclean`), so that the next process goes
// on with it if this one dies.
#ifndef ATTUNE_SERVICES_JOURNAL_REDIS_SCRUBBER_H_
#define ATTUNE_SERVICES_JOURNAL_REDIS_SCRUBBER_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "services/base/mutex.h"
#include "services/journal/run_after.h"
#include "services/redis/client.h"

namespace attune::journal {

inline constexpr char kUncleanKey[] = "attune:unclean";

// Thread-safe. Files of replicas are beyond its reach (README.md).
class RedisScrubber : public std::enable_shared_from_this<RedisScrubber> {
 public:
  using Done = std::function<void(absl::Status)>;

  RedisScrubber(redis::Client& client, RunAfter run_after)
      : client_(client), run_after_(std::move(run_after)) {}

  // Answers once every file is younger than this call. `note`: what was put into kUncleanKey for
  // it, never the same twice; taken out then. Tries until it succeeds or is stopped (UNAVAILABLE).
  // One round serves all that came before it.
  void Scrub(std::string note, Done done);
  // At the first connection: what a process that died has left.
  void TakeUpWhatWasLeft();
  void Stop();
  // Why it does not succeed at the moment; empty: it does.
  std::string trouble() const;

 private:
  struct Asked {
    std::string note;
    Done done;
  };
  enum class Phase { kBegin, kRewriting, kSaving };

  void Step();
  void Look();
  void OnInfo(absl::StatusOr<redis::Reply> reply);
  void Ask(std::vector<std::string> command, Phase next);
  void Again(int64_t after_us);
  void Fail(const std::string& why);
  void Finish();
  bool Stopped() const;

  redis::Client& client_;
  const RunAfter run_after_;
  mutable Mutex mu_;
  std::vector<Asked> waiting_ ATTUNE_GUARDED_BY(mu_);
  std::vector<Asked> round_ ATTUNE_GUARDED_BY(mu_);
  bool running_ ATTUNE_GUARDED_BY(mu_) = false;
  Phase phase_ ATTUNE_GUARDED_BY(mu_) = Phase::kBegin;
  uint64_t server_ ATTUNE_GUARDED_BY(mu_) = 0;
  bool stopped_ ATTUNE_GUARDED_BY(mu_) = false;
  std::string trouble_ ATTUNE_GUARDED_BY(mu_);
};

}  // namespace attune::journal

#endif  // ATTUNE_SERVICES_JOURNAL_REDIS_SCRUBBER_H_
