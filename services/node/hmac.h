// HMAC-SHA-256 (RFC 2104) by OpenSSL.
#ifndef ATTUNE_SERVICES_NODE_HMAC_H_
#define ATTUNE_SERVICES_NODE_HMAC_H_

#include <string>
#include <string_view>

namespace attune::node {

std::string HmacSha256(std::string_view key, std::string_view text);  // 32 bytes
bool EqualInConstantTime(std::string_view a, std::string_view b);

}  // namespace attune::node

#endif  // ATTUNE_SERVICES_NODE_HMAC_H_
