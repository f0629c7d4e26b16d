// What the server does by itself, besides answering: figures that are kept, and audits. The clock
// that these are given also tells when they look at it.
#include <gtest/gtest.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <functional>
#include <future>
#include <memory>
#include <nlohmann/json.hpp>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "../support/comes_true.h"
#include "jobs/audits.h"
#include "jobs/figures.h"
#include "rules/error.h"
#include "store/database.h"

namespace saldo::server {
namespace {

using nlohmann::json;
using std::chrono::hours;
using std::chrono::milliseconds;

constexpr std::chrono::seconds kHour = hours{1};

Instant moment(const char* text) { return parse_instant(text).value(); }
const Instant kNoon = moment("2026-11-02T09:00:00Z");

class Jobs : public testing::Test {
 protected:
  ~Jobs() override { std::filesystem::remove_all(folder_); }

  [[nodiscard]] std::string path(const char* name) const { return folder_ / name; }

  // Books of a company with so many employees, of which the first day is closed.
  std::string books(const char* name, int employees) {
    Database database(path(name), Database::Mode::kCreate);
    database.execute("SELECT saldo_install('2026-11-01')");
    database.execute("INSERT INTO account(name, registered_on) VALUES ('A', '2026-11-01')");
    database.execute("INSERT INTO headcount(account_id, day, employees) VALUES (1, '2026-11-01', " +
                     std::to_string(employees) + ")");
    database.execute(
        "INSERT INTO day_close(day, closed_at) VALUES ('2026-11-01', '2026-11-01T21:00:10Z')");
    return path(name);
  }

 private:
  static std::filesystem::path make_folder() {
    std::string name = (std::filesystem::temp_directory_path() / "saldo-jobs-XXXXXX").string();
    if (mkdtemp(name.data()) == nullptr) throw std::runtime_error("no folder for the test");
    return name;
  }
  std::filesystem::path folder_ = make_folder();
};

// Noon, for whoever asks once it was released.
class HeldClock {
 public:
  std::function<Instant()> now() {
    return [released = released_] {
      released.wait();
      return kNoon;
    };
  }
  void release() { release_.set_value(); }

 private:
  std::promise<void> release_;
  const std::shared_future<void> released_ = release_.get_future().share();
};

using FiguresKept = Jobs;

TEST_F(FiguresKept, WhoeverAsksBeforeTheyAreThereSharesOneComputation) {
  const std::string file = books("books.db", 5);
  Database reader(file, Database::Mode::kRead);
  HeldClock clock;
  const Figures figures(file, clock.now(), true, hours{1});
  std::vector<std::future<std::string>> answers;
  for (int i = 0; i < 4; ++i) {
    answers.push_back(std::async(
        std::launch::async, [&] { return figures.get("states", reader.handle(), kNoon + kHour); }));
  }
  clock.release();
  for (auto& answer : answers) {
    const json told = json::parse(answer.get());
    EXPECT_EQ(told["at"], "2026-11-02T09:00:00Z");
    EXPECT_EQ(told["rows"], json::parse(R"([["trial", 1, 0]])"));
  }
}

TEST_F(FiguresKept, TheyAreToldOfWhateverAge) {
  const std::string file = books("books.db", 5);
  Database reader(file, Database::Mode::kRead);
  const Figures figures(
      file, [] { return kNoon; }, true, hours{1});
  for (const Instant now : {kNoon, kNoon + hours{24}, kNoon - hours{1}}) {
    for (const auto* name : {"states", "restricted", "debtors", "debts", "revenue"}) {
      const json told = json::parse(figures.get(name, reader.handle(), now));
      EXPECT_EQ(told["at"], "2026-11-02T09:00:00Z") << name;
    }
  }
  EXPECT_THROW((void)figures.get("others", reader.handle(), kNoon), Error);
}

TEST_F(FiguresKept, WithoutATimeOfTheirOwnTheyAreOfWhoeverAsks) {
  const std::string file = books("books.db", 5);
  Database reader(file, Database::Mode::kRead);
  const Figures figures(
      file, [] { return kNoon; }, false, hours{1});
  EXPECT_EQ(json::parse(figures.get("states", reader.handle(), kNoon + kHour))["at"],
            "2026-11-02T10:00:00Z");
}

// The code of the error that somebody gets who asks; empty: none.
std::string refusal(const Figures& figures) {
  try {
    (void)figures.get("states", nullptr, kNoon);
  } catch (const Error& error) {
    return std::string(error_code_name(error.code()));
  }
  return "";
}

TEST_F(FiguresKept, NobodyWaitsForWhatFailsOrTakesTooLong) {
  const std::string file = books("books.db", 5);
  const auto fail = []() -> Instant { throw std::runtime_error("the clock fails"); };
  EXPECT_EQ(refusal(Figures(file, fail, true, hours{1})), "overloaded");

  HeldClock clock;
  const Figures hurried(file, clock.now(), true, milliseconds{1});
  EXPECT_EQ(refusal(hurried), "overloaded");
  // Many times, so that some wait already when it stops.
  constexpr int kStops = 50;
  std::vector<std::unique_ptr<Figures>> all;
  for (int i = 0; i < kStops; ++i) {
    auto& stopped = *all.emplace_back(std::make_unique<Figures>(file, clock.now(), true, hours{1}));
    auto asked = std::async(std::launch::async, [&] { return refusal(stopped); });
    std::this_thread::yield();
    stopped.stop();
    EXPECT_EQ(asked.get(), "overloaded");
  }
  clock.release();
}

class AuditsKept : public Jobs {
 protected:
  // An instant each time: those that it was asked for before, and this one.
  std::function<Instant()> clock(Instant first) {
    return [this, first] { return first + std::chrono::seconds{looks++}; };
  }
  static json told(const AuditJob& audits) { return json::parse(audits.last()); }
  static bool has_run(const AuditJob& audits) { return told(audits).contains("at"); }

  std::atomic<int> looks{0};
  const json nothing_yet = {{"running", 0}};
  const milliseconds never = hours{1000};
};

TEST_F(AuditsKept, ADayThatWasClosedInItsTimeIsAuditedAtOnce) {
  const std::string file = books("books.db", 5);
  const AuditJob audits(file, path("outcomes"), clock(kNoon), hours{6}, never);
  ASSERT_TRUE(comes_true([&] { return has_run(audits); }));
  EXPECT_EQ(told(audits)["day"], "2026-11-01");
}

TEST_F(AuditsKept, NoneBeginWhileDaysAreCaughtUp) {
  const std::string file = books("books.db", 5);
  AuditJob audits(file, path("outcomes"), clock(kNoon + hours{240}), hours{6}, never);
  ASSERT_TRUE(comes_true([&] { return looks > 0; }));
  audits.ask();
  ASSERT_TRUE(comes_true([&] { return has_run(audits) && told(audits)["running"] == 0; }));
  // The clock was asked whether days are overdue, and then by that run alone.
  EXPECT_EQ(told(audits)["at"], format_instant(kNoon + hours{240} + std::chrono::seconds{1}));
}

TEST_F(AuditsKept, TheyBeginWhereTheNextDayIsNotClosedFromOneLookToTheOther) {
  const std::string file = books("books.db", 5);
  const AuditJob audits(file, path("outcomes"), clock(kNoon + hours{240}), hours{6},
                        milliseconds{1});
  EXPECT_TRUE(comes_true([&] { return has_run(audits); }));
}

TEST_F(AuditsKept, BooksWhoseLastDigestIsGoneAreAuditedOnce) {
  const std::string file = books("books.db", 6);
  {
    Database database(file, Database::Mode::kWrite);
    database.execute(
        "INSERT INTO day_close(day, closed_at) VALUES ('2026-11-02', '2026-11-02T21:00:10Z')");
    database.execute("DROP TRIGGER day_close_refuse_update");
    database.execute("UPDATE day_close SET digest = NULL WHERE day = '2026-11-02'");
  }
  const AuditJob audits(file, path("outcomes"), clock(kNoon), hours{6}, milliseconds{1});
  ASSERT_TRUE(comes_true([&] { return has_run(audits); }));
  const int seen = looks;
  EXPECT_FALSE(comes_true([&] { return looks > seen; }, milliseconds{300}));
}

TEST_F(AuditsKept, WhatWasFoundInOtherBooksIsNotTold) {
  const std::string file = books("books.db", 5);
  const std::string other = books("other.db", 6);
  {
    AuditJob audits(file, path("outcomes"), clock(kNoon), std::nullopt);
    audits.ask();
    ASSERT_TRUE(comes_true([&] { return has_run(audits); }));
  }
  {
    // They were told of books with one day closed; these have closed one more.
    Database database(file, Database::Mode::kWrite);
    database.execute(
        "INSERT INTO day_close(day, closed_at) VALUES ('2026-11-02', '2026-11-02T21:00:10Z')");
  }
  EXPECT_EQ(told(AuditJob(file, path("outcomes"), clock(kNoon), std::nullopt))["day"],
            "2026-11-01");
  EXPECT_EQ(told(AuditJob(other, path("outcomes"), clock(kNoon), std::nullopt)), nothing_yet);
}

}  // namespace
}  // namespace saldo::server
