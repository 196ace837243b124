// What a session is made of. Plain data; who may change what is said at each part:
//
//   Book    follows from the records alone and is what numbers, views and reports are made from.
//   State   the Book, the engine that holds its beats, what is kept for readers, and - set apart -
//           what is not in the journal (links).
//
// Only apply_*.cc change a Book.
#ifndef ATTUNE_SERVICES_SESSION_STATE_H_
#define ATTUNE_SERVICES_SESSION_STATE_H_

#include <cstdint>
#include <deque>
#include <limits>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <unordered_map>
#include <vector>

#include "attune/v1/journal.pb.h"
#include "services/session/request.h"
#include "services/session/session_core.h"
#include "services/synchrony/engine.h"

namespace attune::session {

inline constexpr int64_t kSecondUs = 1'000'000;
inline constexpr int64_t kNever = std::numeric_limits<int64_t>::max();

// Spans of real time; in session time they are so much longer as the session's clock runs faster.
inline constexpr int64_t kAheadUs = 10 * kSecondUs;          // a stamp may lie so far in the future
inline constexpr int64_t kLinkMemoryUs = 15 * kSecondUs;     // a broken link is waited for
inline constexpr int64_t kReattachGraceUs = 10 * kSecondUs;  // after a change of owner
inline constexpr int64_t kFirstDataGraceUs = 2 * kSecondUs;  // likewise, who has sent nothing yet
inline constexpr int64_t kStaleUs = 4 * kSecondUs;           // a link without a beat is stale

// Session time.
inline constexpr int64_t kPracticeMaxUs = 12 * 3600 * kSecondUs;
// Beats whose timing was never told: too uncertain for anything that stands on timing.
inline constexpr uint32_t kUnknownTimingUs = 60 * 1'000'000;

// One beat as admitted, with the timing it was sent under.
struct StoredBeat {
  int64_t time_us = 0;
  uint32_t jitter_us = 0;
  uint32_t offset_bound_us = 0;
  uint16_t rr_1024 = 0;
  bool gap_before = false;
  // By time; the rest only makes the order of equal times a matter of content, not of arrival.
  friend auto operator<=>(const StoredBeat&, const StoredBeat&) = default;
};

struct Spool {
  std::string boot_id;
  uint64_t cursor = 0;  // everything up to here is admitted or a known gap
  uint32_t jitter_us = kUnknownTimingUs;
  uint32_t offset_bound_us = kUnknownTimingUs;
  bool gap_pending = true;  // the next beat does not follow the last one
  v1::Gap last_gap;         // last one without numbers
};

struct GrantState {
  v1::Consent consent;
  int64_t since_us = 0;  // 0 when given at joining: nothing can have been sent before
};

struct Person {
  uint32_t number = 0;
  std::string subject;
  std::string alias;
  std::string dyad_key;
  std::vector<GrantState> grants;  // one per purpose and audience
  bool left = false;
  int64_t left_us = 0;
  bool erased = false;
  bool finished = false;          // the source has ended
  std::vector<Spool> spools;      // in the order of their first record
  std::vector<StoredBeat> beats;  // ascending
  int64_t beats_at_us = -1;       // owner's time when beats last came; -1: never. Links only.
  std::vector<v1::MeasureAnswer> measures;

  bool active() const { return !left && !erased; }
};

struct Dyad {
  uint32_t number = 0;
  uint32_t a = 0;
  uint32_t b = 0;
  bool dissolved = false;  // formed by mistake: shown to nobody any more
};

struct PracticeState {
  v1::Practice practice;
  int64_t planned_us = 0;
};

struct AnnotationState {
  v1::Annotation annotation;
  bool undone = false;
};

struct Book {
  v1::Created created;
  std::map<uint32_t, Person> people;
  std::vector<Dyad> dyads;               // number = index + 1
  std::vector<PracticeState> practices;  // number = index + 1
  std::map<uint32_t, AnnotationState> annotations;
  int64_t planned_end_us = 0;  // 0: none
  bool ended = false;
  int64_t ended_us = 0;
  uint32_t report_revision = 0;  // newest stored
  bool report_wanted = false;    // a revision is due that is not stored
  bool raw_deleted = false;      // beats are gone by rule (team, after the report)

  int64_t tick_us() const { return int64_t{created.tick_ms()} * 1000; }
  int64_t Scaled(int64_t real_us) const {
    return static_cast<int64_t>(static_cast<double>(real_us) * created.clock_rate());
  }
  const Person* Find(uint32_t number) const {
    const auto it = people.find(number);
    return it == people.end() ? nullptr : &it->second;
  }
  // A pair stands while both take part. What it was stays theirs when one leaves.
  bool Stands(const Dyad& dyad) const {
    const Person* a = Find(dyad.a);
    const Person* b = Find(dyad.b);
    return !dyad.dissolved && a != nullptr && b != nullptr && a->active() && b->active();
  }
  // The standing pair this person is half of; null: none.
  const Dyad* DyadOf(uint32_t participant) const {
    for (const Dyad& dyad : dyads) {
      if ((dyad.a == participant || dyad.b == participant) && Stands(dyad)) return &dyad;
    }
    return nullptr;
  }
  // The pair that these two are or were; null: never, or by mistake only.
  const Dyad* DyadOf(uint32_t a, uint32_t b) const {
    for (const Dyad& dyad : dyads) {
      if (!dyad.dissolved && dyad.a == a && dyad.b == b) return &dyad;
    }
    return nullptr;
  }
};

// Consents as bits (see consent.h) by participant; those without any are missing.
using Grants = std::map<uint32_t, uint32_t>;

// What the visibility rules need to know of a tick besides its frame.
struct FrameGround {
  std::vector<uint32_t> contributors;  // to the group, ascending
  bool settled = false;                // the same people for a whole window
  std::shared_ptr<const Grants> then;  // consents when it was made
};

struct KeptFrame {
  uint64_t tick = 0;
  std::string bytes;  // the unprojected Frame
  FrameGround ground;
};

struct Link {
  bool attached = false;
  int64_t detached_us = std::numeric_limits<int64_t>::min();
  int64_t complete_through_us = -1;
};

// A tick that was proposed and must be applied next.
struct PendingTick {
  v1::JournalRecord record;
  std::shared_ptr<const v1::Frame> frame;
  std::vector<uint32_t> contributors;
};

struct State {
  explicit State(const Limits& l)
      : limits(l), engine(synchrony::Params{}, std::nullopt, l.engine_memory.get()) {}

  const Limits limits;

  // From the records.
  Book book;
  uint64_t number = 0;  // last applied
  int64_t at_us = 0;    // its time
  uint64_t epoch = 0;
  uint64_t epochs = 0;
  int64_t owner_us = 0;  // when the last owner took over
  uint64_t tick = 0;     // last closed
  uint64_t ticks_by_lateness = 0;
  uint64_t late_beats = 0;
  std::map<uint32_t, v1::ViewerJoined> viewers;  // watching now
  uint32_t last_viewer = 0;
  uint32_t last_annotation = 0;
  uint32_t last_phase = 0;
  uint32_t last_prompt = 0;
  std::deque<std::string> request_order;  // oldest first
  std::unordered_map<std::string, Request> requests;
  std::set<std::string> tokens_revoked;
  std::deque<v1::LogEntry> log;  // without aliases: those are looked up when read
  uint64_t last_cursor = 0;
  synchrony::Engine engine;
  std::vector<uint32_t> contributors;  // of the last tick
  int64_t contributors_since_us = 0;

  // Follows from the above; kept for readers.
  std::shared_ptr<const Grants> grants = std::make_shared<Grants>();
  std::deque<KeptFrame> frames;
  uint64_t frame_bytes = 0;

  // Records or sections of erased people are missing: what was computed with them cannot be
  // computed again, so digests are not compared any more.
  bool incomplete = false;
  std::optional<PendingTick> pending;

  // Not from the records.
  std::map<uint32_t, Link> links;
};

}  // namespace attune::session

#endif  // ATTUNE_SERVICES_SESSION_STATE_H_
