#include "tokens.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/rand.h>

#include <algorithm>
#include <array>

#include "sqlite/value.h"

namespace saldo::server {
namespace {

template <typename Bytes>
std::string hex(const Bytes& bytes) {
  constexpr std::string_view kHex = "0123456789abcdef";
  std::string text;
  text.reserve(2 * bytes.size());
  for (const unsigned char byte : bytes) {
    text += kHex[byte >> 4U];
    text += kHex[byte & 15U];
  }
  return text;
}

}  // namespace

std::string sha256_hex(std::string_view bytes) {
  // EVP_sha256() would be looked up anew for each request.
  static const EVP_MD* const kSha256 = EVP_MD_fetch(nullptr, "SHA256", nullptr);
  std::array<unsigned char, 32> digest{};
  if (EVP_Digest(bytes.data(), bytes.size(), digest.data(), nullptr, kSha256, nullptr) != 1) {
    throw std::runtime_error("the SHA-256 of OpenSSL failed");
  }
  return hex(digest);
}

std::string create_token(Database& database, const std::string& name, Role role) {
  const bool controls =
      std::any_of(name.begin(), name.end(), [](unsigned char c) { return c < ' ' || c == 0x7F; });
  if (name.empty() || controls || !is_utf8(name))
    throw std::runtime_error("a token's name is a text of UTF-8 without control characters");
  std::array<unsigned char, 32> secret{};
  if (RAND_bytes(secret.data(), static_cast<int>(secret.size())) != 1) {
    throw std::runtime_error("the system has no randomness to give");
  }
  std::string token = hex(secret);
  const std::string hash = sha256_hex(token);
  const std::string now = clock_now();
  database.query("INSERT INTO token(name, role, hash, created_at) VALUES (?1, ?2, ?3, ?4)")
      .bind(1, name)
      .bind(2, role_name(role))
      .bind(3, hash)
      .bind(4, now)
      .step();
  return token;
}

bool revoke_token(Database& database, const std::string& name) {
  const std::string now = clock_now();
  database.query("UPDATE token SET revoked_at = ?2 WHERE name = ?1 AND revoked_at IS NULL")
      .bind(1, name)
      .bind(2, now)
      .step();
  return sqlite3_changes(database.handle()) > 0;
}

std::optional<Token> find_token(Database& database, std::string_view token) {
  // How long the look-up takes may tell something of the hashes kept, but a hash is not chosen at
  // will; the comparison that decides takes the same time whatever it finds.
  const std::string hash = sha256_hex(token);
  auto row =
      database.query("SELECT name, role, hash FROM token WHERE hash = ?1 AND revoked_at IS NULL");
  row.bind(1, hash);
  if (!row.step()) return std::nullopt;
  const auto kept = row.text(2);
  const auto role = parse_role(row.text(1));
  if (kept.size() != hash.size() || CRYPTO_memcmp(kept.data(), hash.data(), hash.size()) != 0 ||
      !role) {
    return std::nullopt;
  }
  return Token{std::string(row.text(0)), *role};
}

}  // namespace saldo::server
