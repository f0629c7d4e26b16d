// The notices (N1 to N4), naively: every account is looked at in every run, by the reference's
// access.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "reference.h"

namespace saldo_reference {

struct Notice {
  AccountId account_id = 0;
  std::string kind;
  std::optional<std::int64_t> number;
  std::optional<Amount> amount;
  std::optional<std::int64_t> reference;
  std::optional<AccessRow> access;  // of the run's instant
  std::optional<Day> trial_ends_on;
};

class NoticeRuns {
 public:
  [[nodiscard]] std::optional<Instant> last_run() const { return last_run_; }
  // What a run posts, in its order. It is then over.
  std::vector<Notice> run(const Reference& books, Instant at);

 private:
  struct Memory {
    std::optional<std::string> state;  // nothing: not seen since its registration
    std::optional<std::string> warning;
    std::map<Instant, std::int64_t> reminded;  // by restricted_from
    std::set<std::int64_t> payments;
  };

  std::optional<Instant> last_run_;
  std::map<AccountId, Memory> memory_;
};

}  // namespace saldo_reference
