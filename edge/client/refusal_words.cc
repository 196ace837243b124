#include "edge/client/refusal_words.h"

#include "absl/strings/str_cat.h"

namespace attune::edge {

AfterRefusal WhatFollows(const v1::Refusal& refusal) {
  switch (refusal.reason()) {
    case v1::REFUSAL_REASON_TOKEN_EXPIRED:
      return AfterRefusal::kNewToken;
    case v1::REFUSAL_REASON_SESSION_CLOSED:
      return AfterRefusal::kClosed;
    case v1::REFUSAL_REASON_ERASED:
      return AfterRefusal::kErased;
    case v1::REFUSAL_REASON_OVERLOADED:
      return AfterRefusal::kTryAgain;
    case v1::REFUSAL_REASON_STALE_OWNER:
      return AfterRefusal::kTryElsewhere;
    default:
      return refusal.retry_after_ms() > 0 ? AfterRefusal::kTryAgain : AfterRefusal::kGiveUp;
  }
}

std::string InWords(const v1::Refusal& refusal) {
  std::string words;
  switch (refusal.reason()) {
    case v1::REFUSAL_REASON_TOKEN_INVALID:
      words = "the token is not valid for this session: join again with the session's code";
      break;
    case v1::REFUSAL_REASON_TOKEN_EXPIRED:
      words = "the token has expired: join again with the session's code";
      break;
    case v1::REFUSAL_REASON_NO_CONSENT:
      words = "consent to measure is not given: agree to it (--consent=measure,...) or leave";
      break;
    case v1::REFUSAL_REASON_ERASED:
      words = "this person's data was erased; nothing more is taken, and the local copy is removed";
      break;
    case v1::REFUSAL_REASON_LEFT:
      words = "this person has left the session: join again to take part";
      break;
    case v1::REFUSAL_REASON_SESSION_CLOSED:
      words = "the session is over";
      break;
    case v1::REFUSAL_REASON_REPLACED:
      words = "the same person has connected from elsewhere: stop one of the two agents";
      break;
    case v1::REFUSAL_REASON_BAD_MESSAGE:
      words = "the node did not understand this agent: update whichever is older";
      break;
    case v1::REFUSAL_REASON_SEQUENCE:
      words =
          "this spool and the session disagree about what was sent: move the spool directory away "
          "and join again";
      break;
    case v1::REFUSAL_REASON_OVERLOADED:
      words = "the node is busy; trying again by itself";
      break;
    case v1::REFUSAL_REASON_STALE_OWNER:
      words = "this node no longer owns the session; looking for the one that does";
      break;
    case v1::REFUSAL_REASON_UNKNOWN_SESSION:
      words = "there is no such session here: check the server's address and the code";
      break;
    default:
      words = "refused";
  }
  if (!refusal.message().empty()) absl::StrAppend(&words, " (", refusal.message(), ")");
  return words;
}

}  // namespace attune::edge
