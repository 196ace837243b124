// Sources by name, as the command line gives them:
//
//   replay:FILE[,at=SECONDS][,from=SECONDS][,seconds=N][,loop]
//   simulate[:seed=1,hr=64,resp=0.25,...]      all options: simulate.h
//   stdin
//   lsl[:NAME][,type=T][,unit=ms|s]            see lsl_source.h
//   bluez[:ADDR|NAME][,acquire][,ecg]          a strap over Bluetooth: bluez/bluez_source.h
#ifndef ATTUNE_EDGE_SOURCE_SPEC_H_
#define ATTUNE_EDGE_SOURCE_SPEC_H_

#include <memory>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "edge/source/source.h"
#include "services/base/clock.h"
#include "services/base/random.h"

namespace attune::edge {

class BluezHost;

// What sources need from the world; must outlive them.
struct SourceContext {
  int stdin_fd;  // read by `stdin`
  const Clock& clock;
  RandomSource& random;
  std::string lsl_library;  // file of liblsl; empty: where the system looks
  // What the Bluetooth sources of one process share; made with the first of them. nullptr: each
  // has its own.
  std::shared_ptr<BluezHost>* bluez = nullptr;
};

// Errors say what is wrong with the specification or its file.
absl::StatusOr<std::unique_ptr<Source>> MakeSource(std::string_view spec,
                                                   const SourceContext& context);

}  // namespace attune::edge

#endif  // ATTUNE_EDGE_SOURCE_SPEC_H_
