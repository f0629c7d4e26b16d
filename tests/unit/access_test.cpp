// R7, R8 and R10: every combination of what access depends on, and the bounds of all facts
// together.
#include "rules/access.h"

#include <gtest/gtest.h>

#include <optional>
#include <string>
#include <tuple>

#include "times.h"

namespace saldo {
namespace {

__extension__ typedef __int128 Wide;

// Opened on Monday 2026-03-02, in UTC; the weekends are free.
Books books_with(std::int64_t grace, std::int64_t promised_max,
                 std::optional<std::int64_t> restricted_days_charged = std::nullopt) {
  Books books;
  books.opening = books.open_day = day("2026-03-02");
  books.days = BillingDays(find_zone("UTC"), books.opening, {});
  Policy policy;
  policy.valid_from = books.opening;
  policy.works = {true, true, true, true, true, false, false};
  policy.grace_working_days = grace;
  policy.promised_payment_max_days = promised_max;
  policy.restricted_days_charged = restricted_days_charged;
  books.calendar = Calendar({policy}, {});
  return books;
}

enum class Promised { kNone, kBeforeThisRun, kExpired, kHolds, kLater };

struct Case {
  int status = 0;  // 0: no terms; else Status + 1
  bool held = false;
  int trial = 0;    // 0: no end; 1: ends today; 2: ended yesterday
  int arrears = 0;  // 0: none; 1: since a working day; 2: since the free day that is today
  Promised promised = Promised::kNone;
  std::int64_t grace = 0;
  std::int64_t promised_max = 0;
};

// Seen on Saturday 2026-03-07 at noon; the arrears began on Friday at 10:00, or today at 09:00.
const Instant kNow = at("2026-03-07T12:00:00Z");

struct Expected {
  State state;
  std::optional<Instant> restricted_from;
  bool promise_allowed = false;
};

Expected expected(const Case& c) {
  if (c.status == 3) return {State::kClosed, {}};
  if (c.status == 0) return {c.trial == 2 ? State::kTrialEnded : State::kTrial, {}};
  if (c.held) return {State::kHeld, {}};
  if (c.status == 2) return {State::kPaused, {}};
  if (c.arrears == 0) return {State::kActive, {}};
  const Instant monday = at("2026-03-09T00:00:00Z");
  const bool of_this_run = c.promised == Promised::kExpired || c.promised == Promised::kHolds;
  Expected answer{};
  answer.promise_allowed = !of_this_run && c.promised_max > 0;
  if (c.promised == Promised::kHolds) {
    // Until Tuesday at 11:00, a working day.
    answer.state = State::kPromised;
    answer.restricted_from = c.grace == 0 ? at("2026-03-10T11:00:00Z") : at("2026-03-12T00:00:00Z");
  } else if (c.promised == Promised::kExpired || c.arrears == 2) {
    // Expired on Saturday at 11:00, or in arrears since then.
    answer.state = State::kGrace;
    answer.restricted_from = c.grace == 0 ? monday : at("2026-03-10T00:00:00Z");
  } else if (c.grace == 0) {
    answer.state = State::kRestricted;
    answer.restricted_from = at("2026-03-06T10:00:00Z");
  } else {
    // Friday is not whole any more: Monday passes.
    answer.state = State::kGrace;
    answer.restricted_from = at("2026-03-10T00:00:00Z");
  }
  return answer;
}

Account account_of(const Case& c, bool by_limit) {
  Account account;
  account.account_id = 1;
  account.registered_on = day("2026-03-02");
  if (c.trial == 1) account.trial_ends_on = day("2026-03-07");
  if (c.trial == 2) account.trial_ends_on = day("2026-03-06");
  // The same arrears, by no limit or by one.
  const Amount limit = by_limit ? 1000 : 0;
  if (c.status != 0)
    account.terms.push_back({day("2026-03-02"), static_cast<Status>(c.status - 1), limit, c.held});
  const Amount own_limit = c.status == 0 ? 0 : limit;
  account.movements.push_back({at("2026-03-03T10:00:00Z"), -own_limit - 5});
  account.movements.push_back({at("2026-03-05T10:00:00Z"), 5});
  if (c.arrears == 1) account.movements.push_back({at("2026-03-06T10:00:00Z"), -1});
  if (c.arrears == 2) account.movements.push_back({at("2026-03-07T09:00:00Z"), -1});
  switch (c.promised) {
    case Promised::kNone:
      break;
    case Promised::kBeforeThisRun:  // of the run from the 3rd to the 5th
      account.promises.push_back({at("2026-03-04T10:00:00Z"), at("2026-03-20T10:00:00Z")});
      break;
    case Promised::kExpired:
      account.promises.push_back({at("2026-03-07T10:00:00Z"), at("2026-03-07T11:00:00Z")});
      break;
    case Promised::kHolds:
      account.promises.push_back({at("2026-03-07T10:00:00Z"), at("2026-03-10T11:00:00Z")});
      break;
    case Promised::kLater:
      account.promises.push_back({kNow + seconds{1}, at("2026-03-10T11:00:00Z")});
      break;
  }
  return account;
}

TEST(Access, EveryCombinationOfWhatItDependsOn) {
  int cases = 0;
  Case c;
  for (c.status = 0; c.status < 4; ++c.status) {
    for (const bool held : {false, true}) {
      c.held = held;
      for (c.trial = 0; c.trial < 3; ++c.trial) {
        for (c.arrears = 0; c.arrears < 3; ++c.arrears) {
          for (const auto promised : {Promised::kNone, Promised::kBeforeThisRun, Promised::kExpired,
                                      Promised::kHolds, Promised::kLater}) {
            c.promised = promised;
            for (c.grace = 0; c.grace < 2; ++c.grace) {
              for (c.promised_max = 0; c.promised_max < 2; ++c.promised_max) {
                for (const bool by_limit : {false, true}) {
                  const Books books = books_with(c.grace, c.promised_max);
                  const Account account = account_of(c, by_limit);
                  DailyCharges charges(books, account);
                  Walk walk(books, account, charges);
                  walk.advance(kNow);
                  const Access access = walk.access();
                  const Expected answer = expected(c);
                  const auto described = [&] {
                    return testing::Message()
                           << "status " << c.status << ", held " << c.held << ", trial " << c.trial
                           << ", arrears " << c.arrears << ", promised "
                           << static_cast<int>(c.promised) << ", grace " << c.grace;
                  };
                  ASSERT_EQ(state_name(access.state), state_name(answer.state)) << described();
                  ASSERT_EQ(access.restricted_from, answer.restricted_from) << described();
                  ASSERT_EQ(access.promise_allowed, answer.promise_allowed) << described();
                  ASSERT_EQ(access.promised_until.has_value(), answer.state == State::kPromised);
                  ++cases;
                }
              }
            }
          }
        }
      }
    }
  }
  EXPECT_EQ(cases, 4 * 2 * 3 * 3 * 5 * 2 * 2 * 2);
}

TEST(Access, WhoMayWork) {
  const std::string employees = "trial active promised grace";
  for (int i = 0; i < 9; ++i) {
    const auto state = static_cast<State>(i);
    const bool allowed =
        employees.find(state_name(state)) != std::string::npos && state != State::kTrialEnded;
    EXPECT_EQ(employees_allowed(state), allowed) << state_name(state);
    EXPECT_EQ(admin_allowed(state), state != State::kClosed) << state_name(state);
  }
}

// A walk that resumes from what it has carried to a midnight goes on as one from the beginning.
TEST(Walk, ResumesAtAnyMidnight) {
  Case c;
  c.status = 1;
  for (c.arrears = 0; c.arrears < 3; ++c.arrears) {
    for (const auto promised : {Promised::kNone, Promised::kExpired, Promised::kHolds}) {
      c.promised = promised;
      for (int stop = 1; stop < 12; ++stop) {
        const Books books = books_with(1, 3, 2);
        const Account account = account_of(c, true);
        DailyCharges charges(books, account);
        Walk whole(books, account, charges);
        const Day first = books.opening + days{stop};
        whole.advance(books.days.start_of(first) - seconds{1});
        Standing carried = whole.standing();
        carried.restricted_days =
            carried.arrears_since ? whole.restricted_days(whole.access().state) : 0;
        Account rest = account;
        std::erase_if(rest.movements,
                      [&](const Movement& m) { return m.at < books.days.start_of(first); });
        DailyCharges rest_charges(books, rest);
        Walk resumed(books, rest, rest_charges, carried, first);
        const Instant end = at("2026-03-20T12:00:00Z");
        whole.advance(end);
        resumed.advance(end);
        ASSERT_EQ(whole.standing(), resumed.standing()) << stop;
        ASSERT_EQ(whole.access().state, resumed.access().state) << stop;
        ASSERT_EQ(whole.access().restricted_from, resumed.access().restricted_from) << stop;
      }
    }
  }
}

// R10 day by day, in wider integers.
std::optional<Day> lasts_until(const Books& books, const Account& account, Day from, Wide balance) {
  DailyCharges charges(books, account);
  for (Day d = from; d < from + days{kHorizonDays}; d += days{1}) {
    balance -= charges.total(d, true);
    const Terms* terms = account.terms_on(d + days{1});
    const bool limited = terms == nullptr || terms->credit_limit.has_value();
    const Wide limit = terms == nullptr ? 0 : terms->credit_limit.value_or(0);
    if (limited && balance < -limit) return d;
  }
  return std::nullopt;
}

// The greatest values that are accepted (3.1), alone and together: every answer is right, none
// fails.
TEST(Walk, AnswersAtTheBoundsOfAllFacts) {
  constexpr Amount kLimit = 1'000'000'000'000'000'000;
  constexpr Amount kFee = 1'000'000'000'000;
  constexpr Amount kUnitFee = 1'000'000;
  constexpr std::int64_t kQuantity = 1'000'000'000;
  int ends = 0;
  for (const std::optional<Amount> limit :
       {std::optional<Amount>(0), std::optional<Amount>(1), std::optional<Amount>(kLimit),
        std::optional<Amount>()}) {
    for (const Amount paid : {-kLimit, Amount{-1}, Amount{0}, Amount{100}, kLimit}) {
      for (const Tier tier :
           {Tier{0, 0, 0}, Tier{0, 1, 0}, Tier{0, kFee, 0}, Tier{0, kFee, kUnitFee}}) {
        for (const bool used : {false, true}) {
          for (const bool later_limit : {false, true}) {
            Books books = books_with(366, 366, 366);
            books.services = {{"crm", true}, {"pbx", true}, {"sms", false}};
            books.price_lists = {"standard"};
            for (int service = 0; service < 3; ++service)
              books.prices[{0, service}].append(books.opening, tier);
            Account account;
            account.registered_on = books.opening;
            account.terms.push_back({books.opening, Status::kActive, limit, false});
            if (later_limit)
              account.terms.push_back({books.opening + days{100}, Status::kActive, 0, false});
            account.headcounts.push_back({books.opening, kQuantity});
            for (int service = 0; service < 2; ++service)
              account.subscriptions.push_back({service, books.opening, {}, {}, 0});
            const Instant start = books.days.start_of(books.opening);
            account.movements.push_back({start, paid});
            if (used) {
              for (int i = 0; i < 400; ++i)
                account.usage.push_back(
                    {books.opening + days{i}, 2, books.opening + days{i}, kQuantity});
            }
            DailyCharges charges(books, account);
            Walk walk(books, account, charges);
            walk.advance(start + seconds{3600});
            ASSERT_NO_THROW(std::ignore = walk.outlook());
            if (!walk.standing().arrears_since) {
              const auto expected = lasts_until(books, account, books.opening, paid);
              ASSERT_EQ(walk.outlook().lasts_until, expected)
                  << (limit ? *limit : -1) << ' ' << paid << ' ' << tier.monthly_fee << ' ' << used;
              ends += expected ? 1 : 0;
            }
            ASSERT_NO_THROW(std::ignore = walk.access());
            ASSERT_NO_THROW(std::ignore = walk.accrued());
            // And after ten years of it.
            ASSERT_NO_THROW(walk.advance(start + days{kHorizonDays}));
            ASSERT_NO_THROW(std::ignore = walk.outlook());
          }
        }
      }
    }
  }
  EXPECT_GT(ends, 100);
}

// Without a limit, what many services cost in ten years exceeds 64 bits.
TEST(Walk, AnOutlookCountsBeyond64Bits) {
  Books books = books_with(0, 3);
  Account account;
  account.registered_on = books.opening;
  account.terms.push_back({books.opening, Status::kActive, std::nullopt, false});
  account.terms.push_back({books.opening + days{3600}, Status::kActive, 0, false});
  for (int service = 0; service < 100; ++service) {
    books.services.push_back({"s" + std::to_string(100 + service), true});
    books.prices[{0, service}].append(books.opening, {0, 1'000'000'000'000, 1'000'000});
    account.subscriptions.push_back({service, books.opening, {}, 1'000'000'000, 0});
  }
  books.price_lists = {"standard"};
  DailyCharges charges(books, account);
  Walk walk(books, account, charges);
  walk.advance(books.days.start_of(books.opening));
  EXPECT_EQ(walk.outlook().lasts_until, books.opening + days{3599});
}

}  // namespace
}  // namespace saldo
