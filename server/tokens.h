// Bearer tokens: 256 bits of the system's randomness, shown once and kept as their SHA-256.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "route.h"

namespace saldo::server {

struct Token {
  std::string name;
  Role role;
};

// SHA-256 in lower-case hexadecimal.
std::string sha256_hex(std::string_view bytes);

// The token itself: 64 hexadecimal digits. Throws SqliteError (conflict when the name is taken).
std::string create_token(Database& database, const std::string& name, Role role);
// False: there is none of this name that is valid.
bool revoke_token(Database& database, const std::string& name);
// Who bears `token` as of now; nobody when it is unknown or revoked.
std::optional<Token> find_token(Database& database, std::string_view token);

}  // namespace saldo::server
