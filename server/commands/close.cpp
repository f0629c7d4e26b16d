#include "commands/commands.h"

#include <iostream>
#include <stdexcept>

#include "commands/terminal.h"
#include "jobs/closing.h"
#include "log/position.h"
#include "rules/time.h"

namespace saldo::server::commands {

int close_days(const std::string& database, const std::string& through) {
  if (!parse_day(through))
    throw std::runtime_error("--through " + through + " is not a day, YYYY-MM-DD");
  Database books(database, Database::Mode::kWrite);
  require_no_log(books, database);
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

}  // namespace saldo::server::commands
