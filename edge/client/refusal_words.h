// Refusals in plain words, and what follows from each.
#ifndef ATTUNE_EDGE_CLIENT_REFUSAL_WORDS_H_
#define ATTUNE_EDGE_CLIENT_REFUSAL_WORDS_H_

#include <string>

#include "attune/v1/edge.pb.h"

namespace attune::edge {

enum class AfterRefusal {
  kGiveUp,        // trying again as it is does not help
  kTryAgain,      // after a while, on the same stream
  kTryElsewhere,  // this node is not the one: break the stream and look for another
  kNewToken,      // join again, then try again
  kClosed,        // the session is over: as SessionClosed without a report
  kErased,        // remove everything held of this person
};

AfterRefusal WhatFollows(const v1::Refusal& refusal);

// What happened and what to do next, for the person in front of the program. Ends with the node's
// own words, if it sent any.
std::string InWords(const v1::Refusal& refusal);

}  // namespace attune::edge

#endif  // ATTUNE_EDGE_CLIENT_REFUSAL_WORDS_H_
