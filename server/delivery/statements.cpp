#include "delivery/statements.h"

#include <algorithm>
#include <stdexcept>

#include "delivery/embedded.h"

namespace saldo::server {

Statement delivery_statement(Database& database, std::string_view name,
                             std::initializer_list<NamedValue> values) {
  const std::string file = "delivery/" + std::string(name) + ".sql";
  const auto found = std::find_if(kEmbeddedDeliveries.begin(), kEmbeddedDeliveries.end(),
                                  [&](const EmbeddedSql& sql) { return sql.name == file; });
  if (found == kEmbeddedDeliveries.end()) throw std::logic_error(file + " is not there");
  auto statement = database.prepare(found->text.data());
  for (const auto& [parameter, value] : values) {
    const int index = sqlite3_bind_parameter_index(statement.handle(), parameter);
    if (const auto* integer = std::get_if<std::int64_t>(&value)) {
      statement.bind(index, *integer);
    } else if (const auto* text = std::get_if<std::string_view>(&value)) {
      statement.bind_static(index, *text);
    } else {
      statement.bind_null(index);
    }
  }
  return statement;
}

}  // namespace saldo::server
