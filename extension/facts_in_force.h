// The bytes of `facts_in_force.facts`: an account's facts from a day on, to be read in one go.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "rules/account.h"
#include "rules/books.h"

namespace saldo {

// Little-endian integers, signed, of 4 bytes for a day (since 1970-01-01; the least for none), 8
// for an amount or quantity (likewise), 1 for a count or a text's length, which its UTF-8 follows:
//
//   from, registered_on, trial_ends_on,
//   count, count × (valid_from, status 0 active 1 paused 2 closed as a count, credit_limit, held as
//   a count), count × (day, employees), count × (service_id, started_on, ended_on, quantity,
//   price_list)
//
// where the count stands before each list. nullopt when a list or text is longer than 255, or a
// price list has no price yet and so no place in `books`: such an account is read from the tables.
std::optional<std::string> encode_facts(const Books& books, const Account& account, Day from);

// Sets what encode_facts wrote; headcounts and subscriptions only with `charges`. Services and
// lists that are not there any more are passed over. Throws invalid for other bytes.
void decode_facts(std::string_view facts, const Books& books, bool charges, Account& account);

// The day from which on these bytes hold. Throws invalid.
Day facts_hold_from(std::string_view facts);

}  // namespace saldo
