// Whole commands against a small fake node on loopback.
#include <gmock/gmock.h>
#include <google/protobuf/util/json_util.h>
#include <grpcpp/security/server_credentials.h>
#include <grpcpp/server.h>
#include <grpcpp/server_builder.h>
#include <gtest/gtest.h>

#include <fstream>
#include <map>
#include <memory>
#include <set>
#include <sstream>
#include <string>
#include <vector>

#include "attune/v1/analysis.pb.h"
#include "attune/v1/node.grpc.pb.h"
#include "attune/v1/report.grpc.pb.h"
#include "attune/v1/session.grpc.pb.h"
#include "edge/ctl/command.h"
#include "edge/ctl/fixture_for_test.h"
#include "services/base/keys.h"
#include "services/base/token.h"
#include "services/synchrony/measure.h"

namespace attune::edge {
namespace {

using ::testing::ContainsRegex;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

constexpr const char* kHostile =
    "Mallory\x1b[2J\xc2\x9b"
    "5m";

std::string Bearer(const grpc::ServerContext& context) {
  const auto it = context.client_metadata().find("authorization");
  return it == context.client_metadata().end() ? ""
                                               : std::string(it->second.data(), it->second.size());
}

class FakeNode final : public v1::SessionService::Service {
 public:
  grpc::Status CreateSession(grpc::ServerContext* context, const v1::CreateSessionRequest* request,
                             v1::CreateSessionResponse* response) override {
    create = *request;
    request_ids.insert(request->request_id());
    ++calls;
    authorization = Bearer(*context);
    if (unavailable > 0) {
      --unavailable;
      return {grpc::StatusCode::UNAVAILABLE, "one moment"};
    }
    response->mutable_session()->set_session_id("session-0123456789");
    response->mutable_session()->set_kind(request->kind());
    response->mutable_session()->set_title(request->title());
    response->set_join_code("K7QF-9M2P");
    response->set_facilitator_token("the.facilitator.token");
    return grpc::Status::OK;
  }
  grpc::Status JoinSession(grpc::ServerContext*, const v1::JoinSessionRequest* request,
                           v1::JoinSessionResponse* response) override {
    join = *request;
    ++calls;
    response->mutable_session()->set_kind(v1::SESSION_KIND_COUPLES);
    response->set_participant(3);
    response->set_token("the.participant.token");
    return grpc::Status::OK;
  }
  grpc::Status SetConsent(grpc::ServerContext*, const v1::SetConsentRequest* request,
                          v1::SetConsentResponse* response) override {
    *response->mutable_consents() = request->consents();
    return grpc::Status::OK;
  }
  grpc::Status ListSessions(grpc::ServerContext*, const v1::ListSessionsRequest* request,
                            v1::ListSessionsResponse* response) override {
    v1::SessionInfo* session = response->add_sessions();
    session->set_session_id(request->page_token().empty() ? "session-a" : "session-b");
    session->set_kind(v1::SESSION_KIND_TEAM);
    session->set_state(v1::SESSION_STATE_ENDING);
    session->set_title(std::string("a \"title\", ") + kHostile);
    if (request->page_token().empty()) response->set_next_page_token("more");
    return grpc::Status::OK;
  }
  grpc::Status EndSession(grpc::ServerContext*, const v1::EndSessionRequest*,
                          v1::EndSessionResponse*) override {
    return {grpc::StatusCode::PERMISSION_DENIED, kHostile};
  }
  grpc::Status StartPractice(grpc::ServerContext*, const v1::StartPracticeRequest* request,
                             v1::StartPracticeResponse* response) override {
    practice = *request;
    response->set_practice(1);
    return grpc::Status::OK;
  }

  int unavailable = 0;
  int calls = 0;
  std::set<std::string> request_ids;
  std::string authorization;
  v1::CreateSessionRequest create;
  v1::JoinSessionRequest join;
  v1::StartPracticeRequest practice;
};

class FakeReports final : public v1::ReportService::Service {
 public:
  grpc::Status GetReport(grpc::ServerContext*, const v1::GetReportRequest*,
                         v1::GetReportResponse* response) override {
    v1::Report* report = response->mutable_report();
    report->set_revision(1);
    report->set_kind(v1::SESSION_KIND_COUPLES);
    report->set_title(kHostile);
    report->set_length_us(600'000'000);
    report->add_phases()->set_to_session_us(300'000'000);
    report->add_phases()->set_phase(1);
    report->mutable_phases(1)->set_label("baseline");
    report->mutable_phases(1)->set_from_session_us(300'000'000);
    report->mutable_phases(1)->set_to_session_us(600'000'000);
    for (const uint32_t id : {1u, 2u}) {
      v1::PersonReport* person = report->add_people();
      person->set_participant(id);
      person->set_alias(id == 1 ? "Ana" : kHostile);
      person->mutable_quality()->set_beats(700);
      person->mutable_quality()->set_artefacts(7);
      person->mutable_quality()->set_rejudged(5);
      person->mutable_quality()->set_coverage(0.97);
      *person->add_phases()->mutable_hr_bpm() = Value(64, 300'000'000, 1);
      *person->mutable_phases(0)->mutable_rmssd_ms() = Absent(v1::ABSENCE_ARTEFACTS);
    }
    v1::PairReport* pair = report->add_pairs();
    pair->set_a(1);
    pair->set_b(2);
    *pair->add_phases()->mutable_r_mean_windowed() = Value(0.31, 300'000'000, 0.9);
    pair->mutable_phases(0)->set_share_above(0.62);
    pair->mutable_phases(0)->set_ticks(120);
    pair->add_phases()->set_phase(1);
    *pair->mutable_phases(1)->mutable_r_mean_windowed() = Absent(v1::ABSENCE_NO_CONSENT);
    v1::GroupPhase* group = report->mutable_group()->add_phases();
    *group->mutable_order_parameter() = Absent(v1::ABSENCE_TOO_FEW_PEOPLE);
    *group->mutable_r_mean_pairwise() = Absent(v1::ABSENCE_TOO_FEW_PEOPLE);
    response->mutable_envelope()->set_epochs(3);
    return grpc::Status::OK;
  }

  // Two people, a page for each; one cannot be trusted with a terminal.
  grpc::Status GetExport(grpc::ServerContext*, const v1::GetExportRequest* request,
                         v1::GetExportResponse* response) override {
    ++export_pages;
    const bool second = request->page_token() == "two";
    if (!second) {
      v1::ExportHead& head = *response->mutable_head();
      head.set_kind(v1::SESSION_KIND_LAB);
      head.set_title("Monday");
      head.set_created_utc_us(1'790'000'000'000'000);
      head.set_length_us(320'000'000);
      head.set_tick_ms(1000);
      head.set_engine_version("other");
      head.set_left_out(3);
      head.add_phases()->set_to_session_us(120'000'000);
      v1::Phase& phase = *head.add_phases();
      phase.set_phase(1);
      phase.set_label("listening");
      phase.set_from_session_us(120'000'000);
      phase.set_to_session_us(320'000'000);
      for (const uint32_t id : {1u, 2u}) {
        v1::ExportPerson& person = *head.add_people();
        person.set_participant(id);
        person.set_alias(id == 1 ? "Ana" : kHostile);
        person.set_open_from_us(-1);
        person.set_beats(400);
      }
      v1::ExportPair& pair = *head.add_pairs();
      pair.set_dyad(4);
      pair.set_a(1);
      pair.set_b(2);
      response->set_next_page_token("two");
    }
    v1::ExportBeats& beats = *response->add_beats();
    beats.set_participant(second ? 2 : 1);
    beats.add_gap_before(0);
    for (int i = 1; i <= 400; ++i) {
      beats.add_time_session_us(i * int64_t{800'000});
      beats.add_rr_1024(819);
      beats.add_jitter_us(2000);
      beats.add_offset_bound_us(30'000);
    }
    return grpc::Status::OK;
  }

  int export_pages = 0;
};

class CtlTest : public ::testing::Test {
 protected:
  void SetUp() override {
    grpc::ServerBuilder builder;
    int port = 0;
    builder.AddListeningPort("127.0.0.1:0", grpc::InsecureServerCredentials(), &port);
    builder.RegisterService(&node_);
    builder.RegisterService(&reports_);
    server_ = builder.BuildAndStart();
    ASSERT_NE(server_, nullptr);
    address_ = "127.0.0.1:" + std::to_string(port);
    keys_ = ::testing::TempDir() + "/keys." + std::to_string(port);
    ASSERT_TRUE(CreateKeysFile(keys_, random_).ok());
  }

  int Run(std::vector<std::string> arguments) {
    out_.str("");
    err_.str("");
    Environment environment{
        .in = in_,
        .out = out_,
        .err = err_,
        .clock = clock_,
        .random = random_,
        .variable = [this](const std::string& name) -> std::optional<std::string> {
          const auto it = variables_.find(name);
          if (it == variables_.end()) return std::nullopt;
          return it->second;
        }};
    return RunCtl(arguments, environment);
  }
  // With the fake node's address.
  int Call(std::vector<std::string> arguments) {
    arguments.push_back("--server=" + address_);
    return Run(arguments);
  }

  std::string out() const { return out_.str(); }
  std::string err() const { return err_.str(); }

  SystemClock clock_;
  SeededRandom random_{11};
  std::istringstream in_;
  std::ostringstream out_;
  std::ostringstream err_;
  std::map<std::string, std::string> variables_;
  FakeNode node_;
  FakeReports reports_;
  std::unique_ptr<grpc::Server> server_;
  std::string address_;
  std::string keys_;
};

TEST_F(CtlTest, EveryCommandExplainsItself) {
  ASSERT_EQ(Run({"--help"}), kExitOk);
  const std::string overview = out();
  for (const char* name :
       {"create", "join", "watch", "mark", "practice", "measure", "consent", "leave", "erase",
        "end", "report", "export", "analyze", "list", "token", "node"}) {
    EXPECT_THAT(overview, HasSubstr(std::string("\n  ") + name + " "));
    ASSERT_EQ(Run({name, "--help"}), kExitOk) << name;
    EXPECT_THAT(out(), HasSubstr("Examples:\n  attunectl "));
    EXPECT_THAT(out(), HasSubstr("Exit codes: 0 done, 1 refused or failed, 2 wrong usage"));
    EXPECT_THAT(err(), testing::IsEmpty());
  }
}

TEST_F(CtlTest, CreateMakesItsOperatorTokenAndTellsWhatIsNext) {
  ASSERT_EQ(Call({"create", "--kind=team", "--title=Monday", "--minutes=1.5", "--keys=" + keys_}),
            kExitOk)
      << err();
  for (const std::string& part :
       std::vector<std::string>{"session-0123456789", "K7QF-9M2P", "the.facilitator.token",
                                "attune-agent --server=" + address_ + " --join=K7QF-9M2P",
                                "export ATTUNE_TOKEN=the.facilitator.token", "attunectl watch"}) {
    EXPECT_THAT(out(), HasSubstr(part));
  }
  EXPECT_EQ(node_.create.planned_end_session_us(), 90'000'000);
  ASSERT_THAT(node_.authorization, StartsWith("Bearer "));
  const auto claims =
      VerifyToken(node_.authorization.substr(7), *LoadKeysFile(keys_), clock_.UtcMicros());
  ASSERT_TRUE(claims.ok()) << claims.status();
  EXPECT_EQ(claims->role, kRoleOperator);
}

TEST_F(CtlTest, JsonIsTheMessageOfTheContract) {
  ASSERT_EQ(Call({"create", "--kind=lab", "--keys=" + keys_, "--format=json",
                  "--measures=susy_es,hr_bpm,sdnn_ms"}),
            kExitOk);
  ASSERT_EQ(node_.create.measures_size(), 2);  // a heart rate is in every frame
  EXPECT_EQ(node_.create.measures(0), v1::MEASURE_SDNN_MS);
  EXPECT_EQ(node_.create.measures(1), v1::MEASURE_SUSY_ES);
  EXPECT_THAT(out(), ContainsRegex("\"join_code\": \"K7QF-9M2P\""));
  EXPECT_THAT(out(), ContainsRegex("\"kind\": \"SESSION_KIND_LAB\""));
  v1::CreateSessionResponse response;
  EXPECT_TRUE(google::protobuf::util::JsonStringToMessage(out(), &response).ok());
  EXPECT_EQ(response.facilitator_token(), "the.facilitator.token");
}

TEST_F(CtlTest, RetriesWithTheSameRequestId) {
  node_.unavailable = 2;
  ASSERT_EQ(Call({"create", "--kind=team", "--keys=" + keys_}), kExitOk) << err();
  EXPECT_EQ(node_.calls, 3);
  EXPECT_EQ(node_.request_ids.size(), 1u);
  ASSERT_EQ(Call({"create", "--kind=team", "--keys=" + keys_}), kExitOk);
  EXPECT_EQ(node_.request_ids.size(), 2u);  // another invocation is another intention
}

TEST_F(CtlTest, ExitCodesTellWhatWentWrong) {
  EXPECT_EQ(Run({}), kExitUsage);
  EXPECT_EQ(Run({"crate"}), kExitUsage);
  EXPECT_THAT(err(), HasSubstr("did you mean create?"));
  EXPECT_EQ(Call({"create", "--keys=" + keys_}), kExitUsage);
  EXPECT_EQ(Call({"create", "--kind=team"}), kExitUsage);
  EXPECT_THAT(err(), HasSubstr("--keys=FILE"));
  EXPECT_EQ(Call({"create", "--kind=team", "--tick-ms=300", "--keys=" + keys_}), kExitUsage);
  EXPECT_EQ(Call({"end", "--token=x"}), kExitFailed);
  EXPECT_THAT(err(), HasSubstr("This needs the token of the facilitator"));
  EXPECT_THAT(err(), Not(HasSubstr("\x1b")));
  EXPECT_EQ(Run({"end", "--token=x", "--server=127.0.0.1:1", "--timeout-s=0.3"}), kExitUnreachable);
  EXPECT_THAT(err(), HasSubstr("Is attuned running there?"));
  EXPECT_EQ(Run({"end", "--token=x", "--server=nowhere"}), kExitUsage);
  EXPECT_EQ(Run({"end", "--token=x", "--server=example.org:7400"}), kExitUsage);  // no TLS
  EXPECT_EQ(Call({"leave", "--token=x"}), kExitFailed);  // the fake does not know it
}

TEST_F(CtlTest, TheTokenComesFromWhereItIs) {
  variables_["ATTUNE_TOKEN"] = "from.the.environment";
  ASSERT_EQ(Call({"create", "--kind=team"}), kExitOk);
  EXPECT_EQ(node_.authorization, "Bearer from.the.environment");
  const std::string file = keys_ + ".token";
  std::ofstream(file) << "from.a.file\r\n";
  ASSERT_EQ(Call({"create", "--kind=team", "--token-file=" + file}), kExitOk);
  EXPECT_EQ(node_.authorization, "Bearer from.a.file");
  ASSERT_EQ(Call({"create", "--kind=team", "--token=from.a.flag"}), kExitOk);
  EXPECT_EQ(node_.authorization, "Bearer from.a.flag");
}

TEST_F(CtlTest, NobodyConsentsUnasked) {
  const std::vector<std::string> join = {"join", "--code=K7QF", "--name=Ana", "--dyad=us",
                                         "--consent=measure,pair:facilitator"};
  EXPECT_EQ(Call(join), kExitUsage);
  EXPECT_EQ(node_.calls, 0);
  EXPECT_THAT(err(), HasSubstr("show my pair's values to the facilitator"));
  std::vector<std::string> agreed = join;
  agreed.push_back("--yes");
  ASSERT_EQ(Call(agreed), kExitOk) << err();
  ASSERT_EQ(node_.join.consents_size(), 2);
  EXPECT_EQ(node_.join.consents(0).audience(), v1::AUDIENCE_SELF);
  EXPECT_EQ(node_.join.consents(1).audience(), v1::AUDIENCE_FACILITATOR);
  EXPECT_TRUE(node_.join.consents(1).granted());
  EXPECT_FALSE(node_.join.consents(1).text_version().empty());
  EXPECT_EQ(node_.join.dyad_key(), "us");
  EXPECT_THAT(out(), HasSubstr("as participant 3"));
  EXPECT_EQ(Call({"join", "--code=K7QF", "--name=Ana", "--consent=everything", "--yes"}),
            kExitUsage);
  EXPECT_THAT(err(), HasSubstr("individual:facilitator"));
}

TEST_F(CtlTest, WithdrawingNeedsNoSecondQuestion) {
  ASSERT_EQ(Call({"consent", "--withdraw=pair", "--token=x"}), kExitOk) << err();
  EXPECT_THAT(out(), HasSubstr("no   pair:partner"));
}

TEST_F(CtlTest, PracticesHaveTheirPacer) {
  EXPECT_EQ(Call({"practice", "start", "--kind=paced-breathing", "--token=x"}), kExitUsage);
  EXPECT_EQ(Call({"practice", "start", "--kind=paced-breathing", "--pacer=4,60", "--token=x"}),
            kExitUsage);
  ASSERT_EQ(Call({"practice", "start", "--kind=paced-breathing", "--pacer=4,6.5,1", "--token=x"}),
            kExitOk)
      << err();
  EXPECT_EQ(node_.practice.pacer().inhale_ms(), 4000u);
  EXPECT_EQ(node_.practice.pacer().exhale_ms(), 6500u);
  EXPECT_EQ(node_.practice.pacer().hold_ms(), 1000u);
}

TEST_F(CtlTest, ListTakesAllPagesAndStaysHarmless) {
  ASSERT_EQ(Call({"list", "--token=x"}), kExitOk);
  EXPECT_THAT(out(), HasSubstr("session-a"));
  EXPECT_THAT(out(), HasSubstr("session-b"));
  EXPECT_THAT(out(), Not(HasSubstr("\x1b")));
  ASSERT_EQ(Call({"list", "--token=x", "--format=csv"}), kExitOk);
  EXPECT_THAT(out(), HasSubstr("\"a \"\"title\"\", Mallory"));
  ASSERT_EQ(Call({"list", "--token=x", "--format=jsonl"}), kExitOk);
  const std::string lines = out();
  EXPECT_EQ(std::count(lines.begin(), lines.end(), '\n'), 2);
}

TEST_F(CtlTest, ReportsTellDataQualityFirstAndWhyNumbersAreMissing) {
  ASSERT_EQ(Call({"report", "--token=x"}), kExitOk) << err();
  const std::string text = out();
  EXPECT_LT(text.find("DATA QUALITY"), text.find("heart rate"));
  for (const char* part : {"700 beats, 7 rejected (1.0 %), 5 judged anew", "97 % of the time clean",
                           "3 owners", "heart rate 64 bpm, RMSSD not shown: too many artefacts",
                           "+0.31, above chance in 62 % of 120 ticks", "PHASE 1: baseline",
                           "not shown: not shared", "not shown: too few people"}) {
    EXPECT_THAT(text, HasSubstr(part));
  }
  EXPECT_THAT(text, Not(HasSubstr("\x1b")));
  for (const char* word : {"score", "stress", "healthy"}) EXPECT_THAT(text, Not(HasSubstr(word)));
}

TEST_F(CtlTest, TokensAreMadeAndInspected) {
  ASSERT_EQ(Run({"token", "--keys=" + keys_, "--role=participant", "--session=session-0123456789",
                 "--participant=4", "--ttl=2h"}),
            kExitOk)
      << err();
  const std::string token = out().substr(0, out().size() - 1);
  const auto claims = VerifyToken(token, *LoadKeysFile(keys_), clock_.UtcMicros());
  ASSERT_TRUE(claims.ok()) << claims.status();
  EXPECT_EQ(claims->participant, 4u);
  ASSERT_EQ(Run({"token", "--inspect=" + token}), kExitOk);
  EXPECT_THAT(out(), HasSubstr("session-0123456789"));
  EXPECT_THAT(out(), HasSubstr("expires      in 1:59:59"));
  EXPECT_THAT(out(), HasSubstr("not checked"));
  ASSERT_EQ(Run({"token", "--inspect=" + token, "--keys=" + keys_}), kExitOk);
  EXPECT_THAT(out(), HasSubstr("valid"));
  const std::string other = keys_ + ".other";
  ASSERT_TRUE(CreateKeysFile(other, random_).ok());
  EXPECT_EQ(Run({"token", "--inspect=" + token, "--keys=" + other}), kExitFailed);
  EXPECT_EQ(Run({"token", "--inspect=nonsense"}), kExitFailed);
  EXPECT_EQ(Run({"token", "--keys=" + keys_, "--role=facilitator"}), kExitUsage);
  EXPECT_EQ(Run({"token", "--keys=" + keys_, "--ttl=soon"}), kExitUsage);
  EXPECT_EQ(Run({"token", "--create-keys=" + keys_}), kExitFailed);  // never overwrites
}

TEST_F(CtlTest, AnalyzePrintsEveryFormat) {
  const std::string folder = "tests/data/nsr2db/";
  const std::vector<std::string> analyze = {"analyze", folder + "nsr001.rr", folder + "nsr005.rr",
                                            "--seconds=240"};
  const auto with = [&](const std::string& format) {
    std::vector<std::string> arguments = analyze;
    arguments.push_back("--format=" + format);
    return arguments;
  };
  ASSERT_EQ(Run(with("text")), kExitOk) << err();
  EXPECT_THAT(out(), HasSubstr("nsr001 + nsr005"));
  EXPECT_THAT(out(), ContainsRegex("at the end: .*chance"));

  ASSERT_EQ(Run(with("json")), kExitOk);
  v1::Analysis analysis;
  ASSERT_TRUE(google::protobuf::util::JsonStringToMessage(out(), &analysis).ok());
  EXPECT_EQ(analysis.report().people_size(), 2);
  EXPECT_THAT(out(), HasSubstr("\"r_mean_windowed\""));

  ASSERT_EQ(Run(with("jsonl")), kExitOk);
  std::istringstream lines(out());
  std::string line;
  uint64_t ticks = 0;
  while (std::getline(lines, line)) {
    v1::Frame frame;
    ASSERT_TRUE(google::protobuf::util::JsonStringToMessage(line, &frame).ok());
    EXPECT_EQ(frame.tick(), ++ticks);
  }
  EXPECT_GT(ticks, 200u);

  ASSERT_EQ(Run(with("csv")), kExitOk);
  std::istringstream rows(out());
  size_t count = 0;
  while (std::getline(rows, line)) {
    EXPECT_EQ(std::count(line.begin(), line.end(), ','), 14) << line;
    ++count;
  }
  EXPECT_EQ(count, 1 + ticks * (2 * 3 + 5 + 2));
}

TEST_F(CtlTest, AnalyzeComputesTheMeasuresAskedFor) {
  const std::string folder = "tests/data/nsr2db/";
  std::vector<std::string> analyze = {
      "analyze",       folder + "nsr001.rr", folder + "nsr005.rr",
      "--seconds=200", "--format=csv",       "--measures=hr_bpm,omega"};
  ASSERT_EQ(Run(analyze), kExitOk) << err();
  std::istringstream rows(out());
  std::string line;
  std::getline(rows, line);
  size_t rates = 0;
  while (std::getline(rows, line)) rates += line.find(",hr_bpm,") != std::string::npos;
  EXPECT_GT(rates, 2 * 190u);
  EXPECT_THAT(out(), Not(HasSubstr("rmssd_ms")));

  analyze.back() = "--measures=sdn_ms";
  EXPECT_EQ(Run(analyze), kExitUsage);
  EXPECT_THAT(err(), HasSubstr("sdnn_ms"));
  EXPECT_THAT(err(), HasSubstr("--list-measures"));
  analyze.back() = "--measures=breathing";
  EXPECT_EQ(Run(analyze), kExitUsage);
  EXPECT_THAT(err(), HasSubstr("breathing_per_min, breathing_peak_share"));

  ASSERT_EQ(Run({"analyze", "--list-measures"}), kExitOk);
  for (const auto& info : synchrony::Catalogue()) {
    EXPECT_THAT(out(), HasSubstr("\n" + std::string(info.name) + " "));
    EXPECT_THAT(out(), HasSubstr(std::string(info.what)));
  }
}

TEST_F(CtlTest, ExportsAreFilesThatAnalyzeReads) {
  const std::string path = keys_ + ".session.csv";
  ASSERT_EQ(Call({"export", "--token=x", "--out=" + path}), kExitOk) << err();
  EXPECT_THAT(out(), HasSubstr("800 beats of 2 people in " + path));
  EXPECT_EQ(reports_.export_pages, 2);
  ASSERT_EQ(Call({"export", "--token=x"}), kExitOk);
  const std::string text = out();
  EXPECT_THAT(text, StartsWith("# attune-export 1\n"));
  EXPECT_THAT(text,
              HasSubstr("\nparticipant,t_session_us,rr_1024,gap_before,jitter_us,offset_bound_"
                        "us\n1,800000,819,1,2000,30000\n"));
  std::ifstream file(path);
  EXPECT_EQ(std::string(std::istreambuf_iterator<char>(file), {}), text);

  ASSERT_EQ(Run({"analyze", path}), kExitOk) << err();
  EXPECT_THAT(out(), HasSubstr("ANALYSIS  Monday, lab session, 2026-"));
  EXPECT_THAT(out(), HasSubstr("Ana   "));
  EXPECT_THAT(out(), HasSubstr("PHASE 1: listening  2:00 to 5:20"));
  EXPECT_THAT(out(), HasSubstr("heart rate 75 bpm"));
  EXPECT_THAT(err(), HasSubstr("version other"));
  EXPECT_THAT(err(), HasSubstr("3 people of the session are not in this export"));
  EXPECT_THAT(out() + err(), Not(HasSubstr("\x1b")));
  ASSERT_EQ(Run({"analyze", path, "--format=json"}), kExitOk);
  v1::Analysis analysis;
  ASSERT_TRUE(google::protobuf::util::JsonStringToMessage(out(), &analysis).ok());
  EXPECT_EQ(analysis.report().pairs(0).dyad(), 4u);
  EXPECT_EQ(analysis.report().pairs(0).alias_a(), "Ana");
  ASSERT_EQ(Run({"analyze", path, "--format=csv"}), kExitOk);
  EXPECT_THAT(out(), HasSubstr(",\"Ana\",,hr_bpm,75"));

  EXPECT_EQ(Run({"analyze", path, "--from=10"}), kExitUsage);
  EXPECT_EQ(Run({"analyze", path, "tests/data/nsr2db/nsr001.rr"}), kExitFailed);
  EXPECT_THAT(err(), HasSubstr("analyse it by itself"));
  std::ofstream(path, std::ios::app) << "9,1,2,3\n";
  EXPECT_EQ(Run({"analyze", path}), kExitFailed);
  EXPECT_THAT(err(), HasSubstr("has 4 fields, not 6"));
  // What was refused leaves no file.
  EXPECT_EQ(Run({"export", "--token=x", "--server=127.0.0.1:1", "--timeout-s=0.2",
                 "--out=" + path + ".2"}),
            kExitUnreachable);
  EXPECT_FALSE(std::ifstream(path + ".2").good());
}

TEST_F(CtlTest, AnalyzeNamesTheBadLine) {
  const std::string path = keys_ + ".rr";
  std::ofstream(path) << "800\n810\nNaN\n";
  EXPECT_EQ(Run({"analyze", path}), kExitFailed);
  EXPECT_THAT(err(), HasSubstr("line 3: 'NaN'"));
  EXPECT_EQ(Run({"analyze"}), kExitUsage);
  EXPECT_EQ(Run({"analyze", "/nowhere.rr"}), kExitFailed);
}

}  // namespace
}  // namespace attune::edge
