// Pairs and group of the live view.
#include <algorithm>
#include <functional>

#include "absl/strings/str_cat.h"
#include "edge/ctl/render_parts.h"
#include "edge/words/text.h"
#include "edge/words/words.h"

namespace attune::edge {
namespace {

constexpr Axis kCorrelation = {-1, 1};
constexpr Axis kShare = {0, 1};
// A mean windowed r moves far less than it could: its sparkline shows the middle of the scale.
constexpr Axis kCorrelationSpark = {-0.4, 0.8};
constexpr int kValueColumns = 6;

// One measure with its ground, as its two lines show it.
struct Row {
  std::string name;
  std::string below;  // under the name
  const v1::Number* number = nullptr;
  const Series* series = nullptr;
  Axis axis = kCorrelation;
  Axis spark = kCorrelationSpark;
  bool is_signed = true;
  std::string absence;  // in words, when there is no value
};

// In `columns`: "-0.12..+0.18, 3 min, 92 %".
std::string Ground(const v1::Number& number, bool is_signed, int columns) {
  std::string words;
  if (number.has_chance()) {
    const auto text = [&](double v) { return is_signed ? Signed(v) : Fixed(v, 2); };
    absl::StrAppend(&words, text(number.chance().low()), "..", text(number.chance().high()), ", ");
  }
  absl::StrAppend(&words, Span(number.window_us()), ", ", Percent(number.coverage()));
  if (number.doubtful()) return words + ", doubtful";
  return Width(words) + 6 <= columns ? words + " clean" : words;
}

std::vector<Line> RowLines(const View& view, const Row& row, int lines_each) {
  const v1::Number& number = *row.number;
  const int name_columns = view.name_columns();
  const int cells = view.axis_cells();
  const bool shown = view.fresh && number.has_value();
  std::optional<double> value;
  std::optional<Axis> band;
  if (shown) value = number.value();
  if (shown && number.has_chance()) band = Axis{number.chance().low(), number.chance().high()};
  const bool above = shown && number.has_chance() && number.chance().above();

  Line first;
  first.Add(Cut(row.name, name_columns - 1, view.ascii())).To(name_columns);
  const std::string text = !shown ? "-" : row.is_signed ? Signed(*value) : Fixed(*value, 2);
  first.Add(Right(text, kValueColumns - 1), shown ? Style::kBold : Style::kDim).Add(" ");
  AddBand(first, cells, row.axis, value, band, above, view.screen.look);
  first.Add("  ");
  if (shown) {
    const std::string mark = !above ? "" : view.ascii() ? "^ " : "▲ ";
    first.Add(mark + ChanceWords(number), above ? Style::kAccent : Style::kPlain);
  } else {
    first.Add(view.fresh ? row.absence : "not known now", Style::kDim);
  }
  const bool filling = view.fresh && number.absent() == v1::ABSENCE_NOT_ENOUGH_DATA;
  if (lines_each < 2 || (!shown && !filling && row.series->empty())) return {first};

  Line second;
  if (shown) second.Add("  " + Cut(row.below, name_columns - 3, view.ascii()));
  second.To(name_columns + kValueColumns);
  const int64_t end_us = view.model.frame()
                             ? view.model.frame()->frame().end_session_us() +
                                   (view.fresh ? 0 : view.model.FrameAgeUs(view.now_us))
                             : 0;
  second.Add(Sparkline(*row.series, end_us, cells, row.spark, view.screen.look),
             above ? Style::kAccent : Style::kPlain);
  second.Add("  ");
  if (shown || filling) {
    second.Add(Ground(number, row.is_signed, view.columns() - second.width()), Style::kDim);
  }
  return {first, second};
}

// Names of a scale's ends over the axis.
void AddScale(Line& line, const View& view, const Axis& axis) {
  const int start = view.name_columns() + kValueColumns;
  const int cells = view.axis_cells();
  line.To(start).Add(Fixed(axis.low, 0), Style::kDim);
  if (axis.low < 0) line.To(start + cells / 2).Add("0", Style::kDim);
  line.To(start + cells - 1).Add(Fixed(axis.high, 0), Style::kDim);
}

}  // namespace

int View::axis_cells() const {
  return std::clamp(screen.columns - name_columns() - kValueColumns - 29, 10, 48);
}

std::vector<Line> PairLines(const View& view, int lines_each) {
  const v1::FrameEnvelope* frame = view.model.frame();
  if (!frame || frame->frame().pairs().empty()) return {};
  Line heading;
  heading.Add("PAIRS", Style::kHeading).Add("  mean r", Style::kDim);
  AddScale(heading, view, kCorrelation);
  std::vector<Line> lines = {heading};
  for (const v1::PairFrame& pair : frame->frame().pairs()) {
    const std::string a = Harmless(view.model.Name(pair.a()), view.ascii());
    const std::string b = Harmless(view.model.Name(pair.b()), view.ascii());
    Row row;
    const int half = (view.name_columns() - 4) / 2;
    row.name = Width(a) + Width(b) + 3 < view.name_columns()
                   ? a + " + " + b
                   : Cut(a, half, view.ascii()) + " + " + Cut(b, half, view.ascii());
    row.number = &pair.r_mean_windowed();
    row.series = &view.model.PairSeries(pair.a(), pair.b());
    row.absence = Word(pair.r_mean_windowed().absent());
    // The lag of a peak that chance explains would mean nothing.
    if (pair.lag_ms().has_value() && pair.r_mean_windowed().has_chance() &&
        pair.r_mean_windowed().chance().above()) {
      const int room = (view.name_columns() - 20) / 2 + 2;
      row.below = LagWords(pair.lag_ms(), a, b);
      const auto fits = [&] { return Width(row.below) <= view.name_columns() - 3; };
      if (!fits()) row.below = LagWords(pair.lag_ms(), a, b, false);
      if (!fits()) {
        row.below =
            LagWords(pair.lag_ms(), Cut(a, room, view.ascii()), Cut(b, room, view.ascii()), false);
      }
    }
    for (Line& line : RowLines(view, row, lines_each)) lines.push_back(std::move(line));
  }
  return lines;
}

std::vector<Line> GroupLines(const View& view, int lines_each) {
  const v1::FrameEnvelope* frame = view.model.frame();
  if (!frame || !frame->frame().has_group()) return {};
  const v1::GroupFrame& group = frame->frame().group();
  Line heading;
  heading.Add("GROUP", Style::kHeading);
  if (view.fresh && group.people() > 0) {
    heading.Add(absl::StrCat("  ", group.people(), " contribute"), Style::kDim);
  }
  const uint32_t k_min = view.model.session().k_min();
  const bool gated = view.model.session().kind() != v1::SESSION_KIND_LAB;
  Row order;
  order.name = "order parameter";
  order.number = &group.order_parameter();
  order.series = &view.model.order_series();
  order.axis = kShare;
  order.spark = kShare;
  order.is_signed = false;
  order.below = "0 apart, 1 in step";
  order.absence = Word(group.order_parameter().absent(), gated ? k_min : 0);
  Row pairwise;
  pairwise.name = "mean pairwise r";
  pairwise.number = &group.r_mean_pairwise();
  pairwise.series = &view.model.pairwise_series();
  pairwise.absence = Word(group.r_mean_pairwise().absent(), gated ? k_min : 0);
  std::vector<Line> lines = {heading};
  // One reason is said once.
  const bool both_absent =
      !group.order_parameter().has_value() && !group.r_mean_pairwise().has_value();
  if (both_absent && order.absence == pairwise.absence) {
    lines.push_back(
        Line().Add(view.fresh ? "  not shown: " + order.absence : "  not known now", Style::kDim));
    return lines;
  }
  for (const Row* row : {&pairwise, &order}) {
    for (Line& line : RowLines(view, *row, lines_each)) lines.push_back(std::move(line));
  }
  return lines;
}

Line LegendLine(const View& view) {
  const bool ascii = view.ascii();
  Line line;
  line.Add(ascii ? "O value  = chance (95 % of shifted copies)  below: last 2 min"
                 : "● value  ▒ chance (95 % of shifted copies)  below: last 2 min",
           Style::kDim);
  if (view.screen.rows > 0) line.Add("  q quits", Style::kDim);
  return line;
}

}  // namespace attune::edge
