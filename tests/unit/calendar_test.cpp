// When a restriction begins (R7): the working calendar and whole working days of grace.
#include "rules/calendar.h"

#include <gtest/gtest.h>

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
  for (Day day = from, worked = from; day <= kLastDay && day - worked <= days{kHorizonDays};
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

// Whole weeks are counted at once; from there one looks as far as from each day.
TEST_F(CalendarTest, TheHorizonIsFromTheLastWorkingDayThatPassed) {
  for (int week = 1; week < 128; ++week) {
    Policy works;
    works.valid_from = day("2026-01-01");
    for (std::size_t i = 0; i < 7; ++i) works.works[i] = ((week >> i) & 1) != 0;
    Policy idle;
    idle.valid_from = day("2026-03-02");
    for (std::int64_t grace = 1; grace < 40; grace += 3) {
      works.grace_working_days = idle.grace_working_days = grace;
      for (int far = -8; far <= 2; ++far) {
        const Day only = idle.valid_from + days{kHorizonDays + far};
        const Calendar calendar({works, idle}, {{only, true}});
        const Day from = day("2026-01-05");
        const auto first = begins(calendar, from, grace);
        ASSERT_EQ(calendar.restriction_after(moscow_.start_of(from), moscow_),
                  first ? std::optional(moscow_.start_of(*first)) : std::nullopt)
            << "week " << week << ", " << grace << " days, " << far;
      }
    }
  }
}

TEST_F(CalendarTest, GraceBeyondAllDaysNeverEnds) {
  EXPECT_EQ(calendar(1'000'000'000).restriction_after(at("2026-11-20T21:00:00Z"), moscow_),
            std::nullopt);
}

// A year of grace in a calendar whose working days are ten years apart, as exceptions: no step for
// each day between them.
TEST_F(CalendarTest, FarApartWorkingDaysCount) {
  Policy policy;
  policy.valid_from = day("2026-01-01");
  policy.grace_working_days = 366;
  std::map<Day, bool> exceptions;
  Day working = day("2026-01-10");
  for (int i = 0; i < 400; ++i, working += days{kHorizonDays}) exceptions[working] = true;
  const Calendar sparse({policy}, exceptions);
  EXPECT_EQ(sparse.restriction_after(at("2026-01-09T21:00:00Z"), moscow_),
            moscow_.start_of(day("2026-01-10") + 366 * days{kHorizonDays}));
}

// The first instant that an opening balance can have: the day begins before the year 0.
TEST_F(CalendarTest, ArrearsAsOldAsTheYearZeroHaveAGrace) {
  for (const char* zone : {"Europe/Moscow", "UTC"}) {
    const BillingDays billing_days(find_zone(zone), day("2026-01-01"), {});
    const auto first = calendar(1).restriction_after(at("0000-01-01T10:00:00Z"), billing_days);
    EXPECT_EQ(first, billing_days.start_of(day("0000-01-04"))) << zone;
  }
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
