#include "tests/simulation/reference.h"

#include <algorithm>
#include <optional>

#include "absl/strings/str_cat.h"
#include "services/session/session_core.h"

namespace attune::simulation {
namespace {

constexpr int64_t kHorizonUs = 3'000'000;
constexpr size_t kBatch = 256;

class Reference {
 public:
  explicit Reference(const std::map<uint32_t, Spool>& spools) : spools_(spools) {}

  // Everything that has a stamp up to here.
  absl::Status Admit(int64_t through_us, int64_t now_us) {
    for (const auto& [participant, spool] : spools_) {
      if (!core_.IsActive(participant)) continue;
      size_t& sent = sent_[participant];
      while (sent < spool.beats.size() && spool.beats[sent].time_session_us <= through_us) {
        v1::Observations message;
        message.set_first_seq(sent + 1);
        message.mutable_timing()->set_jitter_us(spool.beats[sent].jitter_us);
        message.mutable_timing()->set_offset_bound_us(spool.beats[sent].offset_bound_us);
        uint32_t in_message = 0;
        for (; sent < spool.beats.size() && in_message < kBatch &&
               spool.beats[sent].time_session_us <= through_us;
             ++sent, ++in_message) {
          const edge::StampedBeat& beat = spool.beats[sent];
          message.mutable_beats()->add_time_session_us(beat.time_session_us);
          message.mutable_beats()->add_rr_1024(beat.rr_1024);
          if (beat.gap_before) message.mutable_beats()->add_gap_before(in_message);
        }
        const auto record = core_.ProposeObservations(participant, spool.boot_id, message, now_us);
        if (!record.ok()) return record.status();
        if (!record->has_value()) return absl::InternalError("a beat twice");
        if (const auto effects = core_.Apply(**record); !effects.ok()) return effects.status();
      }
      core_.NoteComplete(participant, through_us);
    }
    return absl::OkStatus();
  }

  absl::Status Apply(v1::JournalRecord record) {
    record.set_number(core_.next_number());
    return core_.Apply(record).status();
  }

  session::SessionCore& core() { return core_; }

 private:
  const std::map<uint32_t, Spool>& spools_;
  session::SessionCore core_;
  std::map<uint32_t, size_t> sent_;
};

}  // namespace

Compared CompareWithReference(const std::map<uint64_t, v1::JournalRecord>& records,
                              const std::map<uint32_t, Spool>& spools) {
  Compared compared;
  const auto wrong = [&compared](const std::string& what) {
    compared.problems.push_back("I4: " + what);
    return compared;
  };
  // The journal as it is must be one that can be replayed.
  session::SessionCore replayed;
  for (const auto& [number, record] : records) {
    if (const auto effects = replayed.Apply(record); !effects.ok()) {
      return wrong(absl::StrCat("record ", number, ": ", effects.status().message()));
    }
  }
  for (const auto& [participant, spool] : spools) {
    if (replayed.Cursor(participant, spool.boot_id) != spool.beats.size()) {
      return wrong(absl::StrCat("participant ", participant, " sent ", spool.beats.size(),
                                " beats, the journal has ",
                                replayed.Cursor(participant, spool.boot_id)));
    }
  }
  Reference reference(spools);
  bool on_time = true;
  for (const auto& [number, record] : records) {
    const int64_t now_us = record.at_session_us();
    absl::Status status;
    if (record.has_observations() || record.has_gap() || record.has_source_finished()) continue;
    if (record.has_tick_closed()) {
      const v1::TickClosed& closed = record.tick_closed();
      const int64_t end_us = static_cast<int64_t>(closed.tick()) *
                             static_cast<int64_t>(records.begin()->second.created().tick_ms()) *
                             1000;
      status = reference.Admit(end_us + kHorizonUs, now_us);
      std::optional<v1::JournalRecord> mine;
      if (status.ok()) mine = reference.core().ProposeTimed(now_us);
      if (status.ok() && (!mine || !mine->has_tick_closed())) {
        // Nobody is there, or all are late in truth: it closes later in the reference.
        mine = reference.core().ProposeTimed(now_us + 60'000'000);
      }
      if (!status.ok() || !mine || !mine->has_tick_closed()) {
        return wrong(absl::StrCat("tick ", closed.tick(), " does not close: ", status.message()));
      }
      on_time &= !closed.by_lateness();
      if (on_time) {
        ++compared.ticks;
        if (mine->tick_closed().frame_digest() != closed.frame_digest()) {
          return wrong(absl::StrCat("tick ", closed.tick(), " (record ", number,
                                    ") is not that of all beats in time"));
        }
      }
      status = reference.core().Apply(*mine).status();
    } else if (record.has_report_stored()) {
      status = reference.Admit(int64_t{1} << 60, now_us);
      if (status.ok()) {
        const auto builder = reference.core().BuildReport();
        while (!builder->Step(1000)) {
        }
        const auto mine = reference.core().ProposeReportStored(builder->Take(), now_us);
        status = mine.status();
        if (mine.ok() &&
            mine->report_stored().report_digest() != record.report_stored().report_digest()) {
          return wrong("the report is not that of all beats");
        }
        if (mine.ok()) {
          compared.report = true;
          status = reference.core().Apply(*mine).status();
        }
      }
    } else {
      status = reference.Apply(record);
    }
    if (!status.ok()) {
      return wrong(absl::StrCat("the reference refuses record ", number, ": ", status.message()));
    }
  }
  return compared;
}

}  // namespace attune::simulation
