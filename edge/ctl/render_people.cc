// Header, people and log of the live view.
#include <algorithm>

#include "absl/strings/str_cat.h"
#include "edge/ctl/render_parts.h"
#include "edge/words/text.h"
#include "edge/words/words.h"

namespace attune::edge {
namespace {

constexpr int64_t kRecoveredNoteUs = 60'000'000;  // how long a change of owner is mentioned

const char* LinkSymbol(v1::LinkState link, bool ascii) {
  switch (link) {
    case v1::LINK_STATE_LIVE:
      return ascii ? "*" : "●";
    case v1::LINK_STATE_STALE:
      return ascii ? "~" : "◐";
    case v1::LINK_STATE_RECONNECTING:
      return ascii ? "?" : "◌";
    case v1::LINK_STATE_LOST:
      return ascii ? "o" : "○";
    case v1::LINK_STATE_PAUSED:
      return ascii ? "=" : "‖";
    case v1::LINK_STATE_DONE:
      return ascii ? "#" : "■";
    case v1::LINK_STATE_LEFT:
      return ascii ? "x" : "×";
    default:
      return ascii ? "." : "…";
  }
}

Style LinkStyle(v1::LinkState link) {
  switch (link) {
    case v1::LINK_STATE_LIVE:
      return Style::kPlain;
    case v1::LINK_STATE_STALE:
    case v1::LINK_STATE_RECONNECTING:
    case v1::LINK_STATE_LOST:
      return Style::kCaution;
    default:
      return Style::kDim;
  }
}

// Real time since the person's newest beat; -1: not told.
int64_t DataAgeUs(const View& view, const v1::Presence& presence) {
  if (presence.data_age_us() < 0 || !view.model.frame()) return -1;
  const double rate = view.model.session().clock_rate();
  return static_cast<int64_t>(static_cast<double>(presence.data_age_us()) / (rate > 0 ? rate : 1)) +
         view.model.FrameAgeUs(view.now_us);
}

}  // namespace

v1::LinkState ShownLink(const View& view, const v1::Presence& presence) {
  if (presence.link() != v1::LINK_STATE_LIVE) return presence.link();
  return DataAgeUs(view, presence) > WatchModel::kOldAfterUs ? v1::LINK_STATE_STALE
                                                             : v1::LINK_STATE_LIVE;
}

namespace {

std::string AgeText(int64_t age_us) {
  if (age_us < 0) return "-";
  if (age_us < 10'000'000) return Fixed(static_cast<double>(age_us) / 1e6, 1) + " s";
  return age_us < 100'000'000 ? absl::StrCat(age_us / 1'000'000, " s") : ClockTime(age_us);
}

// Short enough for a column of the people.
std::string ShortAbsence(const v1::Number& number) {
  switch (number.absent()) {
    case v1::ABSENCE_NOT_ENOUGH_DATA:
      return "too little yet";
    case v1::ABSENCE_ARTEFACTS:
      return "artefacts";
    case v1::ABSENCE_TIMING_TOO_UNCERTAIN:
      return "timing";
    case v1::ABSENCE_NO_CONSENT:
      return "not shared";
    default:
      return Word(number.absent());
  }
}

// "64 bpm  15 s 98 %".
void AddNumber(Line& line, const v1::Number& number, const char* unit) {
  if (!number.has_value()) {
    line.Add("- " + ShortAbsence(number), Style::kDim);
    return;
  }
  line.Add(Right(Fixed(number.value(), 0), 3) + " " + unit, Style::kBold);
  if (number.doubtful()) line.Add("?", Style::kCaution);
  line.Add(absl::StrCat(" ", Span(number.window_us()), " ", Percent(number.coverage())),
           Style::kDim);
}

struct Columns {
  int link, age, hr, rmssd, artefacts;
};

Columns PeopleColumns(const View& view) {
  const int name = view.columns() >= 100 ? 32 : 18;
  const int wide = view.columns() >= 100 ? 4 : 0;
  return {name, name + 13 + wide, name + 21 + wide, name + 40 + 2 * wide, name + 58 + 3 * wide};
}

void AddName(Line& line, const View& view, const v1::Presence& presence, int columns) {
  const v1::LinkState link = ShownLink(view, presence);
  line.Add(LinkSymbol(view.fresh ? link : v1::LINK_STATE_WAITING, view.ascii()), LinkStyle(link));
  const bool own = presence.participant() == view.model.snapshot().participant();
  std::string name = Harmless(presence.alias(), view.ascii());
  if (name.empty()) name = absl::StrCat("participant ", presence.participant());
  line.Add(" " + Cut(name, columns - (own ? 9 : 3), view.ascii()));
  if (own) line.Add(" (you)", Style::kDim);
}

std::vector<const v1::Presence*> People(const View& view) {
  std::vector<const v1::Presence*> people;
  for (const v1::Presence& presence : view.model.snapshot().people()) {
    if (!presence.viewer()) people.push_back(&presence);
  }
  return people;
}

Line PeopleHeading(const View& view, bool with_columns) {
  Line line;
  line.Add("PEOPLE", Style::kHeading);
  line.Add(absl::StrCat("  ", People(view).size()), Style::kDim);
  if (with_columns) {
    const Columns at = PeopleColumns(view);
    line.To(at.link).Add("link", Style::kDim).To(at.age).Add("   age", Style::kDim);
    line.To(at.hr).Add("heart rate", Style::kDim).To(at.rmssd).Add("RMSSD", Style::kDim);
    line.To(at.artefacts).Add(view.columns() >= 100 ? "artefacts" : "art.", Style::kDim);
  }
  return line;
}

// What stands at the right end of the first line: how live this picture is.
std::pair<std::string, Style> LiveWords(const View& view) {
  const WatchModel& model = view.model;
  const bool ascii = view.ascii();
  switch (model.link()) {
    case WatchModel::Link::kConnecting:
      return {ascii ? ". connecting" : "… connecting", Style::kCaution};
    case WatchModel::Link::kClosed:
      return {ascii ? "# closed" : "■ closed", Style::kBold};
    case WatchModel::Link::kReconnecting:
      return {ascii ? "? reconnecting" : "◌ reconnecting", Style::kCaution};
    case WatchModel::Link::kLive:
      break;
  }
  if (!model.frame()) return {ascii ? ". first tick soon" : "… first tick soon", Style::kDim};
  if (!view.fresh) {
    return {absl::StrCat(ascii ? "~" : "◐", " no tick for ",
                         model.FrameAgeUs(view.now_us) / 1'000'000, " s"),
            Style::kCaution};
  }
  return {ascii ? "* live" : "● live", Style::kAccent};
}

std::string StateWords(const View& view) {
  const WatchModel& model = view.model;
  const v1::Snapshot& snapshot = model.snapshot();
  const v1::SessionInfo& session = model.session();
  std::string words = absl::StrCat(Word(session.kind()), ", ", Word(session.state()), ", ",
                                   Word(snapshot.role()), "'s view");
  if (model.frame()) absl::StrAppend(&words, ", tick ", model.frame()->frame().tick());
  if (session.tick_ms() != 1000 && session.tick_ms() != 0) {
    absl::StrAppend(&words, " (each ", session.tick_ms(), " ms)");
  }
  if (session.clock_rate() > 0 && session.clock_rate() != 1) {
    absl::StrAppend(&words, ", ", Fixed(session.clock_rate(), 0), "x speed");
  }
  int viewers = 0;
  for (const v1::Presence& presence : snapshot.people()) viewers += presence.viewer();
  if (viewers > 0) absl::StrAppend(&words, ", ", viewers, " watching");
  if (snapshot.epoch() > 1) absl::StrAppend(&words, ", epoch ", snapshot.epoch());
  const int64_t recovered = model.recovered_session_us();
  if (recovered >= 0 && model.SessionNowUs(view.now_us) - recovered < kRecoveredNoteUs) {
    absl::StrAppend(&words, ", recovered at ", ClockTime(recovered));
  }
  return words;
}

std::string PracticeWords(const View& view) {
  const v1::Practice& practice = view.model.snapshot().practice();
  std::string words = "practice: " + Word(practice.kind());
  if (practice.has_pacer()) {
    const v1::Pacer& pacer = practice.pacer();
    absl::StrAppend(&words, ", in ", Fixed(pacer.inhale_ms() / 1000.0, 1), " s");
    if (pacer.hold_ms() > 0) {
      absl::StrAppend(&words, ", hold ", Fixed(pacer.hold_ms() / 1000.0, 1), " s");
    }
    absl::StrAppend(&words, ", out ", Fixed(pacer.exhale_ms() / 1000.0, 1), " s");
  }
  absl::StrAppend(&words, ", for ",
                  ClockTime(view.model.SessionNowUs(view.now_us) - practice.started_session_us()));
  return words;
}

}  // namespace

bool AnyPersonVisible(const View& view) {
  return view.model.frame() && view.model.frame()->frame().people_size() > 0;
}

std::vector<Line> HeaderLines(const View& view) {
  const WatchModel& model = view.model;
  const auto [live, live_style] = LiveWords(view);
  std::string right = live;
  if (model.has_session()) right = ClockTime(model.SessionNowUs(view.now_us)) + "   " + live;
  Line first;
  first.Add("ATTUNE", Style::kHeading);
  std::string title = Harmless(model.session().title(), view.ascii());
  if (title.empty() && model.has_session()) title = "session " + model.session().session_id();
  const int room = view.columns() - Width(right) - 10;
  first.Add("  " + Cut(title, std::max(0, room), view.ascii()), Style::kBold);
  first.To(view.columns() - Width(right));
  first.Add(right.substr(0, right.size() - live.size()), Style::kBold).Add(live, live_style);
  std::vector<Line> lines = {first};
  if (model.has_session()) lines.push_back(Line().Add(StateWords(view), Style::kDim));
  if (model.snapshot().has_practice()) lines.push_back(Line().Add(PracticeWords(view)));
  if (!model.link_reason().empty()) {
    std::string words;
    if (model.retry_at_us() > view.now_us) {
      words = absl::StrCat("next try in ",
                           (model.retry_at_us() - view.now_us + 999'999) / 1'000'000, " s: ");
    }
    words += Harmless(model.link_reason(), view.ascii());
    lines.push_back(Line().Add(words, Style::kCaution));
  }
  return lines;
}

std::vector<Line> PeopleLines(const View& view) {
  std::vector<Line> lines = {PeopleHeading(view, true)};
  const Columns at = PeopleColumns(view);
  for (const v1::Presence* presence : People(view)) {
    const v1::LinkState link = ShownLink(view, *presence);
    Line line;
    AddName(line, view, *presence, at.link);
    if (!view.fresh) {
      lines.push_back(line.To(at.link).Add("not known now", Style::kDim));
      continue;
    }
    line.To(at.link).Add(Word(link), LinkStyle(link));
    line.To(at.age).Add(Right(AgeText(DataAgeUs(view, *presence)), 6));
    const v1::PersonFrame* person = view.model.FindPerson(presence->participant());
    line.To(at.hr);
    if (!person) {
      line.Add("- not shared", Style::kDim);
    } else if (link != v1::LINK_STATE_LIVE) {
      line.Add("-", Style::kDim);  // the last value is no longer true; the link says why
    } else {
      AddNumber(line, person->hr_bpm(), "bpm");
      line.To(at.rmssd);
      AddNumber(line, person->rmssd_ms(), "ms");
      line.To(at.artefacts);
      const v1::Number& artefacts = person->artefact_share();
      line.Add(artefacts.has_value() ? Right(Percent(artefacts.value()), 4) : "   -", Style::kDim);
    }
    lines.push_back(line);
  }
  return lines;
}

std::vector<Line> PeopleDense(const View& view) {
  std::vector<Line> lines = {PeopleHeading(view, false)};
  constexpr int kCell = 26;
  constexpr int kDenseName = 13;
  const int per_line = std::max(1, view.columns() / kCell);
  int place = 0;
  for (const v1::Presence* presence : People(view)) {
    if (place % per_line == 0) lines.emplace_back();
    Line& line = lines.back();
    const int start = place % per_line * kCell;
    if (start > 0) line.To(start);
    const v1::LinkState link = ShownLink(view, *presence);
    AddName(line, view, *presence, kDenseName);
    line.To(start + kDenseName);
    const std::string word = view.fresh ? Word(link) : "not known";
    line.Add(Cut(word, kCell - 1 - kDenseName, view.ascii()), LinkStyle(link));
    ++place;
  }
  return lines;
}

std::vector<Line> LogLines(const View& view, int most) {
  std::vector<Line> lines;
  const auto& log = view.model.log();
  const auto name = [&](uint32_t id) { return Harmless(view.model.Name(id), view.ascii()); };
  const size_t shown = std::min(log.size(), static_cast<size_t>(std::max(0, most)));
  for (size_t i = log.size() - shown; i < log.size(); ++i) {
    const std::string words = EntryWords(log[i], name);
    Line line;
    line.Add(Right(ClockTime(log[i].at_session_us()), 7), Style::kDim);
    lines.push_back(line.Add("  " + Harmless(words, view.ascii())));
  }
  return lines;
}

}  // namespace attune::edge
