// What may leave: every kind, role and combination of consents, against the rules written down a
// second time. Each value in the unprojected messages is a marker that tells whose it is.
#include "services/session/project.h"

#include <google/protobuf/message.h>
#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <set>
#include <string>
#include <vector>

#include "services/base/random.h"
#include "services/session/consent.h"
#include "services/session/visibility.h"

namespace attune::session {
namespace {

constexpr uint32_t kPeople = 6;
constexpr uint32_t kLeft = 6;  // who left
constexpr double kPersonMark = 1000;
constexpr double kPairMark = 100'000;
constexpr double kGroupMark = 0.4321;  // not a multiple of 0.05
constexpr double kGroupRounded = 0.45;
constexpr double kMoreGroupMark = 0.1234567;
constexpr double kChangeMark = 0.7654321;

v1::Number Mark(double value) {
  v1::Number number;
  number.set_value(value);
  number.set_window_us(60'000'000);
  number.set_coverage(0.9321);
  v1::Chance& chance = *number.mutable_chance();
  chance.set_mean(0.0123);
  chance.set_low(-0.1234);
  chance.set_high(0.1234);
  chance.set_p(0.0321);
  chance.set_shifts(99);
  chance.set_z(2.345);
  number.set_doubtful(true);
  number.set_uncertainty(0.0567);
  return number;
}

v1::NamedNumber Named(v1::Measure measure, double value) {
  v1::NamedNumber named;
  named.set_measure(measure);
  *named.mutable_number() = Mark(value);
  return named;
}

double PersonMark(uint32_t person) { return kPersonMark + person; }
double PairMark(uint32_t a, uint32_t b) { return kPairMark + 10 * a + b; }
// Measures asked for beyond the core.
double MorePersonMark(uint32_t person) { return 2 * kPersonMark + person; }
double WithinMark(uint32_t person) { return 3 * kPersonMark + person; }
double MorePairMark(uint32_t a, uint32_t b) { return 2 * kPairMark + 10 * a + b; }

v1::Frame MarkedFrame() {
  v1::Frame frame;
  frame.set_tick(7);
  frame.set_end_session_us(7'000'000);
  for (uint32_t p = 1; p <= kPeople; ++p) {
    v1::PersonFrame& person = *frame.add_people();
    person.set_participant(p);
    *person.mutable_hr_bpm() = Mark(PersonMark(p));
    *person.mutable_rmssd_ms() = Mark(PersonMark(p));
    *person.mutable_artefact_share() = Mark(PersonMark(p));
    *person.add_more() = Named(v1::MEASURE_SDNN_MS, MorePersonMark(p));
    *person.add_more() = Named(v1::MEASURE_LEAVE_ONE_OUT_R, WithinMark(p));
    for (uint32_t q = p + 1; q <= kPeople; ++q) {
      v1::PairFrame& pair = *frame.add_pairs();
      pair.set_a(p);
      pair.set_b(q);
      *pair.mutable_r_mean_windowed() = Mark(PairMark(p, q));
      *pair.mutable_r_zero_lag() = Mark(PairMark(p, q));
      *pair.mutable_r_peak() = Mark(PairMark(p, q));
      *pair.mutable_lag_ms() = Mark(PairMark(p, q));
      *pair.mutable_plv_lf() = Mark(PairMark(p, q));
      *pair.add_more() = Named(v1::MEASURE_SUSY_ES, MorePairMark(p, q));
    }
  }
  frame.mutable_group()->set_people(5);
  *frame.mutable_group()->mutable_order_parameter() = Mark(kGroupMark);
  *frame.mutable_group()->mutable_r_mean_pairwise() = Mark(kGroupMark);
  *frame.mutable_group()->add_more() = Named(v1::MEASURE_S_ESTIMATOR, kMoreGroupMark);
  return frame;
}

v1::Report MarkedReport(v1::SessionKind kind) {
  v1::Report report;
  report.set_revision(1);
  report.set_kind(kind);
  report.set_title("Title");
  for (uint32_t p = 1; p <= kPeople; ++p) {
    v1::PersonReport& person = *report.add_people();
    person.set_participant(p);
    person.mutable_quality()->set_coverage(PersonMark(p));
    *person.add_phases()->mutable_hr_bpm() = Mark(PersonMark(p));
    *person.mutable_phases(0)->add_more() = Named(v1::MEASURE_SDNN_MS, MorePersonMark(p));
    *person.mutable_phases(0)->add_more() = Named(v1::MEASURE_LEAVE_ONE_OUT_R, WithinMark(p));
    person.add_measures()->set_value(PersonMark(p));
    for (uint32_t q = p + 1; q <= kPeople; ++q) {
      v1::PairReport& pair = *report.add_pairs();
      pair.set_a(p);
      pair.set_b(q);
      *pair.add_phases()->mutable_r_mean_windowed() = Mark(PairMark(p, q));
    }
  }
  v1::GroupPhase& phase = *report.mutable_group()->add_phases();
  *phase.mutable_order_parameter() = Mark(kGroupMark);
  *phase.mutable_r_mean_pairwise() = Mark(kGroupMark);
  phase.set_people(5);
  *phase.add_more() = Named(v1::MEASURE_S_ESTIMATOR, kMoreGroupMark);
  phase.add_changes()->mutable_difference()->set_value(kChangeMark);
  return report;
}

// Every double and string of a message, wherever it is.
void Walk(const google::protobuf::Message& message, std::set<double>& doubles,
          std::set<std::string>& strings) {
  const auto& reflection = *message.GetReflection();
  std::vector<const google::protobuf::FieldDescriptor*> fields;
  reflection.ListFields(message, &fields);
  for (const auto* field : fields) {
    const int count = field->is_repeated() ? reflection.FieldSize(message, field) : 1;
    for (int i = 0; i < count; ++i) {
      using google::protobuf::FieldDescriptor;
      const bool many = field->is_repeated();
      if (field->cpp_type() == FieldDescriptor::CPPTYPE_DOUBLE) {
        doubles.insert(many ? reflection.GetRepeatedDouble(message, field, i)
                            : reflection.GetDouble(message, field));
      } else if (field->cpp_type() == FieldDescriptor::CPPTYPE_STRING) {
        strings.insert(many ? reflection.GetRepeatedString(message, field, i)
                            : reflection.GetString(message, field));
      } else if (field->cpp_type() == FieldDescriptor::CPPTYPE_MESSAGE) {
        Walk(many ? reflection.GetRepeatedMessage(message, field, i)
                  : reflection.GetMessage(message, field),
             doubles, strings);
      }
    }
  }
}

std::set<double> Doubles(const google::protobuf::Message& message) {
  std::set<double> doubles;
  std::set<std::string> strings;
  Walk(message, doubles, strings);
  return doubles;
}

std::set<std::string> Strings(const google::protobuf::Message& message) {
  std::set<double> doubles;
  std::set<std::string> strings;
  Walk(message, doubles, strings);
  return strings;
}

// The six decisions of one person as a number 0..63, in the order of this list.
const std::vector<std::pair<v1::Purpose, v1::Audience>> kDecisions = {
    {v1::PURPOSE_MEASURE, v1::AUDIENCE_SELF},
    {v1::PURPOSE_GROUP, v1::AUDIENCE_SESSION},
    {v1::PURPOSE_PAIR, v1::AUDIENCE_PARTNER},
    {v1::PURPOSE_PAIR, v1::AUDIENCE_FACILITATOR},
    {v1::PURPOSE_INDIVIDUAL, v1::AUDIENCE_FACILITATOR},
    {v1::PURPOSE_REPORT, v1::AUDIENCE_SELF}};
constexpr unsigned kMayMeasure = 1, kMayGroup = 2, kMayPartner = 4, kMayPairLead = 8, kMayLead = 16,
                   kMayReport = 32, kMayAll = 63;

// A person who decided each of them, yes or no.
void Decide(unsigned decisions, Person& person) {
  person.grants.clear();
  for (size_t i = 0; i < kDecisions.size(); ++i) {
    GrantState grant;
    grant.consent.set_purpose(kDecisions[i].first);
    grant.consent.set_audience(kDecisions[i].second);
    grant.consent.set_granted((decisions >> i & 1) != 0);
    grant.consent.set_text_version("words-" + std::to_string(person.number));
    person.grants.push_back(grant);
  }
}

struct Case {
  v1::SessionKind kind = v1::SESSION_KIND_UNSPECIFIED;
  unsigned now[kPeople + 1] = {};
  unsigned then[kPeople + 1] = {};
  bool settled = true;
  std::vector<uint32_t> contributors = {1, 2, 3, 4, 5};
  uint32_t k_min = 4;
};

// Pairs 1-2 and 3-4; 5 alone; 6 left.
Book MakeBook(const Case& c, const unsigned (&decisions)[kPeople + 1]) {
  Book book;
  book.created.set_kind(c.kind);
  book.created.set_k_min(c.k_min);
  book.created.set_tick_ms(1000);
  book.created.set_clock_rate(1);
  for (uint32_t p = 1; p <= kPeople; ++p) {
    Person& person = book.people[p];
    person.number = p;
    person.alias = "alias-" + std::to_string(p);
    person.left = p == kLeft;
    Decide(decisions[p], person);
    StoredBeat beat;
    beat.time_us = 1'000'000 + p;
    person.beats.push_back(beat);
    person.beats_at_us = 1'000'000;
  }
  if (c.kind != v1::SESSION_KIND_TEAM) book.dyads = {{1, 1, 2, false}, {2, 3, 4, false}};
  return book;
}

const std::vector<Viewer>& Viewers() {
  static const std::vector<Viewer> viewers = {
      {v1::ROLE_PARTICIPANT, 1}, {v1::ROLE_PARTICIPANT, 2},     {v1::ROLE_PARTICIPANT, 3},
      {v1::ROLE_PARTICIPANT, 5}, {v1::ROLE_PARTICIPANT, kLeft}, {v1::ROLE_PARTICIPANT, 99},
      {v1::ROLE_PARTICIPANT, 0}, {v1::ROLE_FACILITATOR, 0},     {v1::ROLE_FACILITATOR, 1},
      {v1::ROLE_OBSERVER, 0},    {v1::ROLE_OPERATOR, 0},        {v1::ROLE_OPERATOR, 1},
      {v1::ROLE_OBSERVER, 1},    {v1::ROLE_UNSPECIFIED, 0}};
  return viewers;
}

// ---- The rules again, from the design.

bool TakesPart(const Viewer& viewer) {
  return viewer.role == v1::ROLE_FACILITATOR ||
         (viewer.role == v1::ROLE_PARTICIPANT && viewer.participant >= 1 &&
          viewer.participant <= 5);
}

bool MayPerson(const Case& c, uint32_t p, const Viewer& viewer) {
  const unsigned both = c.now[p] & c.then[p];
  if (!TakesPart(viewer) || (both & kMayMeasure) == 0) return false;
  if (viewer.participant == p) return true;
  return c.kind == v1::SESSION_KIND_LAB && viewer.role == v1::ROLE_FACILITATOR &&
         (both & kMayLead) != 0;
}

bool MayPair(const Case& c, uint32_t a, uint32_t b, const Viewer& viewer) {
  if (!TakesPart(viewer) || c.kind == v1::SESSION_KIND_TEAM) return false;
  const unsigned all = c.now[a] & c.then[a] & c.now[b] & c.then[b];
  if ((all & kMayMeasure) == 0) return false;
  const bool couple = (a == 1 && b == 2) || (a == 3 && b == 4);
  const bool partner = viewer.participant == a || viewer.participant == b;
  if (couple && partner && (all & kMayPartner) != 0) return true;
  if (viewer.role != v1::ROLE_FACILITATOR) return false;
  if (couple && (all & kMayPairLead) != 0) return true;
  // Everybody decided about PAIR to FACILITATOR here, so a no is a refusal.
  return c.kind == v1::SESSION_KIND_LAB && (all & kMayLead) != 0 && (all & kMayPairLead) != 0;
}

// 0: withheld, 1: rounded, 2: as computed.
int MayGroup(const Case& c, const Viewer& viewer) {
  if (!TakesPart(viewer) && viewer.role != v1::ROLE_OBSERVER) return 0;
  for (const uint32_t p : c.contributors) {
    if ((c.now[p] & kMayMeasure) == 0 || (c.now[p] & kMayGroup) == 0) return 0;
  }
  if (c.kind == v1::SESSION_KIND_LAB && viewer.role == v1::ROLE_FACILITATOR) return 2;
  size_t others = 0;
  for (const uint32_t p : c.contributors) others += p != viewer.participant;
  return c.settled && others >= c.k_min ? 1 : 0;
}

// ---- The checks.

void CheckFrame(const Case& c, const v1::Frame& frame, const Viewer& viewer) {
  const Book book = MakeBook(c, c.now);
  FrameGround ground;
  ground.contributors = c.contributors;
  ground.settled = c.settled;
  ground.then = std::make_shared<const Grants>(GrantsOf(MakeBook(c, c.then)));
  const v1::Frame shown = Project(book, GrantsOf(book), &ground, frame, viewer);
  const std::set<double> seen = Doubles(shown);
  const int group = MayGroup(c, viewer);
  for (uint32_t p = 1; p <= kPeople; ++p) {
    ASSERT_EQ(seen.contains(PersonMark(p)), MayPerson(c, p, viewer)) << "person " << p;
    ASSERT_EQ(seen.contains(MorePersonMark(p)), MayPerson(c, p, viewer)) << "person " << p;
    // Stands on the others too: only where the group is seen as computed.
    ASSERT_EQ(seen.contains(WithinMark(p)), MayPerson(c, p, viewer) && group == 2)
        << "person " << p;
    for (uint32_t q = p + 1; q <= kPeople; ++q) {
      ASSERT_EQ(seen.contains(PairMark(p, q)), MayPair(c, p, q, viewer)) << p << "-" << q;
      ASSERT_EQ(seen.contains(MorePairMark(p, q)), MayPair(c, p, q, viewer)) << p << "-" << q;
    }
  }
  ASSERT_EQ(seen.contains(kGroupMark), group == 2);
  ASSERT_EQ(seen.contains(kMoreGroupMark), group == 2);
  ASSERT_EQ(seen.contains(kGroupRounded), group == 1);
  ASSERT_EQ(shown.group().people(), group == 0 ? 0u : 5u);
  if (group == 1) {
    const v1::Number& number = shown.group().r_mean_pairwise();
    ASSERT_EQ(number.chance().p(), 0);
    ASSERT_EQ(number.chance().shifts(), 0u);
    ASSERT_EQ(number.chance().z(), 0);
    ASSERT_FALSE(number.doubtful());
    ASSERT_EQ(number.uncertainty(), 0);
    ASSERT_EQ(number.chance().low(), -0.1);
    ASSERT_EQ(number.chance().high(), 0.1);
    ASSERT_EQ(number.coverage(), 0.95);
  }
  // An own pair is never just missing, and says no more than "not shared".
  if (c.kind != v1::SESSION_KIND_TEAM && TakesPart(viewer) && viewer.participant >= 1 &&
      viewer.participant <= 4) {
    const uint32_t a = viewer.participant <= 2 ? 1 : 3;
    int listed = 0;
    for (const v1::PairFrame& pair : shown.pairs()) {
      if (pair.a() != a || pair.b() != a + 1) continue;
      ++listed;
      if (!MayPair(c, a, a + 1, viewer)) {
        ASSERT_EQ(pair.r_peak().absent(), v1::ABSENCE_NO_CONSENT);
        ASSERT_EQ(pair.plv_lf().absent(), v1::ABSENCE_NO_CONSENT);
        ASSERT_EQ(pair.r_mean_windowed().absent(), v1::ABSENCE_NO_CONSENT);
      }
    }
    ASSERT_EQ(listed, 1);
  }
}

void CheckReport(const Case& c, const v1::Report& report, const Viewer& viewer) {
  const Book book = MakeBook(c, c.now);
  const std::set<double> seen = Doubles(Project(book, GrantsOf(book), report, viewer));
  Case always = c;  // a report knows only the consent of now; the builder saw to then
  for (uint32_t p = 1; p <= kPeople; ++p) always.then[p] = kMayAll;
  const bool left = viewer.role == v1::ROLE_PARTICIPANT && viewer.participant == kLeft;
  for (uint32_t p = 1; p <= kPeople; ++p) {
    const bool own = viewer.participant == p;
    const bool may = left ? own && (c.now[p] & kMayMeasure) != 0
                          : MayPerson(always, p, viewer) && (own || (c.now[p] & kMayReport) != 0);
    ASSERT_EQ(seen.contains(PersonMark(p)), may) << "person " << p;
    ASSERT_EQ(seen.contains(MorePersonMark(p)), may) << "person " << p;
    // Stands on the others too: only where the group is seen as computed.
    const bool sees_group = c.kind == v1::SESSION_KIND_LAB && viewer.role == v1::ROLE_FACILITATOR;
    ASSERT_EQ(seen.contains(WithinMark(p)), may && sees_group) << "person " << p;
    for (uint32_t q = p + 1; q <= kPeople; ++q) {
      const bool pair = MayPair(always, p, q, viewer) && (c.now[p] & kMayReport) != 0 &&
                        (c.now[q] & kMayReport) != 0;
      ASSERT_EQ(seen.contains(PairMark(p, q)), pair) << p << "-" << q;
    }
  }
  const bool takes_part = TakesPart(viewer) || viewer.role == v1::ROLE_OBSERVER || left;
  const bool lab = c.kind == v1::SESSION_KIND_LAB;
  ASSERT_EQ(seen.contains(kGroupMark), lab && viewer.role == v1::ROLE_FACILITATOR);
  ASSERT_EQ(seen.contains(kMoreGroupMark), lab && viewer.role == v1::ROLE_FACILITATOR);
  ASSERT_EQ(seen.contains(kChangeMark), lab && viewer.role == v1::ROLE_FACILITATOR);
  const bool enough = 5 >= c.k_min + (viewer.participant != 0 ? 1 : 0);
  ASSERT_EQ(seen.contains(kGroupRounded), !lab && takes_part && enough);
}

void CheckBesides(const Case& c, const Viewer& viewer) {
  State state{Limits{}};
  state.book = MakeBook(c, c.now);
  v1::Annotation note;
  note.set_annotation(1);
  note.set_label("note-about-3");
  note.set_participant(3);
  state.book.annotations[1] = {note, false};
  state.grants = std::make_shared<const Grants>(GrantsOf(state.book));
  const int64_t now_us = 2'000'000;
  const bool roster = TakesPart(viewer);
  const bool lead = viewer.role == v1::ROLE_FACILITATOR;

  const std::vector<v1::Presence> people = ProjectPresence(state, viewer, now_us);
  ASSERT_EQ(people.size(), roster ? kPeople : 0u);
  for (const v1::Presence& presence : people) {
    const uint32_t p = presence.participant();
    bool may_age = viewer.participant == p;
    if (c.kind != v1::SESSION_KIND_TEAM) {
      may_age |= lead;
      const uint32_t partner = p <= 4 ? ((p - 1) ^ 1) + 1 : 0;
      may_age |= partner != 0 && viewer.participant == partner &&
                 (c.now[p] & c.now[partner] & kMayPartner) != 0 &&
                 (c.now[p] & c.now[partner] & kMayMeasure) != 0;
    }
    ASSERT_EQ(presence.data_age_us() >= 0, may_age) << "age of " << p;
    if (viewer.participant != p) {
      ASSERT_NE(presence.link(), v1::LINK_STATE_PAUSED) << "why " << p << " is silent";
    }
  }

  const std::set<std::string> words = Strings(ProjectSnapshot(state, viewer, now_us));
  for (uint32_t p = 1; p <= kPeople; ++p) {
    ASSERT_EQ(words.contains("alias-" + std::to_string(p)), roster);
    const bool own = roster && viewer.participant == p;
    ASSERT_EQ(words.contains("words-" + std::to_string(p)), own) << "consents of " << p;
  }
  const bool note_seen = lead || (roster && viewer.participant == 3);
  ASSERT_EQ(words.contains("note-about-3"), note_seen);

  v1::LogEntry entry;
  *entry.mutable_annotation() = note;
  ASSERT_EQ(Project(state.book, entry, viewer).has_value(), note_seen);
  entry.mutable_prompt()->set_participant(3);
  const bool addressee = roster && viewer.participant == 3;
  ASSERT_EQ(Project(state.book, entry, viewer).has_value(), addressee);
  entry.mutable_joined()->set_participant(2);
  ASSERT_EQ(Project(state.book, entry, viewer).has_value(), roster);
  entry.set_left(2);
  ASSERT_EQ(Project(state.book, entry, viewer).has_value(), roster);
  entry.mutable_dyad()->set_a(1);
  ASSERT_EQ(Project(state.book, entry, viewer).has_value(), roster);
  entry.mutable_practice()->set_practice(1);
  ASSERT_EQ(Project(state.book, entry, viewer).has_value(),
            roster || viewer.role == v1::ROLE_OBSERVER);
}

std::string Describe(const Case& c, const Viewer& viewer) {
  std::string text = v1::SessionKind_Name(c.kind) + " " + v1::Role_Name(viewer.role) + " " +
                     std::to_string(viewer.participant) + " now";
  for (uint32_t p = 1; p <= kPeople; ++p) text += " " + std::to_string(c.now[p]);
  text += " then";
  for (uint32_t p = 1; p <= kPeople; ++p) text += " " + std::to_string(c.then[p]);
  return text;
}

class ProjectTest : public ::testing::TestWithParam<v1::SessionKind> {};

// All decisions of two partners against each other; the others' and the past are drawn.
TEST_P(ProjectTest, NothingForbiddenLeavesAndNothingAllowedIsHeldBack) {
  const v1::Frame frame = MarkedFrame();
  const v1::Report report = MarkedReport(GetParam());
  SeededRandom random(2026);
  const auto draw = [&] {
    // Half of the time everything, so that allowed things happen often.
    return random.Below(2) == 0 ? kMayAll : static_cast<unsigned>(random.Below(64));
  };
  for (unsigned first = 0; first <= kMayAll; ++first) {
    for (unsigned second = 0; second <= kMayAll; ++second) {
      Case c;
      c.kind = GetParam();
      for (uint32_t p = 1; p <= kPeople; ++p) {
        c.now[p] = p == 1 ? first : p == 2 ? second : draw();
        c.then[p] = draw();
      }
      c.settled = random.Below(4) != 0;
      c.k_min = 3 + static_cast<uint32_t>(random.Below(3));
      for (const Viewer& viewer : Viewers()) {
        SCOPED_TRACE(Describe(c, viewer));
        CheckFrame(c, frame, viewer);
        CheckReport(c, report, viewer);
        if (second % 8 == first % 8) CheckBesides(c, viewer);
        if (HasFatalFailure()) return;
      }
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Kinds, ProjectTest,
                         ::testing::Values(v1::SESSION_KIND_TEAM, v1::SESSION_KIND_COUPLES,
                                           v1::SESSION_KIND_LAB),
                         [](const auto& info) {
                           return v1::SessionKind_Name(info.param).substr(13);
                         });

TEST(RoundingTest, StepsOfFiveHundredths) {
  EXPECT_EQ(Rounded(0.4321), 0.45);
  EXPECT_EQ(Rounded(-0.07), -0.05);
  EXPECT_EQ(Rounded(1), 1);
  EXPECT_FALSE(std::signbit(Rounded(-0.01)));
}

TEST(GroundTest, AFrameWhoseGroundIsForgottenShowsNoValue) {
  Case c;
  c.kind = v1::SESSION_KIND_LAB;
  for (unsigned& now : c.now) now = kMayAll;
  const Book book = MakeBook(c, c.now);
  const v1::Frame shown =
      Project(book, GrantsOf(book), nullptr, MarkedFrame(), {v1::ROLE_FACILITATOR, 0});
  EXPECT_EQ(shown.tick(), 7u);
  EXPECT_TRUE(Doubles(shown).empty());
}

}  // namespace
}  // namespace attune::session
