// When a restriction begins (R7): the working calendar and whole working days of grace.
#include "rules/calendar.h"

#include <gtest/gtest.h>

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
