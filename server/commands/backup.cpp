#include "commands/commands.h"

#include <fcntl.h>
#include <unistd.h>

#include <filesystem>
#include <iostream>
#include <stdexcept>

#include "commands/terminal.h"
#include "store/database.h"

namespace saldo::server::commands {
namespace {

void fsync_file(const std::string& file) {
  const int descriptor = open(file.c_str(), O_RDONLY | O_CLOEXEC);
  const bool done = descriptor >= 0 && fsync(descriptor) == 0;
  if (descriptor >= 0) close(descriptor);
  if (!done) throw std::runtime_error("cannot write " + file + " to the disk");
}

// The pages of the state of `books` that is being read, into a new file.
void copy_pages(const Database& books, const std::string& part) {
  const Connection copy(part, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE);
  sqlite3_backup* run = sqlite3_backup_init(copy.handle(), "main", books.handle(), "main");
  if (run == nullptr) throw SqliteError(copy.handle());
  constexpr int kPagesPerStep = 4096;
  int code = SQLITE_OK;
  while (code == SQLITE_OK) {
    code = sqlite3_backup_step(run, kPagesPerStep);
    const int total = sqlite3_backup_pagecount(run);
    show_progress(std::to_string(total - sqlite3_backup_remaining(run)) + " of " +
                  std::to_string(total) + " pages");
  }
  show_progress("");
  if (sqlite3_backup_finish(run) != SQLITE_OK) throw SqliteError(copy.handle());
  // Out of WAL mode, so that the copy is one file and can be read where nothing can be written.
  // The connection learns by reading that the pages it has copied are in that mode.
  copy.execute("SELECT 1 FROM sqlite_schema LIMIT 1; PRAGMA journal_mode = DELETE");
}

}  // namespace

int backup(const std::string& database, const std::string& file) {
  if (std::filesystem::exists(file))
    throw std::runtime_error(file + " is there already; a backup goes into a new file");
  Database books(database, Database::Mode::kRead);
  const std::string part = file + ".part";
  std::filesystem::remove(part);
  {
    // One snapshot, whatever is written meanwhile.
    const Transaction snapshot(books, "BEGIN");
    books.execute("SELECT 1 FROM sqlite_schema LIMIT 1");
    try {
      copy_pages(books, part);
    } catch (const SqliteError& error) {
      throw std::runtime_error("cannot write " + part + ": " + error.what());
    }
  }
  fsync_file(part);
  std::filesystem::rename(part, file);
  fsync_file(std::filesystem::absolute(file).parent_path().string());
  std::cout << "copied to " << file << "\n";
  return 0;
}

}  // namespace saldo::server::commands
