// Measures that the session asked for beyond those of every frame.
#include <string>

#include "absl/strings/str_cat.h"
#include "edge/ctl/render_parts.h"
#include "edge/words/text.h"
#include "edge/words/words.h"
#include "services/synchrony/measure.h"

namespace attune::edge {
namespace {

using More = google::protobuf::RepeatedPtrField<v1::NamedNumber>;

// Enough digits to see a change, whatever the unit.
int Decimals(double value) {
  const double size = value < 0 ? -value : value;
  return size >= 100 ? 0 : size >= 10 ? 1 : 2;
}

void Add(const std::string& who, const More& more, std::vector<Line>& lines) {
  for (const v1::NamedNumber& named : more) {
    const auto* info = synchrony::FindMeasure(static_cast<synchrony::Measure>(named.measure()));
    const v1::Number& number = named.number();
    Line line;
    line.Add("  " + who).To(24);
    line.Add(info == nullptr ? absl::StrCat("measure ", named.measure()) : std::string(info->name));
    line.To(50);
    if (number.has_value()) {
      const int decimals = Decimals(number.value());
      line.Add(Right(Fixed(number.value(), decimals), 8), Style::kBold);
      if (number.uncertainty() > 0) line.Add("+-" + Fixed(number.uncertainty(), decimals));
      if (number.doubtful()) line.Add(" doubtful", Style::kCaution);
      line.Add(absl::StrCat("  ", Span(number.window_us()), " ", Percent(number.coverage())),
               Style::kDim);
    } else {
      line.Add(Right("-", 8), Style::kDim).Add("  " + Word(number.absent()), Style::kDim);
    }
    lines.push_back(std::move(line));
  }
}

}  // namespace

std::vector<Line> MoreLines(const View& view) {
  const v1::FrameEnvelope* frame = view.model.frame();
  if (!frame || !view.fresh) return {};
  const auto name = [&](uint32_t id) {
    return Cut(Harmless(view.model.Name(id), view.ascii()), 11, view.ascii());
  };
  std::vector<Line> lines;
  for (const v1::Presence& presence : view.model.snapshot().people()) {
    const v1::PersonFrame* found = view.model.FindPerson(presence.participant());
    // The last values of whoever is not live are no longer true.
    if (!found || ShownLink(view, presence) != v1::LINK_STATE_LIVE) continue;
    const v1::PersonFrame& person = *found;
    Add(name(person.participant()), person.more(), lines);
  }
  for (const v1::PairFrame& pair : frame->frame().pairs()) {
    const std::string a = name(pair.a()), b = name(pair.b());
    Add(a + " + " + b, pair.more(), lines);
    // A sign is easily taken for the other one.
    for (const v1::NamedNumber& named : pair.more()) {
      if (named.measure() != v1::MEASURE_LAG_SPAN_MS || !named.number().has_value()) continue;
      lines.push_back(Line().To(24).Add(LagWords(named.number(), a, b)));
    }
  }
  Add("the group", frame->frame().group().more(), lines);
  if (lines.empty()) return {};
  lines.insert(lines.begin(), Line().Add("ASKED FOR", Style::kHeading));
  return lines;
}

}  // namespace attune::edge
