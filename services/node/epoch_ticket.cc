#include "services/node/epoch_ticket.h"

#include "services/node/hmac.h"

namespace attune::node {
namespace {

void AppendNumber(uint64_t value, std::string& out) {
  for (int shift = 56; shift >= 0; shift -= 8) out += static_cast<char>(value >> shift);
}

void AppendText(std::string_view text, std::string& out) {
  AppendNumber(text.size(), out);
  out += text;
}

std::string Mac(std::string_view session_id, uint64_t epoch, std::string_view nonce,
                std::string_view key) {
  std::string text = "attune epoch ticket 1";
  AppendText(session_id, text);
  AppendNumber(epoch, text);
  AppendText(nonce, text);
  return HmacSha256(key, text);
}

}  // namespace

v1::EpochTicket SignTicket(std::string_view session_id, uint64_t epoch, std::string_view nonce,
                           std::string_view key) {
  v1::EpochTicket ticket;
  ticket.set_session_id(std::string(session_id));
  ticket.set_epoch(epoch);
  ticket.set_nonce(std::string(nonce));
  ticket.set_mac(Mac(session_id, epoch, nonce, key));
  return ticket;
}

bool TicketIsGenuine(const v1::EpochTicket& ticket, std::string_view key) {
  return EqualInConstantTime(ticket.mac(),
                             Mac(ticket.session_id(), ticket.epoch(), ticket.nonce(), key));
}

TicketVerdict JudgeTicket(const v1::EpochTicket& ticket, std::string_view key,
                          std::string_view session_id, uint64_t epoch, std::string_view nonce) {
  if (ticket.ByteSizeLong() == 0) return TicketVerdict::kFine;
  if (ticket.session_id() != session_id || !TicketIsGenuine(ticket, key)) {
    return TicketVerdict::kForged;
  }
  if (ticket.epoch() > epoch) return TicketVerdict::kNewer;
  if (ticket.epoch() == epoch && ticket.nonce() != nonce) return TicketVerdict::kConflict;
  return TicketVerdict::kFine;
}

}  // namespace attune::node
