// Frames of an analysis as CSV in long form: one line per number. Pure.
#ifndef ATTUNE_EDGE_CTL_ANALYSIS_CSV_H_
#define ATTUNE_EDGE_CTL_ANALYSIS_CSV_H_

#include <map>
#include <set>
#include <string>

#include "attune/v1/analysis.pb.h"
#include "attune/v1/live.pb.h"
#include "services/synchrony/measure.h"

namespace attune::edge {

// t_s,a,b,measure,value,absent,window_s,coverage,chance_low,chance_high,p,above,z,uncertainty,doubtful
// - `a` and `b` are names; both empty: the group; `b` empty: one person. Fields that say nothing
// are empty. t_s is the end of what the value looks back on.
class CsvWriter {
 public:
  // Lines of `shown` measures only. `names` by participant.
  CsvWriter(std::map<uint32_t, std::string> names, std::set<synchrony::Measure> shown);

  static std::string Header();
  // A measure with a cadence of its own has lines when it has a new value.
  std::string Lines(const v1::Frame& frame);
  // Measures over the whole length.
  std::string Lines(const v1::Analysis& analysis) const;

 private:
  using More = google::protobuf::RepeatedPtrField<v1::NamedNumber>;
  void Append(double t_s, const std::string& who, synchrony::Measure measure,
              const v1::Number& number, std::string& out) const;
  void AppendNew(const std::string& who, const More& more, std::string& out) const;
  std::string Name(uint32_t participant) const;

  const std::map<uint32_t, std::string> names_;
  const std::set<synchrony::Measure> shown_;
  int64_t last_end_us_ = -1;  // of the frame before
};

}  // namespace attune::edge

#endif  // ATTUNE_EDGE_CTL_ANALYSIS_CSV_H_
