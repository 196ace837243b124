// Does the journal of a stopped node give the numbers that the node showed? Opens journal and keys,
// replays every record of a session into a fresh core, builds the report anew before each record
// that says one was stored, and prints one JSON object:
//
//   recompute --journal=FILE --keys=FILE --session=ID --frames=FILE --report=FILE
//
// --frames gets a line "TICK HEX" per closed tick, --report the newest report; both as a
// facilitator sees them, so that they can be compared with what a facilitator was sent. `truth` in
// the JSON is a digest of everything unprojected, all frames and the report, but for the moment of
// creation: two runs with the same input agree in it.
#include <fstream>
#include <iostream>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/flags/flag.h"
#include "absl/flags/parse.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "services/base/status_macros.h"
#include "services/session/session_core.h"
#include "tests/lib/sealed_journal.h"

ABSL_FLAG(std::string, journal, "", "the journal's SQLite file");
ABSL_FLAG(std::string, keys, "", "the node's keys file");
ABSL_FLAG(std::string, session, "", "which session");
ABSL_FLAG(std::string, frames, "", "where to write the frames");
ABSL_FLAG(std::string, report, "", "where to write the report");

namespace attune {
namespace {

const session::Viewer kFacilitator{v1::ROLE_FACILITATOR, 0};

class Recomputation {
 public:
  Recomputation(journal::Sealer& sealer, std::ostream& frames) : sealer_(sealer), frames_(frames) {}

  absl::Status Take(const std::string& session, const journal::Entry& entry) {
    absl::StatusOr<std::string> bytes = absl::NotFoundError("erased");
    if (!entry.erased) {
      bytes = sealer_.Unseal(session, entry.subject, entry.epoch, entry.number, entry.payload);
    }
    if (journal::IsErased(bytes.status())) {
      ++erased_;
      return core_.ApplyErased(entry.number);
    }
    if (!bytes.ok()) return bytes.status();
    v1::JournalRecord record;
    if (!record.ParseFromString(*bytes)) return absl::DataLossError("not a record");
    gaps_ += record.has_gap();
    if (record.has_report_stored()) CompareReport(record.report_stored());
    if (record.has_owner_taken()) {
      owners_.push_back(absl::StrCat("{\"epoch\":", record.owner_taken().epoch(), ",\"tick\":",
                                     core_.tick(), ",\"beats_in_open_ticks\":", BeatsOpen(), "}"));
    }
    if (record.has_observations()) {
      for (const int64_t time_us : record.observations().observations().beats().time_session_us()) {
        beat_times_us_.push_back(time_us);
      }
    }
    // Refuses a tick whose frame does not come out with the digest in the record.
    absl::StatusOr<session::Effects> effects = core_.Apply(record);
    if (!effects.ok()) return effects.status();
    if (effects->frame != nullptr) {
      ++ticks_;
      tick_end_us_ = effects->frame->end_session_us();
      truth_ += effects->frame->SerializeAsString();
      const v1::Frame shown = core_.ProjectFrame(*effects->frame, kFacilitator);
      frames_ << shown.tick() << " " << absl::BytesToHexString(shown.SerializeAsString()) << "\n";
    }
    return absl::OkStatus();
  }

  std::string Json() const {
    return absl::StrCat("{\"records\":", core_.next_number() - 1, ",\"erased_records\":", erased_,
                        ",\"ticks\":", ticks_, ",\"reports\":", reports_,
                        ",\"reports_different\":", reports_different_,
                        ",\"beats\":", beat_times_us_.size(), ",\"gaps\":", gaps_, ",\"truth\":\"",
                        absl::Hex(session::Digest(truth_ + Truth())),
                        "\",\"late_beats\":", core_.late_beats(), ",\"owners\":[",
                        absl::StrJoin(owners_, ","), "]}");
  }
  std::string Report() const {
    return core_.ProjectReport(report_, kFacilitator).SerializeAsString();
  }
  bool good() const { return reports_different_ == 0; }

 private:
  std::string Truth() const {
    v1::Report report = report_;
    report.clear_created_utc_us();
    return report.SerializeAsString();
  }

  int64_t BeatsOpen() const {
    int64_t count = 0;
    for (const int64_t time_us : beat_times_us_) count += time_us > tick_end_us_;
    return count;
  }

  void CompareReport(const v1::ReportStored& stored) {
    const auto builder = core_.BuildReport();
    while (!builder->Step(1000)) {
    }
    report_ = builder->Take();
    report_.set_revision(stored.revision());
    ++reports_;
    reports_different_ += session::Digest(report_.SerializeAsString()) != stored.report_digest();
  }

  journal::Sealer& sealer_;
  std::ostream& frames_;
  session::SessionCore core_;
  v1::Report report_;
  std::string truth_;  // of the frames
  std::vector<int64_t> beat_times_us_;
  std::vector<std::string> owners_;
  int64_t tick_end_us_ = 0;
  int ticks_ = 0;
  int erased_ = 0;
  int gaps_ = 0;
  int reports_ = 0;
  int reports_different_ = 0;
};

absl::Status Run() {
  const std::string session = absl::GetFlag(FLAGS_session);
  ATTUNE_ASSIGN_OR_RETURN(
      const auto kept,
      testing::SealedJournal::Open(absl::GetFlag(FLAGS_journal), absl::GetFlag(FLAGS_keys)));
  std::ofstream frames(absl::GetFlag(FLAGS_frames));
  Recomputation recomputation(kept->sealer(), frames);
  ATTUNE_RETURN_IF_ERROR(kept->journal().Read(
      session, 0, [&](const journal::Entry& entry) { return recomputation.Take(session, entry); }));
  std::ofstream(absl::GetFlag(FLAGS_report), std::ios::binary) << recomputation.Report();
  std::cout << recomputation.Json() << std::endl;
  return recomputation.good() ? absl::OkStatus()
                              : absl::DataLossError("a report differs from its recomputation");
}

}  // namespace
}  // namespace attune

int main(int argc, char** argv) {
  absl::ParseCommandLine(argc, argv);
  const absl::Status status = attune::Run();
  if (status.ok()) return 0;
  std::cerr << status << "\n";
  return 1;
}
