#include "edge/ctl/draw.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "edge/words/text.h"

namespace attune::edge {
namespace {

std::string_view Escape(Style style) {
  switch (style) {
    case Style::kDim:
      return "\x1b[90m";
    case Style::kBold:
      return "\x1b[1m";
    case Style::kHeading:
      return "\x1b[1;36m";
    case Style::kAccent:
      return "\x1b[1;38;5;75m";  // Okabe-Ito's blue, as near as 256 colours come
    case Style::kCaution:
      return "\x1b[38;5;214m";  // and its orange
    case Style::kPlain:
      break;
  }
  return "";
}

// The cell of `value`; monotone, so that what lies within the band is drawn within it.
int CellOf(double value, const Axis& axis, int cells) {
  const double place = (value - axis.low) / (axis.high - axis.low) * cells;
  return static_cast<int>(std::clamp(std::floor(place), 0.0, cells - 1.0));
}

}  // namespace

Line& Line::Add(std::string_view text, Style style) {
  if (text.empty()) return *this;
  pieces_.push_back({std::string(text), style});
  width_ += Width(text);
  return *this;
}

Line& Line::To(int column) {
  const int blanks = std::max(column - width_, width_ > 0 ? 1 : 0);
  return Add(std::string(static_cast<size_t>(blanks), ' '));
}

std::string Line::Finish(int columns, const Look& look) const {
  std::string out;
  int left = columns;
  for (const Piece& piece : pieces_) {
    if (left <= 0) break;
    const std::string text = Cut(piece.text, left, look.ascii);
    left -= Width(text);
    const std::string_view escape = look.colour ? Escape(piece.style) : "";
    out += escape;
    out += text;
    if (!escape.empty()) out += "\x1b[0m";
    if (text != piece.text) break;
  }
  const size_t end = out.find_last_not_of(' ');
  return out.substr(0, end == std::string::npos ? 0 : end + 1);
}

void AddBand(Line& line, int cells, const Axis& axis, std::optional<double> value,
             std::optional<Axis> band, bool above, const Look& look) {
  const int zero = axis.low < 0 && axis.high > 0 ? CellOf(0, axis, cells) : -1;
  const int low = band ? CellOf(band->low, axis, cells) : -1;
  const int high = band ? CellOf(band->high, axis, cells) : -2;
  const int mark = value ? CellOf(*value, axis, cells) : -1;
  for (int i = 0; i < cells; ++i) {
    if (i == mark) {
      line.Add(look.ascii ? "O" : "●", above ? Style::kAccent : Style::kBold);
    } else if (i >= low && i <= high) {
      line.Add(look.ascii ? "=" : "▒", Style::kDim);
    } else if (i == zero) {
      line.Add(look.ascii ? "|" : "┼", Style::kDim);
    } else {
      line.Add(look.ascii ? "-" : "─", Style::kDim);
    }
  }
}

std::string Sparkline(const Series& series, int64_t end_session_us, int cells, const Axis& axis,
                      const Look& look) {
  static constexpr std::array kBlocks = {"▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"};
  static constexpr std::array kAscii = {"_", ".", "-", "~", "=", "+", "*", "#"};
  const auto& levels = look.ascii ? kAscii : kBlocks;
  const int64_t cell_us = WatchModel::kHistoryUs / cells;
  // Cells begin at fixed times, so that the picture moves by whole cells only.
  end_session_us = (end_session_us + cell_us - 1) / cell_us * cell_us;
  std::string out;
  for (int i = 0; i < cells; ++i) {
    const int64_t to_us = end_session_us - cell_us * (cells - 1 - i);
    double sum = 0;
    int count = 0;
    for (const SeriesPoint& point : series) {
      if (!point.value || point.end_session_us <= to_us - cell_us || point.end_session_us > to_us) {
        continue;
      }
      sum += *point.value;
      ++count;
    }
    if (count == 0) {
      out += ' ';
    } else {
      out +=
          levels[static_cast<size_t>(CellOf(sum / count, axis, static_cast<int>(levels.size())))];
    }
  }
  return out;
}

}  // namespace attune::edge
