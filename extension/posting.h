// The posting of a day, seen from the cursors that feed it.
#pragma once

#include <algorithm>

#include "context.h"
#include "rules/books.h"

namespace saldo {

// The trigger of day_close writes `charge` and `balance` by INSERT ... SELECT from the public
// tables. A cursor that is asked for the one day whose day_close row stands without its digest,
// which only that trigger can see, is feeding the posting, and for as long as it is open the row it
// stands on may enter the posted tables. It closes with its statement, however that ends, so that
// no error leaves the way open.
class Posting {
 public:
  explicit Posting(const PostedRow& cursor) : cursor_(cursor) {}
  Posting(const Posting&) = delete;
  Posting& operator=(const Posting&) = delete;
  ~Posting() { end(); }

  [[nodiscard]] bool under_way() const { return context_ != nullptr; }

  // To be called whenever the cursor is asked anew: `single` when it is asked for `day` alone.
  void update(Context& context, const Books& books, Day day, bool single) {
    end();
    if (!single || day != books.open_day) return;
    auto unsealed = context.statements.prepare(
        "SELECT 1 FROM main.day_close WHERE day = ?1 AND digest IS NULL");
    if (!unsealed.bind(1, format_day(day)).step()) return;
    context.posting.push_back(&cursor_);
    context_ = &context;
  }

 private:
  void end() {
    if (context_ == nullptr) return;
    auto& posting = context_->posting;
    posting.erase(std::find(posting.begin(), posting.end(), &cursor_));
    context_ = nullptr;
  }

  const PostedRow& cursor_;
  Context* context_ = nullptr;
};

}  // namespace saldo
