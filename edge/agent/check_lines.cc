#include "edge/agent/check_lines.h"

#include <unistd.h>

#include <cstdlib>
#include <string_view>

#include "absl/strings/str_cat.h"
#include "edge/agent/terminal_width.h"
#include "edge/words/text.h"
#include "services/base/log.h"

namespace attune::edge {
namespace {

const char* NameOf(Verdict verdict) {
  switch (verdict) {
    case Verdict::kOk:
      return "ok";
    case Verdict::kProblem:
      return "problem";
    case Verdict::kWaiting:
      return "waiting";
  }
  return "";
}

}  // namespace

CheckWriter::CheckWriter(int fd, bool json)
    : out_(fd), fd_(fd), json_(json), terminal_(!json && TakesEscapes(fd)) {}

std::string CheckWriter::Text(const std::string& person, const Finding& finding) const {
  const std::string verdict = NameOf(finding.verdict);
  return absl::StrCat(verdict, std::string(9 - verdict.size(), ' '),
                      person.empty() ? "" : Harmless(person) + " ", finding.step, ": ",
                      Harmless(finding.text));
}

std::string CheckWriter::Json(const std::string& person, const Finding& finding) const {
  std::string json = absl::StrCat("{\"event\":\"check\",\"step\":\"", finding.step, "\"");
  if (!person.empty()) absl::StrAppend(&json, ",\"person\":", JsonQuote(person));
  absl::StrAppend(&json, ",\"verdict\":\"", NameOf(finding.verdict),
                  "\",\"text\":", JsonQuote(finding.text));
  if (!finding.remedy.empty()) absl::StrAppend(&json, ",\"remedy\":", JsonQuote(finding.remedy));
  return json + "}\n";
}

void CheckWriter::Erase() {
  if (passing_) out_.Put("\r\033[K", /*passing=*/false);
  passing_ = false;
  shown_.clear();
}

void CheckWriter::Found(const std::string& person, const Finding& finding) {
  problems_ += finding.verdict == Verdict::kProblem;
  unseen_ += finding.verdict == Verdict::kWaiting;
  if (json_) {
    out_.Put(Json(person, finding), /*passing=*/false);
    return;
  }
  Erase();
  std::string text = Text(person, finding) + "\n";
  if (!finding.remedy.empty())
    absl::StrAppend(&text, "         -> ", Harmless(finding.remedy), "\n");
  out_.Put(text, /*passing=*/false);
}

void CheckWriter::Progress(int64_t now_us, const std::string& person, const Finding& finding) {
  if (terminal_) {
    const std::string text = Cut(Text(person, finding), TerminalColumns(fd_) - 1);
    if (text == shown_) return;
    out_.Put(absl::StrCat("\r", text, "\033[K"), /*passing=*/true);
    passing_ = true;
    shown_ = text;
    return;
  }
  const std::string key = absl::StrCat(person, "\n", finding.step);
  const auto said = said_us_.find(key);
  if (said != said_us_.end() && now_us - said->second < kProgressEveryUs) return;
  said_us_[key] = now_us;
  out_.Put(json_ ? Json(person, finding) : Text(person, finding) + "\n", /*passing=*/true);
}

void CheckWriter::Finish() {
  const char* outcome = problems_ > 0 ? "problem" : unseen_ > 0 ? "unfinished" : "ok";
  if (json_) {
    out_.Put(absl::StrCat("{\"event\":\"checked\",\"outcome\":\"", outcome,
                          "\",\"problems\":", problems_, ",\"unseen\":", unseen_, "}\n"),
             /*passing=*/false);
  } else {
    Erase();
    std::string words = "All is well.";
    if (problems_ > 0) {
      words = problems_ == 1 ? "One problem." : absl::StrCat(problems_, " problems.");
    } else if (unseen_ > 0) {
      words = "Nothing is wrong as far as could be seen.";
    }
    out_.Put(words + "\n", /*passing=*/false);
  }
  out_.Flush();
}

}  // namespace attune::edge
