// The formats, each in a file of its own. `text` is UTF-8 without a byte order mark, and outlives
// the statement; `texts` are the statement's. Both throw as read_bank_statement does, and leave the
// references to it.
#pragma once

#include <string>

#include "statements/statement.h"

namespace saldo {

bool is_exchange_1c(std::string_view text);
void read_exchange_1c(std::string_view text, BankStatement& statement);

bool is_xml(std::string_view text);
// `text` is changed: it comes to hold the texts of the documents.
void read_camt053(std::string& text, BankStatement& statement);

}  // namespace saldo
