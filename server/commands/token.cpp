#include <iostream>
#include <stdexcept>

#include "commands/commands.h"
#include "hash.h"
#include "log/replica.h"
#include "store/tokens.h"

namespace saldo::server::commands {
namespace {

constexpr const char* kHowToSeeAll = "; `saldod token list` shows all";

}  // namespace

int create_token(const std::string& database, const LogFlags& flags, const std::string& role,
                 const std::string& name) {
  const auto known = parse_role(role);
  if (!known || *known == Role::kNone)
    throw std::runtime_error("--role " + role + " is not " + token_roles(", ", " or "));
  if (const auto log = open_log(flags)) {
    Database books(database, Database::Mode::kRead);
    const auto token = make_token(name);
    const nlohmann::ordered_json data = {
        {"name", name}, {"role", role_name(*known)}, {"hash", sha256_hex(token)}};
    if (append_for(books, *log, flags, "token.create", data) != Applied::kDone)
      throw std::runtime_error("there is a token " + name + " already; a name is given once");
    std::cout << token << std::endl;
    return 0;
  }
  Database books(database, Database::Mode::kWrite);
  require_no_log(books, database);
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

int revoke_token(const std::string& database, const LogFlags& flags, const std::string& name) {
  bool revoked = false;
  if (const auto log = open_log(flags)) {
    Database books(database, Database::Mode::kRead);
    revoked = append_for(books, *log, flags, "token.revoke", {{"name", name}}) == Applied::kDone;
  } else {
    Database books(database, Database::Mode::kWrite);
    require_no_log(books, database);
    revoked = server::revoke_token(books, name, clock_now());
  }
  if (!revoked) throw std::runtime_error("there is no valid token '" + name + "'" + kHowToSeeAll);
  std::cout << name << " is revoked\n";
  return 0;
}

}  // namespace saldo::server::commands
