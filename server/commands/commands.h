// The commands of saldod that are not the server. Each prints what it did and returns the exit
// status; they throw std::runtime_error with a sentence for whoever called the command.
#pragma once

#include <string>
#include <vector>

#include "commands/log.h"

namespace saldo::server::commands {

// The exit status of a command that failed. 1 is another matter: `verify` found something.
constexpr int kFailedStatus = 2;

// Opens books in a new file, or brings those in an existing one up to date.
int install(const std::string& database, const std::string& opening, const std::string& country);

// Closes every ended day up to `through`, one commit a day, with progress on a terminal.
int close_days(const std::string& database, const std::string& through);

struct Import {
  std::vector<std::string> files;
  std::string account;  // empty: all
  bool dry_run = false;
};

// As POST /v1/bank-statements does, one commit a file, with progress on a terminal. A dry run takes
// all files in, in their order, and undoes it.
int import_statements(const std::string& database, const Import& statements);

struct PrintedMonth {
  std::string month;      // YYYY-MM
  std::string out;        // a folder, which is made where it is not there
  bool issue = false;     // what is missing
  std::string issued_on;  // with `issue`; empty: the month's last day
};

// A PDF of each of a month's documents, post.pdf of those that go by post, and registry.csv, with
// progress on a terminal.
int print_documents(const std::string& database, const PrintedMonth& printed);

// Integrity, every audit, and the digests against those in the file `anchor` (empty: there is
// none). Prints what is found; the exit status is 1 when anything is.
int verify(const std::string& database, const std::string& anchor);

// By the log of `flags` where the file follows one.
int create_token(const std::string& database, const LogFlags& flags, const std::string& role,
                 const std::string& name);
int list_tokens(const std::string& database);
int revoke_token(const std::string& database, const LogFlags& flags, const std::string& name);

// A consistent copy while others write.
int backup(const std::string& database, const std::string& file);

}  // namespace saldo::server::commands
