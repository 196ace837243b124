// Epoch tickets: clients carry the highest ownership that they have seen from node to node. Signed
// (HMAC-SHA-256, RFC 2104), because a bare number could be forged to lock a session's owners out.
#ifndef ATTUNE_SERVICES_NODE_EPOCH_TICKET_H_
#define ATTUNE_SERVICES_NODE_EPOCH_TICKET_H_

#include <cstdint>
#include <string>
#include <string_view>

#include "attune/v1/node.pb.h"

namespace attune::node {

// `key`: the keys file's ticket key. Every field has its length signed too, so that no two tickets
// have the same signed bytes.
v1::EpochTicket SignTicket(std::string_view session_id, uint64_t epoch, std::string_view nonce,
                           std::string_view key);
// Constant time in the MAC's content.
bool TicketIsGenuine(const v1::EpochTicket& ticket, std::string_view key);

// What a client's ticket says about an owner of (session, epoch, nonce).
enum class TicketVerdict {
  kFine,      // absent, or not newer than us
  kForged,    // not signed with our key, or for another session
  kNewer,     // somebody owned the session after us: we must not go on under this epoch
  kConflict,  // somebody else was given our very epoch
};
TicketVerdict JudgeTicket(const v1::EpochTicket& ticket, std::string_view key,
                          std::string_view session_id, uint64_t epoch, std::string_view nonce);

}  // namespace attune::node

#endif  // ATTUNE_SERVICES_NODE_EPOCH_TICKET_H_
