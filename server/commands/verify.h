#pragma once

#include <string>

namespace saldo::server {

// `saldod verify`: integrity, every audit, and the digests against those in the file `anchor`
// (empty: there is none). Prints what is found; the exit status is 1 when anything is.
int verify(const std::string& database, const std::string& anchor);

}  // namespace saldo::server
