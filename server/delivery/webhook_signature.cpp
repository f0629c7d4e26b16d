#include "delivery/webhook_signature.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <array>
#include <stdexcept>

#include "codecs/base64.h"

namespace saldo::server {

std::string sign_webhook(const std::vector<std::string>& secrets, std::string_view id,
                         std::int64_t timestamp, std::string_view body) {
  constexpr std::string_view kPrefix = "whsec_";
  std::string content(id);
  content.append(".").append(std::to_string(timestamp)).append(".").append(body);
  std::string signatures;
  for (const std::string& secret : secrets) {
    const auto key = secret.substr(0, kPrefix.size()) == kPrefix
                         ? parse_base64(std::string_view(secret).substr(kPrefix.size()))
                         : std::nullopt;
    if (!key) continue;
    std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
    unsigned size = 0;
    if (HMAC(EVP_sha256(), key->data(), static_cast<int>(key->size()),
             reinterpret_cast<const unsigned char*>(content.data()), content.size(), digest.data(),
             &size) == nullptr) {
      throw std::bad_alloc();
    }
    signatures += signatures.empty() ? "v1," : " v1,";
    append_base64(signatures, {reinterpret_cast<const char*>(digest.data()), size});
  }
  if (signatures.empty()) {
    throw std::runtime_error(
        "the webhook has no valid secret, so nothing is sent; POST /v1/webhooks/{name}/rotate "
        "gives it one");
  }
  return signatures;
}

}  // namespace saldo::server
