// The bytes of `facts_in_force.facts`: an account's facts from a day on, to be read in one go.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "rules/account.h"
#include "rules/books.h"

namespace saldo {

// Integers are little-endian:
//
//   part    bytes   value                                              null
//   day     4       signed, days since 1970-01-01                      -2^31
//   number  8       signed                                             -2^63
//   count   1       unsigned: a list's length, or a small number
//   text    1 + n   its length in bytes, a count, and UTF-8
//   list            a count, and so many elements
//
//   from            day     the first day for which these facts can be used
//   registered_on   day
//   trial_ends_on   day     may be null
//   terms           list    valid_from day, status count (0 active, 1 paused, 2 closed),
//                           credit_limit number (null: unlimited), held count (0 or 1)
//   headcounts      list    day day, employees number
//   subscriptions   list    service_id text, started_on day, ended_on day (may be null),
//                           quantity number (null: the headcount), price_list text
//
// nullopt when a list or text is longer than 255, or a price list has no price yet and so no index
// in `books`: such an account is read from the tables.
std::optional<std::string> encode_facts(const Books& books, const Account& account, Day from);

// Sets what encode_facts wrote; headcounts and subscriptions only with `charges`. Services and
// lists that are not there any more are passed over. Throws invalid for other bytes.
void decode_facts(std::string_view facts, const Books& books, bool charges, Account& account);

// The day from which on these bytes hold. Throws invalid.
Day facts_hold_from(std::string_view facts);

}  // namespace saldo
