#include "commands/commands.h"

#include <algorithm>
#include <condition_variable>
#include <exception>
#include <functional>
#include <iostream>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>
#include <vector>

#include "commands/terminal.h"
#include "store/anchor.h"
#include "store/database.h"

namespace saldo::server::commands {
namespace {

struct Check {
  std::string name;
  // Adds a line for each finding, also when it then throws.
  std::function<void(Database&, std::string& findings)> run;
  std::string findings;
};

// Each row as a line that begins with the check's name and says which value is which.
void rows_as_lines(Database& database, const std::string& name, const std::string& sql,
                   std::string& lines) {
  constexpr int kLinesMax = 20;
  auto row = database.compile_once(sql);
  int count = 0;
  while (row.step()) {
    if (++count > kLinesMax) continue;
    lines.append(name).append(":");
    for (int i = 0; i < row.columns(); ++i) {
      lines.append(i > 0 ? ", " : " ");
      if (row.columns() > 1) lines.append(sqlite3_column_name(row.handle(), i)).append(" = ");
      lines.append(row.is_null(i) ? "-" : row.text(i));
    }
    lines.append("\n");
  }
  if (count > kLinesMax)
    lines.append(name).append(": and ").append(std::to_string(count - kLinesMax)).append(" more\n");
}

void check_integrity(Database& database, std::string& findings) {
  rows_as_lines(database, "integrity_check",
                "SELECT integrity_check FROM pragma_integrity_check WHERE integrity_check <> 'ok'",
                findings);
}

void check_anchor(Database& database, const std::string& file, std::string& lines) {
  for (const auto& [day, digest] : read_anchor(file)) {
    auto row = database.prepare("SELECT digest FROM day_close WHERE day = ?1");
    row.bind_static(1, day);
    if (row.step() && row.text(0) == digest) continue;
    lines.append("anchor: ").append(day).append(" has another digest than ").append(file);
    lines.append(" says, or is not closed\n");
  }
}

// The checks that take longest come first, so that none of them runs on alone in the end.
std::vector<Check> list_checks(Database& database, const std::string& anchor) {
  std::vector<Check> checks;
  checks.push_back({"integrity_check", check_integrity, {}});
  auto view = database.prepare(
      "SELECT name FROM sqlite_schema WHERE type = 'view' AND name LIKE 'audit~_%' ESCAPE '~' "
      "ORDER BY name = 'audit_charge' DESC, name");
  while (view.step()) {
    const std::string name(view.text(0));
    checks.push_back({name,
                      [name](Database& books, std::string& findings) {
                        rows_as_lines(books, name, "SELECT * FROM main.\"" + name + "\"", findings);
                      },
                      {}});
  }
  if (checks.size() == 1) {
    // Of missing views audit_schema tells, but it is missing itself.
    checks.push_back({"audit_schema",
                      [](Database&, std::string& findings) {
                        findings = "audit_schema: there are no audits in this database\n";
                      },
                      {}});
  }
  if (!anchor.empty()) {
    checks.push_back({"anchor",
                      [anchor](Database& books, std::string& findings) {
                        check_anchor(books, anchor, findings);
                      },
                      {}});
  }
  return checks;
}

// A connection that reads in a transaction of its own.
struct SnapshotReader {
  explicit SnapshotReader(const std::string& path) : database(path, Database::Mode::kRead) {}
  // Does not wait for a writer.
  void begin() {
    sqlite3_busy_timeout(database.handle(), 0);
    snapshot.emplace(database, "BEGIN");
    database.execute("SELECT 1 FROM sqlite_schema LIMIT 1");
  }

  Database database;
  std::optional<Transaction> snapshot;
};

// Connections whose transactions all see one state: no other program committed while they began.
std::vector<std::unique_ptr<SnapshotReader>> read_one_state(const std::string& path,
                                                            unsigned count) {
  std::vector<std::unique_ptr<SnapshotReader>> readers;
  for (unsigned i = 0; i < count; ++i) readers.push_back(std::make_unique<SnapshotReader>(path));
  // Changes when another program has committed.
  Database watch(path, Database::Mode::kRead);
  const auto version = [&watch] { return watch.snapshot().integer(0); };
  constexpr int kAttemptsMax = 1000;
  constexpr std::chrono::milliseconds kRetryPause{5};
  for (int attempt = 0; attempt < kAttemptsMax; ++attempt) {
    try {
      const auto before = version();
      for (const auto& reader : readers) reader->begin();
      if (version() == before) return readers;
    } catch (const SqliteError& error) {
      // With a rollback journal a writer waits for the readers that have begun, and the others for
      // it.
      if ((error.code() & 0xff) != SQLITE_BUSY) throw;
    }
    for (const auto& reader : readers) reader->snapshot.reset();
    std::this_thread::sleep_for(kRetryPause);
  }
  throw std::runtime_error(path + " is written to all the time; verify a copy (saldod backup)");
}

class Run {
 public:
  explicit Run(std::vector<Check>& checks) : checks_(checks) {}

  // Takes checks from the list until there are none left.
  void work(Database& database) {
    while (Check* check = next()) {
      try {
        check->run(database, check->findings);
      } catch (const SqliteError& error) {
        // A damaged page is not to hide what the other checks find.
        check->findings += check->name + ": cannot be run: " + error.what() + "\n";
      } catch (...) {
        const std::lock_guard lock(mutex_);
        failure_ = std::current_exception();
      }
      const std::lock_guard lock(mutex_);
      ++finished_;
      changed_.notify_one();
    }
  }

  void show_progress_until_finished() {
    std::unique_lock lock(mutex_);
    while (finished_ < checks_.size()) {
      show_progress(std::to_string(finished_) + " of " + std::to_string(checks_.size()) +
                    " checks done");
      changed_.wait(lock);
    }
    show_progress("");
    if (failure_) std::rethrow_exception(failure_);
  }

 private:
  Check* next() {
    const std::lock_guard lock(mutex_);
    return begun_ < checks_.size() ? &checks_[begun_++] : nullptr;
  }

  std::vector<Check>& checks_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::size_t begun_ = 0;
  std::size_t finished_ = 0;
  std::exception_ptr failure_;
};

}  // namespace

int verify(const std::string& database, const std::string& anchor) {
  const auto readers = read_one_state(database, std::max(1U, std::thread::hardware_concurrency()));
  std::vector<Check> checks = list_checks(readers.front()->database, anchor);
  Run run(checks);
  {
    std::vector<std::jthread> threads;
    threads.reserve(readers.size());
    for (const auto& reader : readers) threads.emplace_back([&] { run.work(reader->database); });
    run.show_progress_until_finished();
  }
  // As they are listed, whichever was finished first.
  bool sound = true;
  for (const Check& check : checks) {
    std::cout << check.findings;
    sound = sound && check.findings.empty();
  }
  if (sound) {
    std::cout << (anchor.empty() ? "integrity and all audits are in order\n"
                                 : "integrity, all audits and the anchored digests are in order\n");
  }
  return sound ? 0 : 1;
}

}  // namespace saldo::server::commands
