#include "hash.h"

#include <array>
#include <new>

namespace saldo {

std::string hex(std::string_view bytes) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string text;
  text.reserve(2 * bytes.size());
  for (const char c : bytes) {
    const auto byte = static_cast<unsigned char>(c);
    text += kDigits[byte >> 4U];
    text += kDigits[byte & 15U];
  }
  return text;
}

Sha256::Sha256() : state_(EVP_MD_CTX_new()) {
  // EVP_sha256() would be looked up anew each time.
  static const EVP_MD* const kSha256 = EVP_MD_fetch(nullptr, "SHA256", nullptr);
  if (!state_ || EVP_DigestInit_ex(state_.get(), kSha256, nullptr) != 1) throw std::bad_alloc();
}

void Sha256::add(std::string_view bytes) {
  if (EVP_DigestUpdate(state_.get(), bytes.data(), bytes.size()) != 1) throw std::bad_alloc();
}

std::string Sha256::finish() {
  std::array<unsigned char, EVP_MAX_MD_SIZE> bytes{};
  unsigned size = 0;
  if (EVP_DigestFinal_ex(state_.get(), bytes.data(), &size) != 1) throw std::bad_alloc();
  return hex({reinterpret_cast<const char*>(bytes.data()), size});
}

std::string sha256_hex(std::string_view bytes) {
  Sha256 state;
  state.add(bytes);
  return state.finish();
}

}  // namespace saldo
