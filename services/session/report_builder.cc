#include "services/session/report_builder.h"

#include <map>
#include <utility>

#include "services/messages/summary.h"
#include "services/session/plan.h"
#include "services/session/ticks.h"
#include "services/synchrony/replay/replay.h"

namespace attune::session {
namespace {

class Builder final : public SessionCore::ReportBuilder {
 public:
  explicit Builder(const Book& book)
      : report_(Frame(book)), replay_(PlanOf(book, book.ended_us), EngineParams()) {
    for (const auto& [number, person] : book.people) {
      if (person.erased) continue;
      v1::PersonReport& told = told_[number];
      told.set_alias(person.alias);
      for (const v1::MeasureAnswer& answer : person.measures) *told.add_measures() = answer;
    }
    dyads_ = book.dyads;
  }

  bool Step(int ticks) override {
    for (; ticks > 0 && !replay_.Done(); --ticks) replay_.Step();
    return replay_.Done();
  }

  v1::Report Take() override {
    messages::AddSummary(replay_.Sum(), report_);
    for (v1::PersonReport& person : *report_.mutable_people()) {
      person.MergeFrom(told_[person.participant()]);
    }
    for (v1::PairReport& pair : *report_.mutable_pairs()) {
      for (const Dyad& dyad : dyads_) {
        if (!dyad.dissolved && dyad.a == pair.a() && dyad.b == pair.b()) {
          pair.set_dyad(dyad.number);
          break;
        }
      }
    }
    return std::move(report_);
  }

 private:
  // What is around the numbers.
  static v1::Report Frame(const Book& book) {
    v1::Report report;
    report.set_revision(book.report_revision + 1);
    report.set_kind(book.created.kind());
    report.set_title(book.created.title());
    report.set_created_utc_us(book.created.utc_us());
    report.set_length_us(book.ended_us);
    report.set_engine_version(book.created.engine_version());
    report.set_params_hash(book.created.params_hash());
    for (const v1::Phase& phase : PhasesOf(book, book.ended_us)) *report.add_phases() = phase;
    for (const auto& [number, set] : book.annotations) {
      if (!set.undone) *report.add_annotations() = set.annotation;
    }
    for (const PracticeState& practice : book.practices) {
      *report.add_practices() = practice.practice;
    }
    return report;
  }

  v1::Report report_;
  synchrony::Replay replay_;
  std::map<uint32_t, v1::PersonReport> told_;  // alias and answers, by participant
  std::vector<Dyad> dyads_;
};

}  // namespace

std::unique_ptr<SessionCore::ReportBuilder> MakeReportBuilder(const Book& book) {
  return std::make_unique<Builder>(book);
}

}  // namespace attune::session
