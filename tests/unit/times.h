// Days and instants from their texts, which are known to be well.
#pragma once

#include "rules/time.h"

namespace saldo {

inline Day day(const char* text) { return parse_day(text).value(); }
inline Instant at(const char* text) { return parse_instant(text).value(); }

}  // namespace saldo
