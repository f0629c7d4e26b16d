#include "commands/commands.h"

#include <filesystem>
#include <iostream>
#include <stdexcept>

#include "log/position.h"
#include "store/database.h"

namespace saldo::server::commands {

int install(const std::string& database, const std::string& opening, const std::string& country) {
  const bool existed = std::filesystem::exists(database);
  try {
    Database books(database, Database::Mode::kCreate);
    if (const auto state = read_log_state(books); state && !state->build.empty()) {
      throw std::runtime_error(database +
                               " follows a log; `saldod log seal` comes before it is upgraded");
    }
    auto installed = books.prepare("SELECT saldo_install(?1, ?2)");
    installed.bind_static(1, opening).bind_static(2, country).step();
    books.execute("PRAGMA journal_mode = WAL");
  } catch (...) {
    if (!existed) std::filesystem::remove(database);
    throw;
  }
  std::cout << (existed ? "The books in " : "Books opened in ") << database
            << (existed ? " are up to date\n" : "\n");
  return 0;
}

}  // namespace saldo::server::commands
