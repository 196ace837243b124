// The blobs of a session in the journal: its checkpoint and its report, each in parts, one sealed
// with the session's key and one per person with that person's, so that erasing a person takes
// their parts along.
#ifndef ATTUNE_SERVICES_NODE_BLOBS_H_
#define ATTUNE_SERVICES_NODE_BLOBS_H_

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "attune/v1/report.pb.h"
#include "services/journal/journal.h"
#include "services/journal/sealer.h"
#include "services/session/session_core.h"

namespace attune::node {

// The part of a report that is one person's is sealed under a subject of its own: a team session
// destroys the keys of its raw data when it closes, and its people keep their own part.
std::string ReportSubject(const std::string& subject);

// Stateless over a journal and a sealer, which must outlive it. Thread-safe.
class Blobs {
 public:
  using Done = std::function<void(absl::Status)>;

  Blobs(journal::Journal& journal, journal::Sealer& sealer) : journal_(journal), sealer_(sealer) {}

  // `done` once, on the journal's thread (or at once), when all parts are written or one failed.
  void WriteCheckpoint(const std::string& session, const journal::Fence& fence,
                       const session::SessionCore::Checkpoint& checkpoint, Done done);
  // NOT_FOUND: none. DATA_LOSS: damaged, or a crash left parts of two; replay the journal instead.
  // People whose key was destroyed are left out.
  absl::StatusOr<session::SessionCore::Checkpoint> ReadCheckpoint(const std::string& session);

  // `subject_of`: a participant's subject; people without one are left out.
  void WriteReport(const std::string& session, const journal::Fence& fence,
                   const v1::Report& report, const std::function<std::string(uint32_t)>& subject_of,
                   Done done);
  // The whole report again, without people whose key was destroyed. NOT_FOUND: none stored.
  absl::StatusOr<v1::Report> ReadReport(const std::string& session);

  // Everything that tells of more than one person, and this person's parts. To be followed by
  // EraseSubject. `done` as above.
  void DeleteWhatTellsOf(const std::string& session, const journal::Fence& fence,
                         uint32_t participant, const std::string& subject, Done done);
  // Whose key seals this participant's part of the report. NOT_FOUND: there is none.
  absl::StatusOr<std::string> ReportPartSubject(const std::string& session, uint32_t participant);
  void DeleteCheckpoint(const std::string& session, const journal::Fence& fence,
                        const std::vector<std::string>& subjects, Done done);

 private:
  absl::Status Write(const std::string& session, const journal::Fence& fence,
                     const std::string& name, uint64_t revision, const std::string& subject,
                     const std::string& bytes, const Done& done);
  absl::StatusOr<std::string> Read(const std::string& session, const std::string& name,
                                   uint64_t& revision);

  journal::Journal& journal_;
  journal::Sealer& sealer_;
};

}  // namespace attune::node

#endif  // ATTUNE_SERVICES_NODE_BLOBS_H_
