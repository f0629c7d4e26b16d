// Statements of banks: bytes of a file -> its documents. Knows neither SQLite nor HTTP.
//
// Two formats are read: 1CClientBankExchange, versions 1.01 to 1.03 (1C's exchange with programs of
// banks, https://v8.1c.ru/edi/edi_stnd/100/101.htm), and camt.053 of ISO 20022, versions 001.02 and
// later. A file of another kind, a broken one, and one that was cut off are refused whole, so that
// no document is lost in silence.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "rules/money.h"
#include "rules/time.h"
#include "statements/texts.h"

namespace saldo {

// By whose account the statement is of: money that came in, or went out.
enum class Direction { kUnknown, kIn, kOut };

// Texts are empty where the file says nothing.
struct Party {
  std::string_view name;
  std::string_view tax_id;
  std::string_view account;
};

struct BankDocument {
  std::string_view number;
  std::optional<Day> date;       // the document's own
  std::optional<Day> booked_on;  // nullopt: an order that was not booked
  Direction direction = Direction::kUnknown;
  Amount amount = 0;          // >= 0, in minor units of the currency, at most kAmountMax
  std::string_view currency;  // of ISO 4217
  std::string_view own_account;
  Party payer;
  Party payee;
  std::string_view purpose;
  // What identifies the document in all files of its account (see reference_of); the second, third
  // … of the same in one file ends with #2, #3 …
  std::string reference;
  std::string_view warning;  // for a person to look at; empty: nothing is doubtful
  // The part of it by which it is not sure that this is money that came to us; empty: it is.
  std::string_view doubt;
};

struct BankStatement {
  std::vector<BankDocument> documents;
  TextPool texts;  // the documents' own, where they are not parts of the file as it was given
};

// Throws invalid or out_of_range, with the number of the line, from 1. `content` must outlive the
// statement.
BankStatement read_bank_statement(std::string_view content);

// SHA-256, in hexadecimal, of own_account, booked_on, number, amount, the payer's account and the
// purpose without white space, joined by line feeds; what is not known is empty.
std::string reference_of(const BankDocument& document);

}  // namespace saldo
