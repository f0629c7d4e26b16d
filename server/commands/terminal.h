#pragma once

#include <unistd.h>

#include <iostream>
#include <string>

namespace saldo::server::commands {

// One line that is written over again, on a terminal only; empty: the line goes.
inline void show_progress(const std::string& line) {
  if (isatty(STDERR_FILENO) == 0) return;
  std::cerr << "\r\033[K" << line << std::flush;
}

}  // namespace saldo::server::commands
