// What every Directory must do, whatever it stands on. A test program instantiates the suite:
//
//   INSTANTIATE_TEST_SUITE_P(Local, DirectoryConformance, testing::Values(DirectoryCase{...}));
#ifndef ATTUNE_SERVICES_PLACEMENT_CONFORMANCE_H_
#define ATTUNE_SERVICES_PLACEMENT_CONFORMANCE_H_

#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <string>

#include "services/placement/directory.h"

namespace attune::placement {

// A directory of the node at "127.0.0.1:7000" that owns nothing yet, with whatever it stands on.
class DirectoryUnderTest {
 public:
  virtual ~DirectoryUnderTest() = default;
  virtual Directory& directory() = 0;
};

struct DirectoryCase {
  std::string name;
  std::function<std::unique_ptr<DirectoryUnderTest>()> make;
};

class DirectoryConformance : public testing::TestWithParam<DirectoryCase> {
 protected:
  DirectoryConformance() : made_(GetParam().make()), directory_(made_->directory()) {}
  std::unique_ptr<DirectoryUnderTest> made_;
  Directory& directory_;
};

}  // namespace attune::placement

#endif  // ATTUNE_SERVICES_PLACEMENT_CONFORMANCE_H_
