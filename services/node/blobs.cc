#include "services/node/blobs.h"

#include <algorithm>
#include <memory>
#include <utility>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "services/base/mutex.h"
#include "services/base/status_macros.h"
#include "services/journal/keystore.h"
#include "services/node/hmac.h"

namespace attune::node {
namespace {

constexpr char kCheckpoint[] = "checkpoint";
constexpr char kReport[] = "report";
constexpr char kLayout = '1';  // of a shared part: layout, subjects or numbers, its bytes
constexpr size_t kMaxParts = 100'000;

std::string CheckpointPart(const std::string& subject) {
  return absl::StrCat("checkpoint.", absl::BytesToHexString(subject));
}
std::string ReportPart(uint32_t participant) { return absl::StrCat("report.", participant); }

// Layout, the number of names, the names (each at most 255 bytes), then the rest.
std::string Pack(const std::vector<std::string>& names, const std::string& rest) {
  std::string out(1, kLayout);
  for (int shift = 24; shift >= 0; shift -= 8) out += static_cast<char>(names.size() >> shift);
  for (const std::string& name : names) {
    out += static_cast<char>(name.size());
    out += name;
  }
  return out + rest;
}

absl::StatusOr<std::string> Unpack(const std::string& packed, std::vector<std::string>& names) {
  const absl::Status damaged = absl::DataLossError("a stored part does not have its layout");
  if (packed.size() < 5 || packed[0] != kLayout) return damaged;
  size_t count = 0, at = 1;
  for (; at < 5; ++at) count = count << 8 | static_cast<unsigned char>(packed[at]);
  if (count > kMaxParts) return damaged;
  for (size_t i = 0; i < count; ++i) {
    if (at >= packed.size()) return damaged;
    const size_t length = static_cast<unsigned char>(packed[at++]);
    if (length > packed.size() - at) return damaged;
    names.push_back(packed.substr(at, length));
    at += length;
  }
  return packed.substr(at);
}

// Calls `done` once, when as many answers have come as were announced; with the first error.
class Join {
 public:
  Join(size_t answers, Blobs::Done done) : left_(answers), done_(std::move(done)) {}
  void Answer(const absl::Status& status) {
    {
      MutexLock lock(mu_);
      status_.Update(status);
      if (--left_ > 0) return;
    }
    done_(status_);
  }

 private:
  Mutex mu_;
  size_t left_;
  absl::Status status_;
  const Blobs::Done done_;
};

Blobs::Done JoinAll(size_t answers, Blobs::Done done) {
  auto join = std::make_shared<Join>(answers, std::move(done));
  return [join](absl::Status status) { join->Answer(status); };
}

}  // namespace

std::string ReportSubject(const std::string& subject) {
  return HmacSha256("attune report part 1", subject).substr(0, journal::kSubjectBytes);
}

absl::Status Blobs::Write(const std::string& session, const journal::Fence& fence,
                          const std::string& name, uint64_t revision, const std::string& subject,
                          const std::string& bytes, const Done& done) {
  absl::StatusOr<std::string> sealed = sealer_.SealBlob(session, subject, name, revision, bytes);
  if (!sealed.ok()) return sealed.status();
  journal_.WriteBlob(session, fence, name, revision, subject, *std::move(sealed), done);
  return absl::OkStatus();
}

absl::StatusOr<std::string> Blobs::Read(const std::string& session, const std::string& name,
                                        uint64_t& revision) {
  ATTUNE_ASSIGN_OR_RETURN(const journal::Blob blob, journal_.ReadBlob(session, name));
  revision = blob.revision;
  return sealer_.UnsealBlob(session, blob.subject, name, blob.revision, blob.bytes);
}

void Blobs::WriteCheckpoint(const std::string& session, const journal::Fence& fence,
                            const session::SessionCore::Checkpoint& checkpoint, Done done) {
  std::vector<std::string> subjects;
  for (const auto& section : checkpoint.people) {
    if (!section.subject.empty()) subjects.push_back(section.subject);
  }
  const Done answer = JoinAll(subjects.size() + 1, std::move(done));
  // People first: a shared part is only ever there when its people's were handed over before it.
  for (const auto& section : checkpoint.people) {
    if (section.subject.empty()) continue;
    const absl::Status status = Write(session, fence, CheckpointPart(section.subject),
                                      checkpoint.number, section.subject, section.bytes, answer);
    if (!status.ok()) answer(journal::IsErased(status) ? absl::OkStatus() : status);
  }
  const absl::Status status = Write(session, fence, kCheckpoint, checkpoint.number, "",
                                    Pack(subjects, checkpoint.shared), answer);
  if (!status.ok()) answer(status);
}

absl::StatusOr<session::SessionCore::Checkpoint> Blobs::ReadCheckpoint(const std::string& session) {
  session::SessionCore::Checkpoint checkpoint;
  ATTUNE_ASSIGN_OR_RETURN(const std::string packed, Read(session, kCheckpoint, checkpoint.number));
  std::vector<std::string> subjects;
  ATTUNE_ASSIGN_OR_RETURN(checkpoint.shared, Unpack(packed, subjects));
  for (const std::string& subject : subjects) {
    const std::string name = CheckpointPart(subject);
    const absl::StatusOr<journal::Blob> blob = journal_.ReadBlob(session, name);
    absl::StatusOr<std::string> bytes = absl::DataLossError("a part is missing");
    if (blob.ok()) {
      bytes = sealer_.UnsealBlob(session, subject, name, blob->revision, blob->bytes);
      if (journal::IsErased(bytes.status())) continue;
    }
    if (!bytes.ok() || blob->revision != checkpoint.number) {
      return absl::DataLossError("the parts of the checkpoint do not belong together");
    }
    checkpoint.people.push_back({subject, *std::move(bytes)});
  }
  return checkpoint;
}

void Blobs::WriteReport(const std::string& session, const journal::Fence& fence,
                        const v1::Report& report,
                        const std::function<std::string(uint32_t)>& subject_of, Done done) {
  v1::Report shared = report;
  shared.clear_people();
  std::vector<std::string> names;
  for (const v1::PersonReport& person : report.people()) {
    if (!subject_of(person.participant()).empty()) {
      names.push_back(ReportPart(person.participant()));
    }
  }
  const Done answer = JoinAll(names.size() + 1, std::move(done));
  for (const v1::PersonReport& person : report.people()) {
    const std::string subject = subject_of(person.participant());
    if (subject.empty()) continue;
    const absl::Status status =
        Write(session, fence, ReportPart(person.participant()), report.revision(),
              ReportSubject(subject), person.SerializeAsString(), answer);
    if (!status.ok()) answer(journal::IsErased(status) ? absl::OkStatus() : status);
  }
  const absl::Status status = Write(session, fence, kReport, report.revision(), "",
                                    Pack(names, shared.SerializeAsString()), answer);
  if (!status.ok()) answer(status);
}

absl::StatusOr<v1::Report> Blobs::ReadReport(const std::string& session) {
  uint64_t revision = 0;
  ATTUNE_ASSIGN_OR_RETURN(const std::string packed, Read(session, kReport, revision));
  std::vector<std::string> names;
  ATTUNE_ASSIGN_OR_RETURN(const std::string bytes, Unpack(packed, names));
  v1::Report report;
  if (!report.ParseFromString(bytes)) return absl::DataLossError("the stored report is damaged");
  for (const std::string& name : names) {
    uint64_t part_revision = 0;
    const absl::StatusOr<std::string> part = Read(session, name, part_revision);
    // Gone with its person: deleted, or its key destroyed.
    if (absl::IsNotFound(part.status())) continue;
    if (!part.ok()) return part.status();
    if (!report.add_people()->ParseFromString(*part)) {
      return absl::DataLossError("a part of the stored report is damaged");
    }
  }
  return report;
}

void Blobs::DeleteWhatTellsOf(const std::string& session, const journal::Fence& fence,
                              uint32_t participant, const std::string& subject, Done done) {
  const Done answer = JoinAll(4, std::move(done));
  journal_.DeleteBlob(session, fence, kCheckpoint, answer);
  journal_.DeleteBlob(session, fence, CheckpointPart(subject), answer);
  journal_.DeleteBlob(session, fence, kReport, answer);
  journal_.DeleteBlob(session, fence, ReportPart(participant), answer);
}

absl::StatusOr<std::string> Blobs::ReportPartSubject(const std::string& session,
                                                     uint32_t participant) {
  ATTUNE_ASSIGN_OR_RETURN(const journal::Blob blob,
                          journal_.ReadBlob(session, ReportPart(participant)));
  return blob.subject;
}

void Blobs::DeleteCheckpoint(const std::string& session, const journal::Fence& fence,
                             const std::vector<std::string>& subjects, Done done) {
  const Done answer = JoinAll(subjects.size() + 1, std::move(done));
  journal_.DeleteBlob(session, fence, kCheckpoint, answer);
  for (const std::string& subject : subjects) {
    journal_.DeleteBlob(session, fence, CheckpointPart(subject), answer);
  }
}

}  // namespace attune::node
