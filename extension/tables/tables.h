// The table functions; each one's manual is at the head of its file.
#pragma once

#include "sqlite/api.h"

namespace saldo {

const sqlite3_module* daily_charge_module();
const sqlite3_module* unpriced_charge_module();
const sqlite3_module* access_state_module();
const sqlite3_module* access_explain_module();
const sqlite3_module* working_calendar_module();
const sqlite3_module* installed_schema_module();
const sqlite3_module* posted_charge_module();
const sqlite3_module* bank_statement_module();

}  // namespace saldo
