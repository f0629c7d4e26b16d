// SHA-256, and bytes in lower-case hexadecimal.
#pragma once

#include <openssl/evp.h>

#include <memory>
#include <string>
#include <string_view>

namespace saldo {

std::string hex(std::string_view bytes);

// Both throw std::bad_alloc when OpenSSL fails, which a SHA-256 does for want of memory alone.
class Sha256 {
 public:
  Sha256();
  void add(std::string_view bytes);
  // In hexadecimal. Once: nothing can be added after it.
  std::string finish();

 private:
  struct Free {
    void operator()(EVP_MD_CTX* state) const { EVP_MD_CTX_free(state); }
  };
  std::unique_ptr<EVP_MD_CTX, Free> state_;
};

std::string sha256_hex(std::string_view bytes);

}  // namespace saldo
