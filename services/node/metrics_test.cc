#include "services/node/metrics.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <fstream>
#include <iterator>
#include <string>

#include "services/node/certificate.h"

namespace attune::node {
namespace {

TEST(Metrics, PassPromtool) {
  Metrics metrics("0.1.0", "1");
  metrics.ingest_lag.Observe(0.01);
  metrics.beats.Increment();
  metrics.SetCertificateEnd(1'800'000'000);
  const std::string path = testing::TempDir() + "/metrics.txt";
  std::ofstream(path) << metrics.Text();
  const std::string command = "/usr/bin/promtool check metrics < " + path + " 2>&1";
  FILE* pipe = popen(command.c_str(), "r");
  ASSERT_NE(pipe, nullptr);
  std::string said;
  char part[256];
  while (fgets(part, sizeof part, pipe) != nullptr) said += part;
  EXPECT_EQ(pclose(pipe), 0) << said;
  EXPECT_EQ(said, "") << "promtool has something to say";
}

TEST(Metrics, NameNobody) {
  const std::string text = Metrics("0.1.0", "1").Text();
  for (const char* label : {"session=", "participant=", "person="}) {
    EXPECT_EQ(text.find(label), std::string::npos) << label;
  }
}

v1::GroupPhase Phase(double r, uint64_t ticks) {
  v1::GroupPhase phase;
  phase.mutable_r_mean_pairwise()->set_value(r);
  phase.set_ticks(ticks);
  return phase;
}

TEST(GroupDistribution, AppearsInBatchesOnly) {
  Metrics metrics("0.1.0", "1");
  const std::string count = "attune_closed_sessions_group_synchrony_count ";
  const std::string low = "attune_closed_sessions_group_synchrony_bucket{le=\"0.075\"} ";
  const std::string before = metrics.Text();
  for (int i = 0; i < 9; ++i) metrics.AddClosedGroup(0.05);
  EXPECT_EQ(metrics.Text(), before) << "nine sessions show, in a bucket, a sum or a count";
  metrics.AddClosedGroup(0.35);
  std::string text = metrics.Text();
  EXPECT_NE(text.find(count + "10\n"), std::string::npos) << text;
  EXPECT_NE(text.find(low + "9\n"), std::string::npos) << text;
  for (int i = 0; i < 9; ++i) metrics.AddClosedGroup(0.05);
  EXPECT_EQ(metrics.Text(), text) << "the next batch begins anew";
  metrics.AddClosedGroup(0.05);
  EXPECT_NE(metrics.Text().find(count + "20\n"), std::string::npos);
}

TEST(GroupDistribution, TakesOnlyWhatWasReleased) {
  v1::Report report;
  EXPECT_FALSE(ReleasedGroupValue(report).has_value());
  v1::GroupPhase& withheld = *report.mutable_group()->add_phases();
  withheld.mutable_r_mean_pairwise()->set_absent(v1::ABSENCE_TOO_FEW_PEOPLE);
  withheld.set_ticks(500);
  EXPECT_FALSE(ReleasedGroupValue(report).has_value());
  *report.mutable_group()->add_phases() = Phase(0.5, 100);
  *report.mutable_group()->add_phases() = Phase(-0.1, 300);
  EXPECT_DOUBLE_EQ(ReleasedGroupValue(report).value(), 0.05);  // (50 - 30) / 400
}

TEST(NodeState, IsOneOfThem) {
  Metrics metrics("0.1.0", "1");
  metrics.SetState(Metrics::State::kDraining);
  const std::string text = metrics.Text();
  EXPECT_NE(text.find("attune_node_state{state=\"draining\"} 1\n"), std::string::npos);
  EXPECT_NE(text.find("attune_node_state{state=\"serving\"} 0\n"), std::string::npos);
  EXPECT_NE(text.find("attune_node_state{state=\"starting\"} 0\n"), std::string::npos);
}

TEST(Certificate, TellsItsEnd) {
  const std::string base = testing::TempDir() + "/certificate";
  const std::string make =
      "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 30 -subj /CN=x "
      "-keyout " +
      base + ".key -out " + base + ".pem 2>/dev/null";
  const int64_t from = std::time(nullptr);
  ASSERT_EQ(std::system(make.c_str()), 0);
  const int64_t to = std::time(nullptr);
  std::ifstream file(base + ".pem");
  const std::string pem{std::istreambuf_iterator<char>(file), {}};
  const auto end = CertificateEnd(pem);
  ASSERT_TRUE(end.has_value());
  EXPECT_GE(*end, from + 30 * 86400);
  EXPECT_LE(*end, to + 30 * 86400);
  EXPECT_FALSE(CertificateEnd("").has_value());
  EXPECT_FALSE(CertificateEnd(pem.substr(0, 100)).has_value());
}

}  // namespace
}  // namespace attune::node
