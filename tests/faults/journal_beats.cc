// Whose beats are in the journal of a stopped node, in the order in which they were admitted:
//
//   journal_beats --journal=FILE --keys=FILE --session=ID
//
// prints one JSON object a person: {"participant":1,"alias":"Ada","beats":[[SEQ,TIME_US,RR_1024,
// GAP_BEFORE],...],"gaps":[[FIRST_SEQ,LAST_SEQ],...],"spools":1}
#include <iostream>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "absl/flags/flag.h"
#include "absl/flags/parse.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "attune/v1/journal.pb.h"
#include "services/base/log.h"
#include "services/base/status_macros.h"
#include "tests/lib/sealed_journal.h"

ABSL_FLAG(std::string, journal, "", "the journal's SQLite file");
ABSL_FLAG(std::string, keys, "", "the node's keys file");
ABSL_FLAG(std::string, session, "", "which session");

namespace attune {
namespace {

struct Person {
  std::string alias;
  std::vector<std::string> beats, gaps;
  std::set<std::string> spools;
};

void Take(const v1::JournalRecord& record, std::map<uint32_t, Person>& people) {
  if (record.has_joined()) people[record.joined().participant()].alias = record.joined().alias();
  if (record.has_gap()) {
    Person& person = people[record.gap().participant()];
    person.spools.insert(record.gap().boot_id());
    person.gaps.push_back(
        absl::StrCat("[", record.gap().gap().first_seq(), ",", record.gap().gap().last_seq(), "]"));
  }
  if (!record.has_observations()) return;
  Person& person = people[record.observations().participant()];
  person.spools.insert(record.observations().boot_id());
  const v1::Observations& observations = record.observations().observations();
  const v1::Beats& beats = observations.beats();
  const std::set<uint32_t> gaps(beats.gap_before().begin(), beats.gap_before().end());
  for (int i = 0; i < beats.time_session_us_size(); ++i) {
    const auto index = static_cast<uint32_t>(i);
    person.beats.push_back(absl::StrCat("[", observations.first_seq() + index, ",",
                                        beats.time_session_us(i), ",", beats.rr_1024(i), ",",
                                        gaps.contains(index) ? 1 : 0, "]"));
  }
}

absl::Status Run() {
  const std::string session = absl::GetFlag(FLAGS_session);
  ATTUNE_ASSIGN_OR_RETURN(
      const auto kept,
      testing::SealedJournal::Open(absl::GetFlag(FLAGS_journal), absl::GetFlag(FLAGS_keys)));
  std::map<uint32_t, Person> people;
  const auto take = [&](const journal::Entry& entry) -> absl::Status {
    ATTUNE_ASSIGN_OR_RETURN(
        const std::string bytes,
        kept->sealer().Unseal(session, entry.subject, entry.epoch, entry.number, entry.payload));
    v1::JournalRecord record;
    if (!record.ParseFromString(bytes)) return absl::DataLossError("not a record");
    Take(record, people);
    return absl::OkStatus();
  };
  ATTUNE_RETURN_IF_ERROR(kept->journal().Read(session, 0, take));
  for (const auto& [number, person] : people) {
    std::cout << "{\"participant\":" << number << ",\"alias\":" << JsonQuote(person.alias)
              << ",\"beats\":[" << absl::StrJoin(person.beats, ",") << "],\"gaps\":["
              << absl::StrJoin(person.gaps, ",") << "],\"spools\":" << person.spools.size() << "}"
              << std::endl;
  }
  return absl::OkStatus();
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
