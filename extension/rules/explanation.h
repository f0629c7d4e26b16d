// Why an account is in its state: R7 told rule by rule, in words.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "rules/access.h"

namespace saldo {

// One of R7's rules.
struct Reason {
  State state = State::kActive;  // what it gives where it applies
  bool applied = false;          // the first that does is the answer
  std::string fact;  // what decided; empty behind the answer, where nobody asks any more
};

// All nine in R7's order, at the instant that `walk` has advanced to. `reason` is that of the terms
// in force, as recorded; `language` is ru or en.
std::vector<Reason> explain_access(const Books& books, const Account& account, const Walk& walk,
                                   std::string_view reason, std::string_view language);

}  // namespace saldo
