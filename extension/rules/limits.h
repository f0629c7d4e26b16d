// The limits of 3.1: no accepted fact may stop a day from closing or a question from being
// answered.
#pragma once

#include <cstdint>

namespace saldo {

// 2^53, up to which JavaScript and spreadsheets count exactly.
inline constexpr std::int64_t kIdMax = 9'007'199'254'740'992;
// Employees, a subscription's quantity, and an account's usage of one service in one day.
inline constexpr std::int64_t kQuantityMax = 1'000'000'000;
// The policy's counts of days.
inline constexpr std::int64_t kPolicyDaysMax = 366;
// The policy's reminders of one restriction.
inline constexpr std::int64_t kRemindersMax = 100;

// Tax rates, in hundredths of a per cent.
inline constexpr std::int64_t kBasisPointsMax = 10'000;

// In minor units.
inline constexpr std::int64_t kUnitFeeMax = 1'000'000;
inline constexpr std::int64_t kMonthlyFeeMax = 1'000'000'000'000;
inline constexpr std::int64_t kAmountMax = 1'000'000'000'000'000;
// Balances, which money may not take beyond it in either direction, and credit limits.
inline constexpr std::int64_t kBalanceMax = 1'000'000'000'000'000'000;

}  // namespace saldo
