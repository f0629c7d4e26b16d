// `saldod log`, and what else of the commands goes through a log.
#pragma once

#include <memory>
#include <string>

#include "log/position.h"

namespace saldo::server::commands {

// --log and what goes with it.
struct LogFlags {
  std::string url;  // etcd://HOST:PORT,…; empty: the file stands alone
  std::string ca;
  std::string certificate;
  std::string key;
  std::string user_file;  // whose first line is USER:PASSWORD
  std::string node;
};

// Null: there is none. Throws std::runtime_error with what would be right: TLS is left out for
// members on this machine alone.
std::shared_ptr<Log> open_log(const LogFlags& flags);

// Each prints what it did and returns the exit status. Throws std::runtime_error.
int log_init(const std::string& database, const LogFlags& flags);
int log_join(const std::string& database, const LogFlags& flags, const std::string& backup);
int log_leave(const std::string& database, const LogFlags& flags);
int log_trim(const std::string& database, const LogFlags& flags, const std::string& without);
int log_status(const std::string& database, const LogFlags& flags);
int log_seal(const std::string& database, const LogFlags& flags);

// Appends an entry for a file that a server of its own follows the log with, and waits until it is
// applied there. Returns its status, as log_entry has it. Throws std::runtime_error where it was
// not done, or that is not known.
int append_for(Database& books, Log& log, const LogFlags& flags, const std::string& kind,
               const nlohmann::ordered_json& data);

}  // namespace saldo::server::commands
