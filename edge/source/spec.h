// Sources by name, as the command line gives them:
//
//   replay:FILE[,at=SECONDS][,from=SECONDS][,seconds=N][,loop]
//   simulate[:seed=1,hr=64,resp=0.25,...]      all options: simulate.h
//   stdin
#ifndef ATTUNE_EDGE_SOURCE_SPEC_H_
#define ATTUNE_EDGE_SOURCE_SPEC_H_

#include <memory>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "edge/source/source.h"

namespace attune::edge {

// Errors say what is wrong with the specification or its file. `stdin_fd` is read by `stdin`.
absl::StatusOr<std::unique_ptr<Source>> MakeSource(std::string_view spec, int stdin_fd);

}  // namespace attune::edge

#endif  // ATTUNE_EDGE_SOURCE_SPEC_H_
