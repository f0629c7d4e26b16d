// Texts of days and instants, and where billing days begin and end.
#include "rules/time.h"

#include <gtest/gtest.h>

#include <fstream>
#include <sstream>
#include <string>

#include "rules/error.h"
#include "times.h"

namespace saldo {
namespace {

BillingDays days_in(const char* zone) { return {find_zone(zone), day("2026-01-01"), {}}; }

TEST(Time, OnlyDaysThatExistParse) {
  for (const char* text : {"2026-02-28", "2024-02-29", "0000-01-01", "9999-12-31"}) {
    EXPECT_EQ(format_day(day(text)), text);
  }
  for (const char* text : {"", "2026-02-29", "2026-02-30", "2026-13-01", "2026-00-01", "2026-1-01",
                           "2026-01-1", "26-01-01", "2026-01-01 ", " 2026-01-01", "2026/01/01",
                           "+026-01-01", "2026-01-01T00:00:00Z"}) {
    EXPECT_FALSE(parse_day(text)) << text;
  }
}

TEST(Time, OnlyCanonicalInstantsParse) {
  EXPECT_EQ(format_instant(at("2026-11-22T23:59:59Z")), "2026-11-22T23:59:59Z");
  EXPECT_EQ(format_instant(at("0000-01-01T00:00:00Z")), "0000-01-01T00:00:00Z");
  for (const char* text : {"2026-11-22T24:00:00Z", "2026-11-22T23:59:60Z", "2026-11-22 23:59:59Z",
                           "2026-11-22T23:59:59", "2026-11-22T23:59:59+00:00",
                           "2026-11-31T00:00:00Z", "2026-11-22t00:00:00z"}) {
    EXPECT_FALSE(parse_instant(text)) << text;
  }
}

TEST(Time, Rfc3339IsNormalised) {
  const std::pair<const char*, const char*> cases[] = {
      {"2026-11-22T12:00:00+03:00", "2026-11-22T09:00:00Z"},
      {"2026-11-22t12:00:00z", "2026-11-22T12:00:00Z"},
      {"2026-11-22 12:00:00.999Z", "2026-11-22T12:00:00Z"},
      {"2026-01-01T00:30:00+01:00", "2025-12-31T23:30:00Z"},
      {"2016-12-31T23:59:60Z", "2016-12-31T23:59:59Z"},
      {"2026-11-22T12:00:00-00:00", "2026-11-22T12:00:00Z"},
      {"2026-11-22T12:00:00.123456789-05:30", "2026-11-22T17:30:00Z"}};
  for (const auto& [text, normal] : cases) {
    ASSERT_TRUE(parse_rfc3339(text)) << text;
    EXPECT_EQ(format_instant(*parse_rfc3339(text)), normal) << text;
  }
  for (const char* text :
       {"2026-11-22T12:00:00", "2026-11-22", "2026-11-22T12:00:00.Z", "2026-11-22T12:00:00+0300",
        "2026-11-22T12:00:00+24:00", "2026-11-22T12:00Z", "0000-01-01T00:00:00+01:00", "x"}) {
    EXPECT_FALSE(parse_rfc3339(text)) << text;
  }
}

TEST(Time, BoundsAreTexts) {
  EXPECT_EQ(last_day_before("2026-11", false), day("2026-10-31"));
  EXPECT_EQ(last_day_before("2026-11-22", false), day("2026-11-21"));
  EXPECT_EQ(last_day_before("2026-11-22", true), day("2026-11-22"));
  EXPECT_EQ(last_day_before("2026-02-30", true), day("2026-02-28"));
  EXPECT_EQ(last_day_before("z", true), kLastDay);
  EXPECT_EQ(last_day_before("", true), std::nullopt);
}

TEST(BillingDays, EndAtTheMidnightOfTheZone) {
  const auto moscow = days_in("Europe/Moscow");
  EXPECT_EQ(moscow.day_of(at("2026-11-22T20:59:59Z")), day("2026-11-22"));
  EXPECT_EQ(moscow.day_of(at("2026-11-22T21:00:00Z")), day("2026-11-23"));
  const auto berlin = days_in("Europe/Berlin");
  EXPECT_EQ(berlin.end_of(day("2026-03-29")) - berlin.start_of(day("2026-03-29")),
            std::chrono::hours{23});
  EXPECT_EQ(berlin.end_of(day("2026-10-25")) - berlin.start_of(day("2026-10-25")),
            std::chrono::hours{25});
}

// A day whose midnight summer time skips (Asuncion 2023-10-01), one whose midnight comes twice
// (Azores 2025-10-26, clocks go back from 01:00 to 00:00), and one that was skipped whole (Apia
// 2011-12-30): days never overlap and leave no gap.
TEST(BillingDays, AreAPartitionOfTime) {
  const std::pair<const char*, const char*> cases[] = {{"America/Asuncion", "2023-10-01"},
                                                       {"Atlantic/Azores", "2025-10-26"},
                                                       {"Atlantic/Azores", "2025-03-30"},
                                                       {"Pacific/Apia", "2011-12-30"},
                                                       {"America/Havana", "2026-11-01"}};
  for (const auto& [zone, text] : cases) {
    const auto billing_days = days_in(zone);
    const Instant from = billing_days.start_of(day(text) - days{2});
    Day last = billing_days.day_of(from);
    for (Instant t = from; t < from + days{5}; t += std::chrono::minutes{10}) {
      const Day current = billing_days.day_of(t);
      ASSERT_GE(current, last) << zone << format_instant(t);
      ASSERT_LE(billing_days.start_of(current), t) << zone << format_instant(t);
      ASSERT_LT(t, billing_days.end_of(current)) << zone << format_instant(t);
      last = current;
    }
  }
}

TEST(BillingDays, ClosedDaysEndWhereTheyDidWhenClosed) {
  // As if the zone had been an hour further west when 2026-01-01 was closed.
  const BillingDays moved(find_zone("Europe/Moscow"), day("2026-01-01"),
                          {at("2026-01-01T20:00:00Z")});
  EXPECT_EQ(moved.end_of(day("2026-01-01")), at("2026-01-01T20:00:00Z"));
  EXPECT_EQ(moved.day_of(at("2026-01-01T20:00:00Z")), day("2026-01-02"));
  EXPECT_EQ(moved.day_of(at("2026-01-01T19:59:59Z")), day("2026-01-01"));
  EXPECT_EQ(moved.end_of(day("2026-01-02")), at("2026-01-02T21:00:00Z"));
}

TEST(BillingDays, BeyondTheYearsIsAnError) {
  EXPECT_THROW((void)days_in("UTC").end_of(kLastDay), Error);
  EXPECT_THROW((void)days_in("Europe/Moscow").start_of(kFirstDay), Error);
  EXPECT_THROW((void)days_in("Europe/Moscow").day_of(at("9999-12-31T21:00:00Z")), Error);
  EXPECT_THROW((void)days_in("America/New_York").day_of(at("0000-01-01T00:00:00Z")), Error);
  EXPECT_THROW(find_zone("Europe/Nowhere"), Error);
}

// Each of the database's own table of names is a zone, and nothing else of its folder.
TEST(Zones, AreThoseOfTheIanaDatabase) {
  std::ifstream table("/usr/share/zoneinfo/tzdata.zi");
  ASSERT_TRUE(table) << "the package tzdata";
  int names = 0;
  for (std::string line; std::getline(table, line);) {
    std::istringstream words(line);
    std::string kind;
    std::string name;
    words >> kind >> name;
    if (kind == "L") words >> name;  // L TARGET NAME
    if ((kind != "L" && kind != "Z") || name == "Factory") continue;
    EXPECT_NO_THROW(find_zone(name)) << name;
    ++names;
  }
  EXPECT_GT(names, 400);
  for (const char* name :
       {"localtime", "posixrules", "Factory", "right/UTC", "posix/UTC", "/etc/localtime",
        "../localtime", "Europe/../Europe/Moscow", "Europe//Moscow", "Europe/Moscow/", "Europe",
        "europe/moscow", "zone.tab", "tzdata.zi", "leapseconds", "+VERSION", "", "/", "UTC "}) {
    EXPECT_THROW(find_zone(name), Error) << name;
  }
}

}  // namespace
}  // namespace saldo
