// Signatures of the Standard Webhooks specification 1.0.0: HMAC-SHA256, symmetric.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace saldo::server {

// The value of `webhook-signature`: a signature with each secret, as in "v1,… v1,…". `timestamp` is
// that of the attempt, in seconds since 1970. A secret that is not `whsec_` and base64 signs
// nothing. Throws std::runtime_error, whose text is for people, when no secret is valid.
std::string sign_webhook(const std::vector<std::string>& secrets, std::string_view id,
                         std::int64_t timestamp, std::string_view body);

}  // namespace saldo::server
