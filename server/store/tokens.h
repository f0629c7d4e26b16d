// Who may ask: bearer tokens of 256 random bits, shown once and stored as their SHA-256, and roles.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>

#include "rules/role.h"
#include "store/database.h"

namespace saldo::server {

std::optional<Role> parse_role(std::string_view name);
std::string_view role_name(Role role);
// `operator` may do what `crm` and `cashier` may, `admin` everything. kNone: whoever asks.
bool is_allowed(Role token, Role route);

struct Token {
  std::string name;
  Role role = Role::kNone;
};

// The token itself: 64 hexadecimal digits. Throws SqliteError (conflict when the name is taken).
std::string create_token(Database& database, const std::string& name, Role role);
// 256 random bits, in hexadecimal. Throws std::runtime_error where the system has none.
std::string random_token();
// A new one, which is in no database yet. Throws std::runtime_error for a name that no token has.
std::string make_token(const std::string& name);
// The token of that SHA-256. Throws likewise.
void insert_token(Database& database, const std::string& name, Role role, const std::string& hash,
                  Instant now);
// False: there is none of this name that is valid.
bool revoke_token(Database& database, const std::string& name, Instant now);

// The valid tokens that one connection has looked up, until another one commits something.
class TokenCache {
 public:
  // Who bears `token` in the database's state of this number (Database::snapshot()); null when it
  // is unknown or revoked. Valid until the next call.
  const Token* find(Database& database, std::int64_t data_version, std::string_view token);
  // Likewise by the SHA-256 of the token.
  const Token* find_hash(Database& database, std::int64_t data_version, const std::string& hash);

 private:
  std::int64_t data_version_ = 0;
  std::unordered_map<std::string, Token> by_hash_;
};

struct RequestSight;

// A connection that reads for clients.
struct Reader : Database {
  using Database::Database;
  TokenCache tokens;
  // What the functions of requests are told (payments/functions.h); null: of none.
  const RequestSight* sight = nullptr;
};

}  // namespace saldo::server
