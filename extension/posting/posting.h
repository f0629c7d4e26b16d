// Closing a day: what it costs each account, written into the posted tables. The way goes from SQL
// to C++ and back:
//
//   INSERT INTO day_close(day, closed_at)            whoever closes the day
//     SELECT saldo_post(day)                         the trigger day_close_post
//       post_day
//         INSERT INTO charge SELECT * FROM posted_charge
//           PostedCharges::next                      the table posted_charge, for each of its rows
//             INSERT INTO balance, facts_in_force    on the way, for many accounts at once
//         INSERT INTO charge_total                   a row for each service charged
//         UPDATE day_close                           the totals, and last the digest
//
// So SQLite itself writes the million rows of `charge`, and no more than one account is in memory.
#pragma once

#include <string>
#include <string_view>

#include "context.h"
#include "posting/digest.h"

namespace saldo {

// Posts the open day, whose row in day_close stands without a digest yet, and seals it. Everything
// is written inside of the statement that called, and undone with it. Throws append_only when there
// is no such row.
void post_day(Context& context, const std::string& day);

// The charges of the day that is being posted, one after the other: the rows of `posted_charge`,
// from which `charge` takes them.
class PostedCharges {
 public:
  PostedCharges() = default;
  PostedCharges(const PostedCharges&) = delete;
  PostedCharges& operator=(const PostedCharges&) = delete;
  virtual ~PostedCharges() = default;
  [[nodiscard]] virtual std::string_view day() const = 0;
  // nullptr: no more. Valid until the next call.
  virtual const ChargeColumns* next() = 0;
};

}  // namespace saldo
