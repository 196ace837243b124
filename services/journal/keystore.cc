#include "services/journal/keystore.h"

#include <openssl/crypto.h>

namespace attune::journal {

DataKey::~DataKey() { OPENSSL_cleanse(bytes.data(), bytes.size()); }

}  // namespace attune::journal
