// Files of the server's own beside the books.
#pragma once

#include <string>

namespace saldo::server {

// Makes a database file that its owner alone can read, where it is not there; its path. Throws
// std::runtime_error.
std::string private_file(const std::string& path);

}  // namespace saldo::server
