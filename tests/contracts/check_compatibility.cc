// check_compatibility OLDER NEWER: compares two descriptor sets written by protoc. Prints one line
// per incompatible change; exit code 0 when there is none, 1 when there is, 2 when a file is
// unusable.

#include <fstream>
#include <iostream>

#include "tests/contracts/compatibility.h"

int main(int argc, char** argv) {
  if (argc != 3) {
    std::cerr << "Usage: check_compatibility OLDER NEWER\n";
    return 2;
  }
  google::protobuf::FileDescriptorSet sets[2];
  for (int i = 0; i < 2; ++i) {
    std::ifstream file(argv[i + 1], std::ios::binary);
    if (!file || !sets[i].ParseFromIstream(&file) || sets[i].file_size() == 0) {
      std::cerr << argv[i + 1] << " is not a descriptor set\n";
      return 2;
    }
  }
  const auto changes = attune::contracts::IncompatibleChanges(sets[0], sets[1]);
  for (const std::string& change : changes) std::cout << change << "\n";
  return changes.empty() ? 0 : 1;
}
