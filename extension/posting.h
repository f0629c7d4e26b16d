// Closing a day: what the day costs each account, written into the posted tables.
#pragma once

#include <string>

#include "context.h"

namespace saldo {

// Posts the open day, whose row in day_close stands without a digest yet, and seals it. Everything
// is written inside of the statement that called, and undone with it. Throws append_only when there
// is no such row.
void post_day(Context& context, const std::string& day);

}  // namespace saldo
