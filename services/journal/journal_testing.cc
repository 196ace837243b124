#include "services/journal/journal_testing.h"

namespace attune::journal {

absl::Status AppendNow(Journal& journal, const SessionId& session, const Fence& fence,
                       std::vector<Entry> entries) {
  Answers answers;
  journal.Append(session, fence, std::move(entries), answers.Next());
  return answers.Wait();
}

absl::Status WriteBlobNow(Journal& journal, const SessionId& session, const Fence& fence,
                          const std::string& name, uint64_t revision, const Subject& subject,
                          const std::string& bytes) {
  Answers answers;
  journal.WriteBlob(session, fence, name, revision, subject, bytes, answers.Next());
  return answers.Wait();
}

absl::Status EraseNow(Journal& journal, const SessionId& session, const Fence& fence,
                      const Subject& subject) {
  Answers answers;
  journal.EraseSubject(session, fence, subject, answers.Next());
  return answers.Wait();
}

absl::StatusOr<std::vector<Entry>> ReadAll(Journal& journal, const SessionId& session,
                                           uint64_t from) {
  std::vector<Entry> entries;
  const absl::Status status = journal.Read(session, from, [&](Entry entry) {
    entries.push_back(std::move(entry));
    return absl::OkStatus();
  });
  if (!status.ok()) return status;
  return entries;
}

Subject SubjectNamed(const std::string& name) {
  Subject subject = name;
  subject.resize(kSubjectBytes, '.');
  return subject;
}

}  // namespace attune::journal
