// When a restriction begins (R7): the working calendar and whole working days of grace.
#include "rules/calendar.h"

#include <gtest/gtest.h>

#include <chrono>
#include <random>

#include "times.h"

namespace saldo {
namespace {

class CalendarTest : public testing::Test {
 protected:
  // Monday to Friday from 2026-01-01 on, in Moscow.
  static Calendar calendar(std::int64_t grace, std::map<Day, bool> exceptions = {}) {
    Policy policy;
    policy.valid_from = day("2026-01-01");
    policy.works = {true, true, true, true, true, false, false};
    policy.grace_working_days = grace;
    return {{policy}, std::move(exceptions)};
  }
  const BillingDays moscow_{find_zone("Europe/Moscow"), day("2026-01-01"), {}};
};

TEST_F(CalendarTest, FridaysChargeRestrictsFromMonday) {
  // Saturday 2026-11-21 00:00 in Moscow.
  EXPECT_EQ(calendar(0).restriction_after(at("2026-11-20T21:00:00Z"), moscow_),
            at("2026-11-22T21:00:00Z"));
}

TEST_F(CalendarTest, OnAWorkingDayItBeginsAtOnce) {
  EXPECT_EQ(calendar(0).restriction_after(at("2026-11-18T10:00:00Z"), moscow_),
            at("2026-11-18T10:00:00Z"));
}

TEST_F(CalendarTest, GraceCountsWholeWorkingDays) {
  // From Wednesday's midnight: Wednesday itself is whole. One second later it is not.
  EXPECT_EQ(calendar(1).restriction_after(at("2026-11-17T21:00:00Z"), moscow_),
            at("2026-11-18T21:00:00Z"));
  EXPECT_EQ(calendar(1).restriction_after(at("2026-11-17T21:00:01Z"), moscow_),
            at("2026-11-19T21:00:00Z"));
  // Thursday noon, two days: Friday, Monday; it begins on Tuesday.
  EXPECT_EQ(calendar(2).restriction_after(at("2026-11-19T09:00:00Z"), moscow_),
            at("2026-11-23T21:00:00Z"));
}

// R7 day by day, for arrears that begin with `from`.
std::optional<Day> begins(const Calendar& calendar, Day from, std::int64_t grace) {
  for (Day day = from, worked = from; day <= kLastDay && day - worked <= days{kHorizon};
       day += days{1}) {
    if (!calendar.is_working(day)) continue;
    if (grace-- == 0) return day;
    worked = day + days{1};
  }
  return std::nullopt;
}

TEST_F(CalendarTest, LongGraceCountsDayByDay) {
  std::mt19937 random(20261124);
  const auto below = [&random](unsigned end) { return static_cast<int>(random() % end); };
  int never = 0;
  for (int i = 0; i < 2000; ++i) {
    std::vector<Policy> policies(1U + random() % 3);
    const std::int64_t grace = 1 + below(below(2) == 0 ? 20 : 4000);
    Day valid_from = day("2026-01-01");
    for (Policy& policy : policies) {
      policy.valid_from = valid_from;
      valid_from += days{1 + below(1000)};
      // Few, many or none of a week.
      for (bool& works : policy.works) works = below(8) < i % 8;
      policy.grace_working_days = grace;
    }
    std::map<Day, bool> exceptions;
    for (int left = below(40); left > 0; --left)
      exceptions[day("2026-01-01") + days{below(4000)}] = below(2) == 0;
    const Calendar calendar(policies, exceptions);
    const Day from = (i % 100 == 0 ? kLastDay - days{5000} : day("2025-12-01")) + days{below(900)};
    const auto first = begins(calendar, from, grace);
    if (!first) ++never;
    EXPECT_EQ(calendar.restriction_after(moscow_.start_of(from), moscow_),
              first ? std::optional(moscow_.start_of(*first)) : std::nullopt)
        << "case " << i << ", " << grace << " days";
  }
  EXPECT_GT(never, 100);
  EXPECT_LT(never, 1000);
}

TEST_F(CalendarTest, GraceBeyondAllDaysIsSoonCounted) {
  const auto begun = std::chrono::steady_clock::now();
  for (int second = 0; second < 10'000; ++second) {
    EXPECT_EQ(
        calendar(1'000'000'000)
            .restriction_after(at("2026-11-20T21:00:00Z") + std::chrono::seconds{second}, moscow_),
        std::nullopt);
  }
  EXPECT_LT(std::chrono::steady_clock::now() - begun, std::chrono::seconds{10});
}

TEST_F(CalendarTest, WithoutAWorkingDayNever) {
  Policy policy;
  policy.valid_from = day("2026-01-01");
  const Calendar idle({policy}, {{day("2036-11-18"), true}});
  EXPECT_EQ(idle.next_working_day(day("2026-11-21")), day("2036-11-18"));  // 3,650 days on
  EXPECT_EQ(idle.next_working_day(day("2026-11-20")), std::nullopt);
  EXPECT_EQ(idle.restriction_after(at("2026-01-10T00:00:00Z"), moscow_), std::nullopt);
  // They count from the day of the arrears, wherever in it these begin.
  EXPECT_EQ(idle.restriction_after(at("2026-11-20T21:00:00Z"), moscow_),
            at("2036-11-17T21:00:00Z"));
  EXPECT_EQ(idle.restriction_after(at("2026-11-20T20:59:59Z"), moscow_), std::nullopt);
}

TEST_F(CalendarTest, BeforeTheFirstPolicyTheFirstHolds) {
  EXPECT_TRUE(calendar(0).is_working(day("2025-12-31")));
  EXPECT_FALSE(calendar(0).is_working(day("2025-12-28")));
  EXPECT_TRUE(calendar(0, {{day("2025-12-28"), true}}).is_working(day("2025-12-28")));
}

}  // namespace
}  // namespace saldo
