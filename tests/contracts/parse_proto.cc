#include "tests/contracts/parse_proto.h"

#include <cstdlib>
#include <filesystem>
#include <fstream>

namespace attune::contracts {

google::protobuf::FileDescriptorSet ParseProto(const std::string& body) {
  const char* test_tmpdir = std::getenv("TEST_TMPDIR");
  const std::filesystem::path folder = test_tmpdir != nullptr
                                           ? std::filesystem::path(test_tmpdir)
                                           : std::filesystem::temp_directory_path();
  const std::string source = folder / "t.proto";
  const std::string output = folder / "t.binpb";
  std::ofstream(source) << "syntax = \"proto3\"; package t;\n" << body;
  const std::string command = "/usr/bin/protoc --include_source_info -I'" + folder.string() +
                              "' --descriptor_set_out='" + output + "' '" + source + "'";
  if (std::system(command.c_str()) != 0) std::abort();

  google::protobuf::FileDescriptorSet set;
  std::ifstream file(output, std::ios::binary);
  if (!set.ParseFromIstream(&file)) std::abort();
  return set;
}

}  // namespace attune::contracts
