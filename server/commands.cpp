#include "commands.h"

#include <fcntl.h>
#include <unistd.h>

#include <cstdio>
#include <filesystem>
#include <iostream>
#include <stdexcept>

#include "anchor.h"
#include "commands/terminal.h"
#include "jobs/closing.h"
#include "rules/time.h"
#include "store/tokens.h"

namespace saldo::server {
namespace {

void fsync_file(const std::string& file) {
  const int descriptor = open(file.c_str(), O_RDONLY | O_CLOEXEC);
  const bool done = descriptor >= 0 && fsync(descriptor) == 0;
  if (descriptor >= 0) close(descriptor);
  if (!done) throw std::runtime_error("cannot write " + file + " to the disk");
}

}  // namespace

int install(const std::string& database, const std::string& opening, const std::string& country) {
  const bool existed = std::filesystem::exists(database);
  try {
    Database books(database, Database::Mode::kCreate);
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

int close_days(const std::string& database, const std::string& through) {
  if (!parse_day(through))
    throw std::runtime_error("--through " + through + " is not a day, YYYY-MM-DD");
  Database books(database, Database::Mode::kWrite);
  int closed = 0;
  for (;;) {
    {
      auto open_day = books.prepare("SELECT open_day FROM books");
      if (!open_day.step() || open_day.text(0) > through) break;
      show_progress("closing " + std::string(open_day.text(0)));
    }
    if (!close_next_day(books, std::chrono::seconds(0))) {
      auto open_day = books.prepare("SELECT open_day, day_end(open_day) FROM books");
      open_day.step();
      show_progress("");
      std::cout << open_day.text(0) << " has not ended: it ends at " << open_day.text(1) << "\n";
      break;
    }
    ++closed;
    auto last = books.prepare(
        "SELECT day, accounts, charges, digest FROM day_close ORDER BY day DESC LIMIT 1");
    last.step();
    show_progress("");
    std::cout << last.text(0) << " closed: " << last.integer(2) << " charges of " << last.integer(1)
              << " accounts, digest " << last.text(3) << std::endl;
  }
  if (closed == 0) std::cout << "there is no ended day to close up to " << through << "\n";
  return 0;
}

int make_token(const std::string& database, const std::string& role, const std::string& name) {
  const auto known = parse_role(role);
  if (!known || *known == Role::kNone)
    throw std::runtime_error("--role " + role + " is none of: crm cashier operator analyst admin");
  Database books(database, Database::Mode::kWrite);
  std::cout << create_token(books, name, *known) << std::endl;
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

int withdraw_token(const std::string& database, const std::string& name) {
  Database books(database, Database::Mode::kWrite);
  if (!revoke_token(books, name)) {
    throw std::runtime_error("there is no valid token '" + name +
                             "'; `saldod token list` shows all");
  }
  std::cout << name << " is revoked\n";
  return 0;
}

int backup(const std::string& database, const std::string& file) {
  if (std::filesystem::exists(file))
    throw std::runtime_error(file + " is there already; a backup goes into a new file");
  Database books(database, Database::Mode::kRead);
  const std::string part = file + ".part";
  std::filesystem::remove(part);
  {
    // The pages of one snapshot, whatever is written meanwhile.
    const Transaction snapshot(books, "BEGIN");
    books.execute("SELECT 1 FROM sqlite_schema LIMIT 1");
    sqlite3* raw = nullptr;
    const int opened = sqlite3_open(part.c_str(), &raw);
    const std::unique_ptr<sqlite3, int (*)(sqlite3*)> copy(raw, sqlite3_close);
    if (opened != SQLITE_OK)
      throw std::runtime_error("cannot write " + part + ": " + sqlite3_errmsg(raw));
    sqlite3_backup* run = sqlite3_backup_init(raw, "main", books.handle(), "main");
    if (run == nullptr)
      throw std::runtime_error("cannot write " + part + ": " + sqlite3_errmsg(raw));
    constexpr int kPages = 4096;
    int code = SQLITE_OK;
    while (code == SQLITE_OK) {
      code = sqlite3_backup_step(run, kPages);
      const int total = sqlite3_backup_pagecount(run);
      show_progress(std::to_string(total - sqlite3_backup_remaining(run)) + " of " +
                    std::to_string(total) + " pages");
    }
    show_progress("");
    // Out of WAL mode, so that the copy is one file and can be read where nothing can be written.
    // The connection learns by reading that the pages it has copied are in that mode.
    constexpr const char* kLeaveWal =
        "SELECT 1 FROM sqlite_schema LIMIT 1; PRAGMA journal_mode = DELETE";
    if (sqlite3_backup_finish(run) != SQLITE_OK ||
        sqlite3_exec(raw, kLeaveWal, nullptr, nullptr, nullptr) != SQLITE_OK)
      throw std::runtime_error("cannot write " + part + ": " + sqlite3_errmsg(raw));
  }
  fsync_file(part);
  std::filesystem::rename(part, file);
  fsync_file(std::filesystem::absolute(file).parent_path().string());
  std::cout << "copied to " << file << "\n";
  return 0;
}

}  // namespace saldo::server
