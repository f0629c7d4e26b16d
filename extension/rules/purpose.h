// What the purpose of a bank transfer names (M1): invoices, contracts and account numbers, as
// people write them, in capital or small letters and with misprints of spacing. A number that
// stands alone is none of them, be it a year, a sum, a tax number or a telephone's.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "rules/time.h"

namespace saldo {

struct Named {
  enum class Kind { kAccount, kContract, kInvoice };
  Kind kind = Kind::kAccount;
  // In one spelling: small letters, those that look alike in both alphabets in Latin, without
  // blanks. Of an account only digits, unless it is unclear.
  std::string number;
  std::optional<Day> date;
  // It can be read in another way, too: '15 16' may be one number or two.
  bool unclear = false;

  bool operator==(const Named&) const = default;
};

// All that a text names, in its order; what is named twice alike comes once. The text is UTF-8.
std::vector<Named> named_in(std::string_view text);

// The contract that the column `contract` of an account tells, as in '№ 15 от 01.02.2026'; nullopt
// where it is empty or can be read in several ways.
std::optional<Named> parse_contract(std::string_view text);

}  // namespace saldo
