// Digests stored outside of the database, in a file of lines "day digest". They expose whoever
// alters a closed day and then recomputes the chain of digests.
#pragma once

#include <map>
#include <string>

#include "store/database.h"

namespace saldo::server {

// By day. Throws std::runtime_error for a file that cannot be read or a line of another form.
std::map<std::string, std::string> read_anchor(const std::string& file);

// Adds the days closed after the last one in the file, durably; makes the file when there is none.
void append_anchor(const std::string& file, Database& database);

}  // namespace saldo::server
