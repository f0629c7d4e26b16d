// N1 to N3: what is due, for every combination of what is remembered and seen; days to warn, by
// trying each day; and the texts of notices. That an account is looked at in time, the tests in SQL
// show (tests/sql/notice_runs.test).
#include "rules/notice.h"

#include <gtest/gtest.h>

#include <random>

#include "rules/notice_text.h"
#include "times.h"

namespace saldo {
namespace {

constexpr State kStates[] = {State::kClosed,   State::kTrial,  State::kTrialEnded,
                             State::kHeld,     State::kPaused, State::kActive,
                             State::kPromised, State::kGrace,  State::kRestricted};

// Opened on Monday 2026-03-02, in UTC.
Books books_with(Policy policy, std::map<Day, bool> exceptions = {}) {
  Books books;
  books.opening = books.open_day = day("2026-03-02");
  books.days = BillingDays(find_zone("UTC"), books.opening, {});
  policy.valid_from = books.opening;
  policy.works = {true, true, true, true, true, false, false};
  books.calendar = Calendar({policy}, std::move(exceptions));
  return books;
}

// Seen on Friday 2026-04-10 at noon, restricted for 20 days and an hour, if at all.
const Instant kRunAt = at("2026-04-10T12:00:00Z");
const Instant kRestrictedFrom = at("2026-03-21T11:00:00Z");

Sight sight_of(State state) {
  Sight sight;
  sight.at = kRunAt;
  sight.day = day("2026-04-10");
  sight.registered = true;
  sight.access.state = state;
  sight.arrears_since = at("2026-03-20T00:00:00Z");
  if (state == State::kRestricted) sight.access.restricted_from = kRestrictedFrom;
  if (state == State::kPromised) sight.access.promised_until = at("2026-04-11T12:00:00Z");
  return sight;
}

struct Known {
  bool first_run = false;
  std::optional<State> state;
  std::optional<Warning> warning;
  std::int64_t reminded = 0;
  bool in_arrears_since_last_run = false;
};

// N1, as its words say.
bool state_is_told(const Known& known, State now) {
  if (known.first_run) return false;
  if (!known.state) return now != State::kTrial && now != State::kActive;
  if (*known.state != now) return true;
  return known.in_arrears_since_last_run &&
         (now == State::kGrace || now == State::kPromised || now == State::kRestricted);
}

TEST(Notice, EveryCombinationOfMemoryAndSight) {
  Policy policy;
  policy.reminder_days = 7;
  policy.reminders = 3;
  policy.low_balance_warning_days = 3;
  const Books books = books_with(policy);
  std::vector<std::optional<State>> remembered(std::begin(kStates), std::end(kStates));
  remembered.emplace_back();
  const std::optional<Warning> warnings[] = {std::nullopt, Warning::kLowBalance,
                                             Warning::kTrialEnding, Warning::kPromiseEnding};
  int told = 0;
  for (const State now : kStates) {
    for (const auto& before : remembered) {
      for (int bits = 0; bits < 8; ++bits) {
        for (const auto& warning : warnings) {
          for (std::int64_t reminded = 0; reminded <= 4; ++reminded) {
            const bool warned = (bits & 1) != 0;
            const Known known{(bits & 2) != 0, before, warning, reminded, (bits & 4) != 0};
            Account account;
            account.promises = {{at("2026-04-09T12:00:00Z"), at("2026-04-11T12:00:00Z")}};
            Sight sight = sight_of(now);
            // Each state's warning, or none: its condition is a day too early.
            std::optional<Warning> holds;
            if (now == State::kActive) {
              sight.outlook.lasts_until = warned ? day("2026-04-12") : day("2026-04-17");
              if (warned) holds = Warning::kLowBalance;
            } else if (now == State::kTrial) {
              account.trial_ends_on = warned ? day("2026-04-12") : day("2026-04-17");
              if (warned) holds = Warning::kTrialEnding;
            } else if (now == State::kPromised) {
              if (!warned) account.promises.front().granted_at += seconds{1};
              if (warned) holds = Warning::kPromiseEnding;
            }
            NoticeMemory memory;
            if (!known.first_run)
              memory.last_run = at(known.in_arrears_since_last_run ? "2026-03-19T23:59:59Z"
                                                                   : "2026-03-20T00:00:00Z");
            memory.state = before;
            memory.warning = warning;
            memory.reminded = reminded;

            const NoticesDue due = notices_due(books, account, sight, memory);
            const bool state = state_is_told(known, now);
            EXPECT_EQ(due.state, state);
            EXPECT_EQ(due.warning_seen, holds);
            const bool warn = !known.first_run && holds && warning != holds;
            EXPECT_EQ(due.warning, warn ? holds : std::nullopt);
            // Two weeks and more have passed.
            const std::int64_t passed = now == State::kRestricted ? 2 : 0;
            EXPECT_EQ(due.reminded, std::max(reminded, passed));
            const bool remind = !known.first_run && passed > reminded && !state;
            EXPECT_EQ(due.reminder, remind ? std::optional(passed) : std::nullopt);
            told += int{state} + int{warn} + int{remind};
          }
        }
      }
    }
  }
  EXPECT_GT(told, 1000);
}

TEST(Notice, RemindersFallDueToTheSecond) {
  for (const std::int64_t every : {1, 7, 366}) {
    for (const std::int64_t most : {0, 1, 3}) {
      Policy policy;
      policy.reminder_days = every;
      policy.reminders = most;
      const Books books = books_with(policy);
      for (std::int64_t k = 0; k <= 4; ++k) {
        for (const int second : {-1, 0, 1}) {
          Sight sight = sight_of(State::kRestricted);
          sight.at = kRestrictedFrom + k * every * std::chrono::hours{24} + seconds{second};
          if (sight.at < kRestrictedFrom) continue;
          sight.day = books.days.day_of(sight.at);
          NoticeMemory memory;
          memory.last_run = sight.arrears_since;
          memory.state = State::kRestricted;
          const auto due = notices_due(books, {}, sight, memory);
          const auto expected = std::min(second < 0 ? k - 1 : k, most);
          EXPECT_EQ(due.reminded, expected);
          EXPECT_EQ(due.reminder, expected > 0 ? std::optional(expected) : std::nullopt);
          const auto next = next_look(books, {}, sight, due.reminded);
          EXPECT_EQ(next, expected < most
                              ? std::optional(kRestrictedFrom +
                                              (expected + 1) * every * std::chrono::hours{24})
                              : std::nullopt);
        }
      }
    }
  }
}

TEST(Notice, NothingOfAnAccountThatIsNotRegistered) {
  const Books books = books_with({});
  Account account;
  account.registered_on = day("2026-04-11");
  account.terms = {{day("2026-04-12"), Status::kActive, 0, false}};
  Sight sight;
  sight.at = kRunAt;
  sight.day = day("2026-04-10");
  NoticeMemory memory;
  memory.last_run = at("2026-04-09T12:00:00Z");
  const auto due = notices_due(books, account, sight, memory);
  EXPECT_FALSE(due.state || due.warning || due.reminder || due.warning_seen);
  EXPECT_EQ(next_look(books, account, sight, 0), at("2026-04-11T00:00:00Z"));
}

// The days to warn, by trying each: on that day, and on none before it, the warning holds; and the
// account is looked at when it begins.
TEST(Notice, WarnedIsOnTheLastWorkingDayInTime) {
  std::mt19937 random(20261125);
  for (int i = 0; i < 300; ++i) {
    std::map<Day, bool> exceptions;
    for (auto left = random() % 12; left > 0; --left)
      exceptions[day("2026-04-01") + days{random() % 40}] = random() % 2 == 0;
    Policy policy;
    policy.low_balance_warning_days = static_cast<std::int64_t>(random() % 9);
    const auto warning_days = policy.low_balance_warning_days;
    const Books books = books_with(policy, exceptions);
    const Day last = day("2026-05-01") + days{random() % 14};
    Account account;
    account.trial_ends_on = last;
    Sight sight = sight_of(State::kTrial);

    Day expected = last - days{warning_days - 1};
    while (!books.calendar.is_working(expected)) expected -= days{1};
    for (Day today = day("2026-03-10"); today <= last; today += days{1}) {
      sight.day = today;
      sight.at = books.days.start_of(today);
      const bool warned = warning_days > 0 && today >= expected;
      EXPECT_EQ(warning_at(books, account, sight),
                warned ? std::optional(Warning::kTrialEnding) : std::nullopt);
      const auto next = next_look(books, account, sight, 0);
      EXPECT_EQ(next, books.days.start_of(warned || warning_days == 0 ? last + days{1} : expected));
    }
  }
}

TEST(Notice, WithoutAWorkingDayTheDayItself) {
  Policy policy;
  policy.valid_from = day("2026-03-02");
  policy.low_balance_warning_days = 3;
  Books books = books_with(policy);
  books.calendar = Calendar({policy}, {{day("2026-03-03"), true}});
  Account account;
  Sight sight = sight_of(State::kTrial);
  for (const auto& [last, expected] :
       {std::pair("2036-03-02", "2026-03-03"), std::pair("2036-03-03", "2036-03-01")}) {
    account.trial_ends_on = day(last);
    sight.day = day(expected);
    EXPECT_TRUE(warning_at(books, account, sight)) << last;
    sight.day -= days{1};
    EXPECT_FALSE(warning_at(books, account, sight)) << last;
  }
}

TEST(Notice, AtTheEndOfTheYears) {
  Policy policy;
  policy.low_balance_warning_days = 366;
  const Books books = books_with(policy);
  Account account;
  account.trial_ends_on = kLastDay;
  Sight sight = sight_of(State::kTrial);
  for (const Day today : {kLastDay - days{400}, kLastDay - days{1}, kLastDay}) {
    sight.day = today;
    sight.at = books.days.start_of(today);
    sight.access.state = State::kTrial;
    next_look(books, account, sight, 0);
    sight.access.state = State::kActive;
    next_look(books, account, sight, 0);
    sight.access.state = State::kRestricted;
    next_look(books, account, sight, 0);
  }
  SUCCEED();
}

// The last working day on or before a day, by trying each.
TEST(Notice, LastWorkingDay) {
  std::mt19937 random(20261126);
  int none = 0;
  for (int i = 0; i < 600; ++i) {
    std::vector<Policy> policies(1U + random() % 3);
    Day valid_from = day("2026-01-01");
    for (Policy& policy : policies) {
      policy.valid_from = valid_from;
      valid_from += days{1 + random() % 1000};
      for (bool& works : policy.works) works = random() % 8 < static_cast<unsigned>(i) % 3;
    }
    std::map<Day, bool> exceptions;
    for (auto left = random() % 4; left > 0; --left)
      exceptions[day("2026-01-01") + days{random() % 4000}] = random() % 2 == 0;
    const Calendar calendar(policies, exceptions);
    const Day from = day("2025-12-01") + days{random() % 8000};
    std::optional<Day> expected;
    for (Day each = from; each >= from - days{kHorizonDays} && !expected; each -= days{1})
      if (calendar.is_working(each)) expected = each;
    if (!expected) ++none;
    EXPECT_EQ(calendar.last_working_day(from), expected) << "case " << i;
  }
  EXPECT_GT(none, 20);
  EXPECT_EQ(Calendar({Policy{}}, {}).last_working_day(kFirstDay + days{3}), std::nullopt);
}

TEST(NoticeText, PlaceholdersAreWordsInBraces) {
  EXPECT_EQ(unknown_placeholder("{name} {balance}{pay_url}", kPlaceholders), std::nullopt);
  EXPECT_EQ(unknown_placeholder("{} {a b} { name } {name", kPlaceholders), std::nullopt);
  EXPECT_EQ(unknown_placeholder("{name} {nome} {x}", kPlaceholders), "nome");
  EXPECT_EQ(unknown_placeholder("{{Name}}", kPlaceholders), "Name");
  for (const auto word : kPlaceholders)
    EXPECT_EQ(unknown_placeholder("{" + std::string(word) + "}", kPlaceholders), std::nullopt);
}

TEST(NoticeText, ValuesArePutInOnce) {
  EXPECT_EQ(fill_template("{name}{name} {debt}!", {{"name", "{debt}"}, {"debt", "{name}"}}),
            "{debt}{debt} {name}!");
  EXPECT_EQ(fill_template("a {name} b", {{"name", "x\r\ny\tz\x7F"}}), "a x  y z  b");
  EXPECT_EQ(fill_template("{na{name}me}", {{"name", "x"}}), "{naxme}");
  EXPECT_EQ(fill_template("", {}), "");
}

TEST(NoticeText, LinesThatNeedWhatIsMissingAreLeftOut) {
  EXPECT_EQ(fill_template("a {name} b", {}), "a  b");
  EXPECT_EQ(fill_template("a\nb {name}\nc", {}), "a\nc");
  EXPECT_EQ(fill_template("a\n\nb {name}\n\nc", {}), "a\n\nc");
  EXPECT_EQ(fill_template("a\n\n\nc {x}", {}), "a");
  EXPECT_EQ(fill_template("{name}\n\nc", {}), "c");
  EXPECT_EQ(fill_template("a\n{name}\n{name}\n\nc", {}), "a\n\nc");
  EXPECT_EQ(fill_template("a\n\n\nc", {}), "a\n\n\nc");
  EXPECT_EQ(fill_template("{name}\n{debt}", {}), "");
}

TEST(NoticeText, DaysAndTimesAsPeopleReadThem) {
  const Day today = day("2026-12-31");
  EXPECT_EQ(format_day_for_people(day("2026-11-16"), today, "ru"), "понедельник, 16 ноября");
  EXPECT_EQ(format_day_for_people(day("2026-01-01"), today, "en"), "Thursday, 1 January");
  const BillingDays moscow(find_zone("Europe/Moscow"), day("2026-01-01"), {});
  EXPECT_EQ(format_time_for_people(moscow.wall_clock(at("2026-11-15T21:00:00Z")), today, "ru"),
            "понедельник, 16 ноября, 00:00");
  EXPECT_EQ(format_time_for_people(moscow.wall_clock(at("2026-05-08T20:59:59Z")), today, "en"),
            "Friday, 8 May, 23:59");
  // Of another year, or of one that may be.
  EXPECT_EQ(format_day_for_people(day("2027-01-01"), today, "ru"), "пятница, 1 января 2027 года");
  EXPECT_EQ(format_day_for_people(day("2025-12-31"), today, "en"), "Wednesday, 31 December 2025");
  EXPECT_EQ(format_day_for_people(day("2026-12-31"), {}, "en"), "Thursday, 31 December 2026");
  EXPECT_EQ(format_time_for_people(moscow.wall_clock(at("2026-12-31T21:00:00Z")), today, "ru"),
            "пятница, 1 января 2027 года, 00:00");
}

}  // namespace
TEST(NoticeText, CountsOfDaysAsPeopleReadThem) {
  const std::vector<std::pair<int, const char*>> after_do = {
      {1, "1 дня"},   {2, "2 дней"},    {5, "5 дней"},     {11, "11 дней"},
      {21, "21 дня"}, {101, "101 дня"}, {111, "111 дней"}, {366, "366 дней"}};
  for (const auto& [count, text] : after_do)
    EXPECT_EQ(text, format_day_count_for_people(count, "ru"));
  EXPECT_EQ("1 day", format_day_count_for_people(1, "en"));
  EXPECT_EQ("21 days", format_day_count_for_people(21, "en"));
}

}  // namespace saldo
