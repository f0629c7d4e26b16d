// What both formats have in common: sums, dates, accounts and texts as files of banks write them,
// and totals to compare with.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "rules/error.h"
#include "statements/statement.h"

namespace saldo {

// The error of a line, counted from 1.
Error invalid_line(std::size_t line, std::string_view problem);
// How an error quotes what a file says: in one line, and not for ever.
std::string quoted(std::string_view text);
// The number of the line in which the byte at `offset` stands.
std::size_t line_of(std::string_view text, std::size_t offset);

// Without white space at the ends.
std::string_view trim(std::string_view text);
// The same, and a run of white space with a control character in it (a line end, a tab) is one
// space: texts of one line.
std::string_view clean_text(std::string_view text, TextPool& texts);
// Without white space anywhere.
std::string without_space(std::string_view text);
// '40702.810.0.00000000001' and 'DE89 3704 0044 0532 0130 00' without dots and spaces.
std::string_view clean_account(std::string_view text, TextPool& texts);
bool is_all_digits(std::string_view text);  // and not empty

// A sum of `currency`: '700', '700.5', '1 234,56', '1,234.56', '-700.00', in minor units, of a
// magnitude up to kAmountMax. Digits beyond the minor ones must be zeros. Throws with `line` and
// the field's name.
Amount read_sum(std::string_view field, std::string_view text, std::string_view currency,
                std::size_t line);

// '15.11.2026', '2026-11-15', either followed by a time or an offset, which do not count: the day
// on the bank's own wall. nullopt for an empty one ('', '00.00.0000', '01.01.0001'). Throws
// likewise.
std::optional<Day> read_date(std::string_view field, std::string_view text, std::size_t line);

// Adds a sentence to what a document's warning says.
void add_warning(BankDocument& document, std::string_view sentence, TextPool& texts);
// Also as its doubt: `sentence` must outlive the document.
void add_doubt(BankDocument& document, std::string_view sentence, TextPool& texts);

// What came in and went out of an account.
struct Turnover {
  Amount in = 0;
  Amount out = 0;

  void count(const BankDocument& document);
};

// What a statement says of an account's turnover, where it does; `change` is that of the balance.
struct StatedTurnover {
  std::optional<Amount> in;
  std::optional<Amount> out;
  std::optional<Amount> change;
};

// The sentence that tells where they disagree; empty where they do not.
std::string disagreement(std::string_view account, std::string_view currency,
                         const StatedTurnover& stated, const Turnover& counted);

struct AccountWarning {
  std::string_view account;
  std::string sentence;
};

// Puts each sentence on all documents of its account, and those of accounts that have none on all
// of the statement. Throws where there are none at all, as nobody would read it.
void warn_of_accounts(const std::vector<AccountWarning>& warnings, BankStatement& statement);

}  // namespace saldo
