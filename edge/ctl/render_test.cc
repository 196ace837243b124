#include "edge/ctl/render.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "edge/ctl/fixture_for_test.h"
#include "edge/words/text.h"

namespace attune::edge {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

constexpr int64_t kSecondUs = 1'000'000;
constexpr Look kPlainLook = {.colour = false, .ascii = false};

WatchModel LiveModel(v1::WatchEvent frame = FrameEvent(750)) {
  WatchModel model;
  model.SetLink(WatchModel::Link::kLive, "", 0);
  model.Apply(SnapshotEvent(), 0);
  model.Apply(EntryEvent(1, "baseline over"), 0);
  model.Apply(frame, 0);
  return model;
}

std::string Text(const WatchModel& model, int64_t now_us = 0, int columns = 80, int rows = 24,
                 Look look = kPlainLook) {
  std::string out;
  for (const std::string& line : Render(model, now_us, {columns, rows, look})) out += line + "\n";
  return out;
}

std::string LineWith(const std::string& text, const std::string& part) {
  const size_t at = text.find(part);
  if (at == std::string::npos) return "";
  const size_t start = text.rfind('\n', at) + 1;
  return text.substr(start, text.find('\n', at) - start);
}

TEST(RenderTest, ShowsValuesWithTheirGround) {
  const std::string text = Text(LiveModel());
  EXPECT_THAT(text, HasSubstr("Workshop, first evening"));
  EXPECT_THAT(text, HasSubstr("12:34"));  // session clock
  EXPECT_THAT(text, HasSubstr("● live"));
  EXPECT_THAT(text, HasSubstr("couples, open, facilitator's view, tick 750"));
  const std::string ana = LineWith(text, "● Ana");
  for (const char* part : {"live", "0.8 s", "64 bpm", "15 s 98 %", "42 ms", "60 s 97 %", "1 %"}) {
    EXPECT_THAT(ana, HasSubstr(part));
  }
  const std::string pair = LineWith(text, "Ana + Ben");
  EXPECT_THAT(pair, HasSubstr("+0.34"));
  EXPECT_THAT(pair, HasSubstr("▲ above chance"));
  EXPECT_THAT(text, HasSubstr("Ben follows Ana by 0.5"));
  EXPECT_THAT(text, HasSubstr("-0.12..+0.18, 3 min, 92 %"));
  EXPECT_THAT(text, HasSubstr("mark: baseline over"));
}

TEST(RenderTest, AbsentValuesSayWhy) {
  const std::string text = Text(LiveModel());
  EXPECT_THAT(LineWith(text, "● Ben"), HasSubstr("- artefacts"));
  EXPECT_THAT(LineWith(text, "Chiara + 山田太郎"), HasSubstr("not shared"));
  EXPECT_THAT(text, HasSubstr("not shown: too few people (needs 5 besides the viewer)"));
}

TEST(RenderTest, AFillingWindowShowsHowFarItIs) {
  v1::WatchEvent event = FrameEvent(750);
  *event.mutable_frame()->mutable_frame()->mutable_pairs(0)->mutable_r_mean_windowed() =
      Absent(v1::ABSENCE_NOT_ENOUGH_DATA, 180'000'000, 0.41);
  const std::string text = Text(LiveModel(event));
  EXPECT_THAT(LineWith(text, "Ana + Ben"), HasSubstr("not enough data yet"));
  EXPECT_THAT(text, HasSubstr("3 min, 41 %"));
}

TEST(RenderTest, APersonWhoIsNotLiveShowsNoValue) {
  const std::string line = LineWith(Text(LiveModel()), "◐ Chiara");
  EXPECT_THAT(line, HasSubstr("stale"));
  EXPECT_THAT(line, HasSubstr("6.0 s"));
  EXPECT_THAT(line, Not(HasSubstr("58")));  // the frame has a value, but it is no longer true
}

TEST(RenderTest, AnOldBeatMakesALivePersonStale) {
  WatchModel model = LiveModel();
  // The frame is 3 s old and Ben's newest beat was 1.2 s old then.
  const std::string text = Text(model, 3 * kSecondUs);
  EXPECT_THAT(text, HasSubstr("● Ana"));
  EXPECT_THAT(LineWith(text, "Ben  "), HasSubstr("◐ Ben"));
  EXPECT_THAT(LineWith(text, "◐ Ben"), Not(HasSubstr("72")));
}

TEST(RenderTest, NothingOldIsShownAsLive) {
  WatchModel model = LiveModel();
  const std::string old = Text(model, 5 * kSecondUs);
  model.SetLink(WatchModel::Link::kReconnecting, "the server went away", 8 * kSecondUs);
  const std::string reconnecting = Text(model, 5 * kSecondUs);
  EXPECT_THAT(old, HasSubstr("no tick for 5 s"));
  EXPECT_THAT(reconnecting, HasSubstr("◌ reconnecting"));
  EXPECT_THAT(reconnecting, HasSubstr("next try in 3 s: the server went away"));
  for (const std::string& text : {old, reconnecting}) {
    for (const char* part : {"64 bpm", "+0.34", "above chance ", "▲", "-0.12", "● live"}) {
      EXPECT_THAT(text, Not(HasSubstr(part)));
    }
    EXPECT_THAT(LineWith(text, "Ana + Ben"), HasSubstr("not known now"));
  }
  // Broken just now: at once, not only when the frame is 4 s old.
  EXPECT_THAT(Text(model, 0), Not(HasSubstr("+0.34")));
}

TEST(RenderTest, WithinChanceShowsNoLagAndNoMark) {
  v1::WatchEvent event = FrameEvent(750);
  *event.mutable_frame()->mutable_frame()->mutable_pairs(0)->mutable_r_mean_windowed() =
      WithChance(0.05, -0.12, 0.18, false);
  const std::string text = Text(LiveModel(event));
  EXPECT_THAT(text, HasSubstr("within chance"));
  EXPECT_THAT(text, Not(HasSubstr("follows")));
  EXPECT_THAT(text, Not(HasSubstr("▲")));
}

TEST(RenderTest, ALagIsShownWithItsUncertainty) {
  v1::WatchEvent event = FrameEvent(750);
  v1::PairFrame* pair = event.mutable_frame()->mutable_frame()->mutable_pairs(0);
  pair->mutable_lag_ms()->set_uncertainty(200);
  EXPECT_THAT(Text(LiveModel(event), 0, 120), HasSubstr("Ben follows Ana by 0.5+-0.2 s"));
  EXPECT_THAT(Text(LiveModel(event)), HasSubstr("Ben follows Ana by 0.5 s"));  // little room
  pair->mutable_lag_ms()->set_uncertainty(300);
  EXPECT_THAT(Text(LiveModel(event)), HasSubstr("no clear lag"));
}

TEST(RenderTest, ADoubtfulValueSaysSo) {
  v1::WatchEvent event = FrameEvent(750);
  event.mutable_frame()->mutable_frame()->mutable_people(0)->mutable_hr_bpm()->set_doubtful(true);
  const std::string text = Text(LiveModel(event));
  EXPECT_THAT(text, HasSubstr("64 bpm? 15 s"));
  EXPECT_THAT(text, HasSubstr("72 bpm 15 s"));
}

TEST(RenderTest, MeasuresAskedForAreListedByName) {
  v1::WatchEvent event = FrameEvent(750);
  v1::Frame* frame = event.mutable_frame()->mutable_frame();
  EXPECT_THAT(Text(LiveModel(event)), Not(HasSubstr("ASKED FOR")));
  for (int person : {0, 2}) {  // Ana is live, Chiara stale
    v1::NamedNumber* named = frame->mutable_people(person)->add_more();
    named->set_measure(v1::MEASURE_SDNN_MS);
    *named->mutable_number() = Value(41.26, 60'000'000, 0.97);
  }
  v1::NamedNumber* named = frame->mutable_pairs(0)->add_more();
  named->set_measure(v1::MEASURE_SUSY_ES);
  *named->mutable_number() = Absent(v1::ABSENCE_NOT_ENOUGH_DATA);
  const std::string text = Text(LiveModel(event));
  EXPECT_THAT(LineWith(text, "sdnn_ms"), HasSubstr("Ana"));
  EXPECT_THAT(LineWith(text, "sdnn_ms"), HasSubstr("41.3"));
  EXPECT_EQ(text.find("sdnn_ms"), text.rfind("sdnn_ms"));
  EXPECT_THAT(LineWith(text, "susy_es"), HasSubstr("not enough data yet"));
}

TEST(RenderTest, ALagAskedForIsToldInWordsWithItsError) {
  v1::WatchEvent event = FrameEvent(750);
  v1::PairFrame* pair = event.mutable_frame()->mutable_frame()->mutable_pairs(0);
  v1::NamedNumber* named = pair->add_more();
  named->set_measure(v1::MEASURE_LAG_SPAN_MS);
  *named->mutable_number() = Value(-1480, 180'000'000, 0.97);
  named->mutable_number()->set_uncertainty(110);
  const std::string text = Text(LiveModel(event));
  EXPECT_THAT(LineWith(text, "lag_span_ms"), HasSubstr("-1480+-110  3 min 97 %"));
  EXPECT_THAT(text, HasSubstr("Ana follows Ben by 1.5+-0.1 s"));
}

TEST(RenderTest, ACommonCauseIsNamed) {
  v1::WatchEvent event = FrameEvent(750);
  v1::Number number = Value(0.6, 180'000'000, 0.9);
  number.set_chance_absent(v1::ABSENCE_COMMON_CAUSE);
  *event.mutable_frame()->mutable_frame()->mutable_pairs(0)->mutable_r_mean_windowed() = number;
  EXPECT_THAT(Text(LiveModel(event)), HasSubstr("no chance test (shared cue)"));
}

TEST(RenderTest, TheBandHoldsTheValueOnlyWhenItDoes) {
  const auto drawn = [](double value, bool above) {
    Line line;
    AddBand(line, 20, {-1, 1}, value, Axis{-0.2, 0.2}, above, kPlainLook);
    return line.Finish(20, kPlainLook);
  };
  EXPECT_EQ(drawn(0.0, false), "────────▒▒●▒▒───────");
  EXPECT_EQ(drawn(0.5, true), "────────▒▒▒▒▒──●────");
  EXPECT_EQ(drawn(-1, false), "●───────▒▒▒▒▒───────");
  EXPECT_EQ(drawn(7, false), "────────▒▒▒▒▒──────●");
  Line none;
  AddBand(none, 20, {-1, 1}, std::nullopt, std::nullopt, false, kPlainLook);
  EXPECT_EQ(none.Finish(20, kPlainLook), "──────────┼─────────");
}

TEST(RenderTest, GapsOfTheSparklineStayGaps) {
  Series series;
  for (int t = 1; t <= 120; ++t) {
    std::optional<double> value;
    if (t <= 30 || t > 60) value = t <= 30 ? -1.0 : 1.0;
    series.push_back({t * kSecondUs, value});
  }
  EXPECT_EQ(Sparkline(series, 120 * kSecondUs, 12, {-1, 1}, kPlainLook), "▁▁▁   ██████");
  EXPECT_EQ(Sparkline({}, 120 * kSecondUs, 4, {-1, 1}, kPlainLook), "    ");
}

TEST(RenderTest, NeverWiderOrTallerThanTheWindow) {
  v1::WatchEvent event = FrameEvent(750);
  for (uint32_t id = 5; id < 40; ++id) {
    AddPresence(event.mutable_frame()->mutable_people(), id,
                id % 2 ? "田中さん🙂🙂🙂🙂 with a very long name indeed" : "Zoë",
                v1::LINK_STATE_LIVE, 100'000);
    AddPerson(event.mutable_frame()->mutable_frame(), id, Value(60, 15'000'000, 1),
              Value(40, 60'000'000, 1));
    v1::PairFrame* pair = event.mutable_frame()->mutable_frame()->add_pairs();
    pair->set_a(id);
    pair->set_b(id + 1);
    *pair->mutable_r_mean_windowed() = WithChance(0.4, -0.1, 0.1, true);
    *pair->mutable_lag_ms() = Value(-1500, 60'000'000, 1);
  }
  const WatchModel model = LiveModel(event);
  for (const int columns : {40, 60, 80, 100, 120, 200}) {
    for (const int rows : {5, 12, 24, 40, 100}) {
      for (const bool ascii : {false, true}) {
        const auto lines = Render(model, 0, {columns, rows, {.colour = false, .ascii = ascii}});
        EXPECT_LE(lines.size(), static_cast<size_t>(rows));
        for (const std::string& line : lines) {
          EXPECT_LE(Width(line), columns) << line;
          if (!ascii) continue;
          for (const char c : line) EXPECT_LT(static_cast<unsigned char>(c), 0x80) << line;
        }
      }
    }
  }
  const std::string small = Text(model);
  EXPECT_THAT(small, HasSubstr("more pairs"));
  EXPECT_THAT(small, HasSubstr("GROUP"));
  EXPECT_THAT(small, HasSubstr("LOG"));
  // With room, everybody is there.
  EXPECT_THAT(Text(model, 0, 120, 0), Not(HasSubstr(" more ")));
}

TEST(RenderTest, HostileNamesCannotSteerTheTerminal) {
  v1::WatchEvent snapshot = SnapshotEvent();
  const std::string hostile =
      "\x1b[2J\x1b]0;owned\x07Mallory\xc2\x9b"
      "5m\n\u202egnorw";
  snapshot.mutable_snapshot()->mutable_people(0)->set_alias(hostile);
  snapshot.mutable_snapshot()->mutable_session()->set_title(hostile);
  v1::WatchEvent frame = FrameEvent(750);
  frame.mutable_frame()->mutable_people(0)->set_alias(hostile);
  WatchModel model;
  model.SetLink(WatchModel::Link::kLive, hostile, 0);
  model.Apply(snapshot, 0);
  model.Apply(EntryEvent(1, hostile), 0);
  model.Apply(frame, 0);
  for (const std::string& line : Render(model, 0, {80, 24, kPlainLook})) {
    EXPECT_THAT(line, Not(HasSubstr("\x1b")));
    EXPECT_THAT(line, Not(HasSubstr("\x07")));
    EXPECT_THAT(line, Not(HasSubstr("\xc2\x9b")));
    EXPECT_THAT(line, Not(HasSubstr("\n")));
    EXPECT_THAT(line, Not(HasSubstr("\u202e")));
    EXPECT_LE(Width(line), 80);
  }
  EXPECT_THAT(Text(model), HasSubstr("Mallory"));
}

TEST(RenderTest, WithdrawnPairsLeaveNoPast) {
  WatchModel model = LiveModel(FrameEvent(749));
  EXPECT_EQ(model.PairSeries(1, 2).size(), 1u);
  v1::WatchEvent event = FrameEvent(750);
  *event.mutable_frame()->mutable_frame()->mutable_pairs(0)->mutable_r_mean_windowed() =
      Absent(v1::ABSENCE_NO_CONSENT);
  model.Apply(event, 0);
  EXPECT_TRUE(model.PairSeries(1, 2).empty());
  EXPECT_THAT(Text(model), Not(HasSubstr("0.34")));
}

TEST(RenderTest, TheErasedAreForgotten) {
  WatchModel model = LiveModel();
  v1::WatchEvent erased;
  erased.mutable_entry()->set_cursor(2);
  erased.mutable_entry()->set_erased(1);
  model.Apply(erased, 0);
  const std::string text = Text(model);
  EXPECT_THAT(text, Not(HasSubstr("Ana")));
  EXPECT_THAT(text, Not(HasSubstr("0.34")));
  EXPECT_THAT(text, HasSubstr("participant 1 was erased"));
}

TEST(RenderTest, TeamsShowNobodysValues) {
  v1::WatchEvent event = FrameEvent(750);
  v1::Frame* frame = event.mutable_frame()->mutable_frame();
  frame->clear_people();
  frame->clear_pairs();
  frame->mutable_group()->set_people(7);
  *frame->mutable_group()->mutable_order_parameter() = WithChance(0.6, 0.3, 0.5, true);
  *frame->mutable_group()->mutable_r_mean_pairwise() = WithChance(0.05, -0.05, 0.05, false);
  const std::string text = Text(LiveModel(event));
  EXPECT_THAT(text, HasSubstr("● Ana"));
  EXPECT_THAT(text, Not(HasSubstr("bpm")));
  EXPECT_THAT(text, Not(HasSubstr("PAIRS")));
  EXPECT_THAT(text, HasSubstr("7 contribute"));
  EXPECT_THAT(LineWith(text, "order parameter"), HasSubstr("0.60"));
  EXPECT_THAT(LineWith(text, "mean pairwise r"), HasSubstr("within chance"));
}

TEST(RenderTest, NothingIsToldByColourAlone) {
  const WatchModel model = LiveModel();
  std::string coloured = Text(model, 0, 80, 24, {.colour = true, .ascii = false});
  EXPECT_THAT(coloured, HasSubstr("\x1b["));
  for (size_t at; (at = coloured.find('\x1b')) != std::string::npos;) {
    coloured.erase(at, coloured.find('m', at) - at + 1);
  }
  EXPECT_EQ(coloured, Text(model));
}

TEST(RenderTest, WordsStayNeutral) {
  const std::string text = Text(LiveModel(), 0, 120, 40);
  for (const char* word : {"good", "bad", "score", "stress", "healthy", "great", "poor"}) {
    EXPECT_THAT(text, Not(HasSubstr(word)));
  }
}

TEST(RenderTest, SaysWhenTheOwnerChanged) {
  WatchModel model = LiveModel();
  model.Apply(SnapshotEvent(v1::SESSION_KIND_COUPLES, 2), 0);
  model.Apply(FrameEvent(751, 2), 0);
  EXPECT_THAT(Text(model), HasSubstr("epoch 2, recovered at 12:34"));
}

}  // namespace
}  // namespace attune::edge
