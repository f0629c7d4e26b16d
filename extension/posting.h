// Closing a day: what the day costs each account, written into the posted tables.
#pragma once

#include <string>
#include <string_view>

#include "context.h"
#include "digest.h"

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
