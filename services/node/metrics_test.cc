#include "services/node/metrics.h"

#include <gtest/gtest.h>

#include <cstdio>
#include <fstream>
#include <string>

namespace attune::node {
namespace {

TEST(Metrics, PassPromtool) {
  Metrics metrics("0.1.0", "1");
  metrics.ingest_lag.Observe(0.01);
  metrics.beats.Increment();
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

}  // namespace
}  // namespace attune::node
