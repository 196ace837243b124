#include "edge/ctl/render.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "edge/ctl/render_parts.h"

namespace attune::edge {
namespace {

constexpr size_t kLogLeast = 2;
constexpr size_t kLogMost = 8;
constexpr size_t kUnlimited = 1'000'000;

// How the sections are told when there is less room: each step gives up a little more.
struct Plan {
  int pair_lines = 2;
  int group_lines = 2;
  bool people_dense = false;
};
constexpr Plan kPlans[] = {{2, 2, false}, {2, 1, false}, {1, 1, false}, {1, 1, true}};

// Leaves `most` lines and says how many things were left out.
void Shorten(std::vector<Line>& lines, size_t most, const std::string& things) {
  if (lines.size() <= most || most == 0) return;
  const size_t left_out = lines.size() - most + 1;
  lines.resize(most - 1);
  lines.push_back(Line().Add(
      absl::StrCat("  and ", left_out, " more ", things, " (a taller window shows them)"),
      Style::kDim));
}

}  // namespace

std::vector<std::string> Render(const WatchModel& model, int64_t now_us, const Screen& screen) {
  View view{model, now_us, screen, model.Fresh(now_us)};
  view.screen.columns = std::max(screen.columns, 1);
  const size_t rows = screen.rows > 0 ? static_cast<size_t>(screen.rows) : kUnlimited;

  const std::vector<Line> header = HeaderLines(view);
  std::vector<Line> people, pairs, group;
  const size_t log_least = model.log().empty() ? 0 : std::min(model.log().size(), kLogLeast) + 1;
  const size_t fixed = header.size() + log_least + 1;  // with the legend
  for (const Plan& plan : kPlans) {
    const bool dense = plan.people_dense || (!AnyPersonVisible(view) && model.frame());
    people = dense ? PeopleDense(view) : PeopleLines(view);
    pairs = PairLines(view, plan.pair_lines);
    group = GroupLines(view, plan.group_lines);
    if (fixed + people.size() + pairs.size() + group.size() <= rows) break;
  }
  // Still too much: the group stays whole, pairs and people share what is left.
  const size_t room = rows > fixed + group.size() ? rows - fixed - group.size() : 0;
  if (people.size() + pairs.size() > room) {
    const size_t pairs_wanted =
        std::min(pairs.size(), std::max(room / 2, room - std::min(room, people.size())));
    Shorten(people, room - pairs_wanted, "lines of people");
    Shorten(pairs, room - std::min(room, people.size()), "pairs");
  }
  size_t used = fixed - log_least + people.size() + pairs.size() + group.size();
  std::vector<Line> more = MoreLines(view);
  const size_t more_room = rows > used + log_least ? rows - used - log_least : 0;
  if (more_room < 2) more.clear();
  Shorten(more, more_room, "values");
  used += more.size();
  const size_t log_room = rows > used + 1 ? std::min(rows - used - 1, kLogMost) : 0;
  std::vector<Line> log = LogLines(view, static_cast<int>(log_room));
  if (!log.empty()) log.insert(log.begin(), Line().Add("LOG", Style::kHeading));

  // What is left over sets the sections apart, from the top.
  size_t blanks = rows - std::min(rows, used + log.size());
  std::vector<std::string> out;
  const auto add = [&](const std::vector<Line>& lines) {
    if (blanks > 0 && !out.empty() && !lines.empty()) {
      out.emplace_back();
      --blanks;
    }
    for (const Line& line : lines) out.push_back(line.Finish(view.columns(), screen.look));
  };
  add(header);
  if (model.has_session()) {
    for (const auto* section : {&people, &pairs, &group, &more, &log}) add(*section);
    // The legend stands at the foot of the window.
    if (rows != kUnlimited) out.resize(std::max(out.size(), std::min(rows, kUnlimited) - 1));
    out.push_back(LegendLine(view).Finish(view.columns(), screen.look));
  }
  if (out.size() > rows) out.resize(rows);
  return out;
}

}  // namespace attune::edge
