// The commands of saldod that are not the server. Each returns the exit status, and throws
// std::runtime_error with what to do about it.
#pragma once

#include <string>

namespace saldo::server {

// saldo_install in a new file, or again in one it has made.
int install(const std::string& database, const std::string& opening, const std::string& country);
// Closes every ended day up to `through`, one commit a day, with progress on a terminal.
int close_days(const std::string& database, const std::string& through);
int make_token(const std::string& database, const std::string& role, const std::string& name);
int list_tokens(const std::string& database);
int withdraw_token(const std::string& database, const std::string& name);
// A consistent copy while others write.
int backup(const std::string& database, const std::string& file);

}  // namespace saldo::server
