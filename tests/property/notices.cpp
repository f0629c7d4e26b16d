#include "notices.h"

#include <algorithm>

namespace saldo_reference {
namespace {

constexpr Instant kSecondsPerDay = 86400;
constexpr int kHorizonDays = 3650;

// From which day on one is warned of `last`.
Day warning_day(const Reference& books, Day last, std::int64_t warning_days) {
  const Day latest = last - static_cast<Day>(warning_days - 1);
  for (Day day = latest; day >= latest - kHorizonDays; --day) {
    if (books.is_working_day(day)) return day;
  }
  return latest;
}

std::optional<std::string> warning(const Reference& books, const Account& account,
                                   const AccessRow& row) {
  const auto warning_days = books.policy_on(row.day).low_balance_warning_days;
  const auto is_time = [&](const std::optional<Day>& last) {
    return warning_days > 0 && last && row.day >= warning_day(books, *last, warning_days);
  };
  if (row.state == "active" && is_time(row.lasts_until)) return "low_balance";
  if (row.state == "trial" && is_time(account.trial_ends_on)) return "trial_ending";
  if (row.state == "promised" && *row.promised_until - row.at <= kSecondsPerDay) {
    for (const Promise& promise : account.promises) {
      if (promise.granted_at >= *row.arrears_since && promise.granted_at <= row.at &&
          promise.expires_at == row.promised_until && promise.days >= 2)
        return "promise_ending";
    }
  }
  return std::nullopt;
}

std::int64_t reminders_due(const Reference& books, const AccessRow& row) {
  const Policy& policy = books.policy_on(row.day);
  if (row.state != "restricted" || !policy.reminder_days) return 0;
  std::int64_t due = 0;
  while (due < policy.reminders &&
         *row.restricted_from + (due + 1) * *policy.reminder_days * kSecondsPerDay <= row.at)
    ++due;
  return due;
}

}  // namespace

std::vector<Notice> NoticeRuns::run(const Reference& books, Instant at) {
  std::vector<const Account*> accounts;
  for (const Account& account : books.accounts()) accounts.push_back(&account);
  std::sort(accounts.begin(), accounts.end(),
            [](const Account* a, const Account* b) { return a->account_id < b->account_id; });
  std::vector<Notice> notices;
  for (const Account* account : accounts) {
    Memory& memory = memory_[account->account_id];
    const auto row = books.access(*account, at);
    const auto post = [&](const std::string& kind) -> Notice& {
      notices.push_back({account->account_id, kind, {}, {}, {}, row, account->trial_ends_on});
      return notices.back();
    };
    std::optional<std::string> state;
    std::optional<std::string> warned;
    if (row) {
      state = row->state;
      warned = warning(books, *account, *row);
      const auto due = reminders_due(books, *row);
      const auto reminded = row->state == "restricted" ? memory.reminded[*row->restricted_from] : 0;
      if (last_run_) {
        bool told = false;
        if (!memory.state) {
          told = *state != "trial" && *state != "active";
        } else if (*state != *memory.state) {
          told = true;
        } else if (*state == "grace" || *state == "promised" || *state == "restricted") {
          told = *row->arrears_since > *last_run_;
        }
        if (told) post(*state);
        if (warned && warned != memory.warning) post(*warned);
        if (due > reminded && !told) post("reminder").number = due;
      }
      if (due > reminded) memory.reminded[*row->restricted_from] = due;
    }
    std::map<std::int64_t, Amount> paid;
    for (const Payment& payment : account->payments) {
      if (memory.payments.insert(payment.payment_id).second)
        paid[payment.payment_id] = payment.amount;
    }
    for (const auto& [payment_id, amount] : paid) {
      if (!last_run_) break;
      Notice& notice = post("payment");
      notice.amount = amount;
      notice.reference = payment_id;
    }
    memory.state = state;
    memory.warning = warned;
  }
  last_run_ = at;
  return notices;
}

}  // namespace saldo_reference
