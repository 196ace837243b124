#include "edge/client/trace.h"

#include "services/base/random.h"
#include "services/base/trace.h"

namespace attune::edge {

void SendTrace(grpc::ClientContext& context, std::string_view parent) {
  SystemRandom random;
  context.AddMetadata(kTraceparent, NewTraceparent(random, ParseTraceparent(parent)));
}

}  // namespace attune::edge
