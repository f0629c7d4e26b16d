// The statements of sql/delivery/, one a file, with their parameters by name.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <variant>

#include "store/database.h"

namespace saldo::server {

using NamedValue =
    std::pair<const char*, std::variant<std::monostate, std::int64_t, std::string_view>>;

// The statement of sql/delivery/NAME.sql, with values for all its parameters; the texts must
// outlive it.
Statement delivery_statement(Database& database, std::string_view name,
                             std::initializer_list<NamedValue> values);

}  // namespace saldo::server
