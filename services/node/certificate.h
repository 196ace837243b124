// What a node tells of its own certificate.
#ifndef ATTUNE_SERVICES_NODE_CERTIFICATE_H_
#define ATTUNE_SERVICES_NODE_CERTIFICATE_H_

#include <cstdint>
#include <optional>
#include <string>

namespace attune::node {

// When the first certificate of a PEM chain is no longer good, seconds since 1970; absent when
// there is none that can be read.
std::optional<int64_t> CertificateEnd(const std::string& pem);

}  // namespace attune::node

#endif  // ATTUNE_SERVICES_NODE_CERTIFICATE_H_
