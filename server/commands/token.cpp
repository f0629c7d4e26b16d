#include "commands/commands.h"

#include <iostream>
#include <stdexcept>

#include "store/tokens.h"

namespace saldo::server::commands {

int create_token(const std::string& database, const std::string& role, const std::string& name) {
  const auto known = parse_role(role);
  if (!known || *known == Role::kNone)
    throw std::runtime_error("--role " + role + " is not " + token_roles(", ", " or "));
  Database books(database, Database::Mode::kWrite);
  std::cout << server::create_token(books, name, *known) << std::endl;
  return 0;
}

int list_tokens(const std::string& database) {
  Database books(database, Database::Mode::kRead);
  auto row = books.prepare(
      "SELECT name, role, created_at, coalesce('revoked ' || revoked_at, 'valid') FROM token ORDER "
      "BY name");
  while (row.step()) {
    std::cout << row.text(0) << "\t" << row.text(1) << "\t" << row.text(2) << "\t" << row.text(3)
              << "\n";
  }
  return 0;
}

int revoke_token(const std::string& database, const std::string& name) {
  Database books(database, Database::Mode::kWrite);
  if (!server::revoke_token(books, name)) {
    throw std::runtime_error("there is no valid token '" + name +
                             "'; `saldod token list` shows all");
  }
  std::cout << name << " is revoked\n";
  return 0;
}

}  // namespace saldo::server::commands
