#include "store/tokens.h"

#include <openssl/crypto.h>
#include <openssl/rand.h>

#include <algorithm>
#include <array>

#include "hash.h"
#include "rules/text.h"

namespace saldo::server {
std::optional<Role> parse_role(std::string_view name) {
  const auto* const found = std::find_if(kRoles.begin(), kRoles.end(),
                                         [&](const RoleNames& role) { return role.name == name; });
  if (found == kRoles.end()) return std::nullopt;
  return static_cast<Role>(found - kRoles.begin());
}

std::string_view role_name(Role role) { return kRoles[static_cast<std::size_t>(role)].name; }

bool is_allowed(Role token, Role route) {
  if (token == route || token == Role::kAdmin || route == Role::kNone) return true;
  return token == Role::kOperator && (route == Role::kCrm || route == Role::kCashier);
}

std::string random_token() {
  std::array<unsigned char, 32> secret{};
  if (RAND_bytes(secret.data(), static_cast<int>(secret.size())) != 1)
    throw std::runtime_error("the system has no randomness to give");
  return hex({reinterpret_cast<const char*>(secret.data()), secret.size()});
}

std::string make_token(const std::string& name) {
  const bool has_controls = std::any_of(name.begin(), name.end(), is_control);
  if (name.empty() || has_controls || !is_utf8(name))
    throw std::runtime_error("a token's name is a text of UTF-8 without control characters");
  return random_token();
}

void insert_token(Database& database, const std::string& name, Role role, const std::string& hash,
                  Instant now) {
  const std::string created_at = format_instant(now);
  database.prepare("INSERT INTO token(name, role, hash, created_at) VALUES (?1, ?2, ?3, ?4)")
      .bind_static(1, name)
      .bind_static(2, role_name(role))
      .bind_static(3, hash)
      .bind_static(4, created_at)
      .step();
}

std::string create_token(Database& database, const std::string& name, Role role) {
  std::string token = make_token(name);
  insert_token(database, name, role, sha256_hex(token), clock_now());
  return token;
}

bool revoke_token(Database& database, const std::string& name, Instant now) {
  database.prepare("UPDATE token SET revoked_at = ?2 WHERE name = ?1 AND revoked_at IS NULL")
      .bind(1, std::string_view(name))
      .bind(2, std::string_view(format_instant(now)))
      .step();
  return sqlite3_changes(database.handle()) > 0;
}

const Token* TokenCache::find(Database& database, std::int64_t data_version,
                              std::string_view token) {
  return find_hash(database, data_version, sha256_hex(token));
}

const Token* TokenCache::find_hash(Database& database, std::int64_t data_version,
                                   const std::string& hash) {
  if (data_version != data_version_) {
    by_hash_.clear();
    data_version_ = data_version;
  }
  // How long the look-ups take may tell something of the hashes stored, but nobody can choose a
  // hash; the comparison that decides takes the same time whatever it finds.
  auto known = by_hash_.find(hash);
  if (known == by_hash_.end()) {
    auto row = database.prepare(
        "SELECT name, role, hash FROM token WHERE hash = ?1 AND revoked_at IS NULL");
    row.bind_static(1, hash);
    if (!row.step()) return nullptr;
    const auto role = parse_role(row.text(1));
    if (!role || *role == Role::kNone) return nullptr;
    known = by_hash_.emplace(row.text(2), Token{std::string(row.text(0)), *role}).first;
  }
  const auto& stored = known->first;
  const bool same =
      stored.size() == hash.size() && CRYPTO_memcmp(stored.data(), hash.data(), hash.size()) == 0;
  return same ? &known->second : nullptr;
}

}  // namespace saldo::server
