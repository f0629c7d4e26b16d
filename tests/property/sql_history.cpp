// Histories by SQL: each write is a statement on a connection to a database in memory.
#include <algorithm>
#include <cstring>
#include <iostream>
#include <set>
#include <unordered_map>
#include <unordered_set>

#include "connection.h"
#include "history.h"
#include "rules/error.h"

namespace saldo_histories {
namespace {

class Database {
 public:
  explicit Database(std::string extension) : extension_(std::move(extension)) { open(); }

  // As another process would find it.
  void reopen() {
    const auto before = std::move(connection_);
    open();
    copy_from(*before);
  }

  void copy_from(const Database& installed) { copy_from(*installed.connection_); }

  // 'ok', the code at the head of the message, 'constraint' for SQLite's own refusal, or the
  // message.
  std::string run(const std::string& sql, const std::vector<Value>& values, Rows* rows) {
    std::string text = sql;
    std::string outcome = "ok";
    try {
      auto statement = connection_->prepare(texts_.insert(sql).first->c_str());
      for (int i = 0; i < statement.parameters(); ++i)
        bind(statement, i + 1, values.at(static_cast<std::size_t>(i)));
      if (const saldo::SqliteString expanded{sqlite3_expanded_sql(statement.handle())})
        text = expanded.get();
      while (statement.step()) {
        if (rows != nullptr) rows->push_back(read_row(statement));
      }
    } catch (const saldo::SqliteError& error) {
      message_ = error.what();
      outcome = code_of(error);
    }
    // Questions are not logged: they change nothing.
    return rows == nullptr ? record(text, outcome) : outcome;
  }

  const std::vector<std::string>& log() const { return log_; }
  const std::string& message() const { return message_; }

 private:
  void open() {
    connection_ =
        std::make_unique<saldo::Connection>(":memory:", SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE);
#ifdef SALDO_STATIC
    saldo_test::load_saldo(*connection_);
#else
    connection_->load_extension(extension_);
#endif
  }

  void copy_from(const saldo::Connection& other) {
    sqlite3* const db = connection_->handle();
    sqlite3_backup* backup = sqlite3_backup_init(db, "main", other.handle(), "main");
    if (backup == nullptr) throw saldo::SqliteError(db);
    sqlite3_backup_step(backup, -1);
    if (sqlite3_backup_finish(backup) != SQLITE_OK) throw saldo::SqliteError(db);
  }

  static void bind(saldo::Statement& statement, int index, const Value& value) {
    if (const auto* number = std::get_if<std::int64_t>(&value)) {
      statement.bind(index, *number);
    } else if (const auto* text = std::get_if<std::string>(&value)) {
      statement.bind(index, *text);
    } else {
      statement.bind_null(index);
    }
  }

  static std::string read_row(const saldo::Statement& statement) {
    std::string row;
    for (int i = 0; i < statement.columns(); ++i) {
      if (i > 0) row += '|';
      row += statement.is_null(i) ? "null" : statement.text(i);
    }
    return row;
  }

  static std::string code_of(const saldo::SqliteError& error) {
    const std::string message = error.what();
    std::string head = message.substr(0, message.find(": "));
    if (saldo::parse_error_code(head)) return head;
    return (error.code() & 0xFF) == SQLITE_CONSTRAINT ? "constraint" : "error: " + message;
  }

  std::string record(const std::string& text, const std::string& outcome) {
    log_.push_back(text + ";" + (outcome == "ok" ? "" : "  -- " + outcome));
    return outcome;
  }

  const std::string extension_;
  std::unordered_set<std::string> texts_;  // of the statements that the connection has prepared
  std::unique_ptr<saldo::Connection> connection_;
  std::vector<std::string> log_;
  std::string message_;
};

// The cost of an installation is paid once for each opening and country; a history starts from a
// copy.
class Installations {
 public:
  explicit Installations(std::string extension) : extension_(std::move(extension)) {}

  const std::string& extension() const { return extension_; }

  const Database& installed(Day opening, const std::string& country) {
    auto& database = databases_[{opening, country}];
    if (!database) {
      database = std::make_unique<Database>(extension_);
      Rows rows;
      const std::string outcome = database->run("SELECT saldo_install(?1, ?2)",
                                                {day_value(opening), Value(country)}, &rows);
      if (outcome != "ok") throw std::runtime_error("saldo_install: " + outcome);
    }
    return *database;
  }

 private:
  std::string extension_;
  std::map<std::pair<Day, std::string>, std::unique_ptr<Database>> databases_;
};

class SqlHistory : public History {
 public:
  SqlHistory(Installations& installations, Number number, const std::optional<Steps>& chosen,
             Coverage& coverage)
      : History(number, chosen, coverage),
        installations_(installations),
        db_(installations.extension()),
        verb_(random_verb()),
        put_by_replace_(chance_.percent(50)) {}

  void print_log() const override {
    std::cout << "-- The history as SQL, for the sqlite3 shell:\n.load ./saldo\n"
              << "SELECT saldo_install('" << text_of(day_value(opening_)) << "', '" << country_
              << "');\n";
    for (const std::string& line : db_.log()) std::cout << line << "\n";
  }

 private:
  void open_books() override { db_.copy_from(installations_.installed(opening_, country_)); }

  std::string query(const std::string& sql, const std::vector<Value>& values, Rows* rows) override {
    const std::string outcome = db_.run(sql, values, rows);
    return outcome == "ok" ? outcome : outcome + " " + db_.message();
  }

  void restart() override { db_.reopen(); }

  // Whether it was accepted.
  bool perform(const std::string& sql, const std::vector<Value>& values, const Refusals& refusals) {
    const std::string outcome = db_.run(sql, values, nullptr);
    const bool as_expected = refusals.empty() ? outcome == "ok" : refusals.count(outcome) != 0;
    if (!as_expected) {
      std::string expected;
      for (const std::string& code : refusals) expected += (expected.empty() ? "" : " or ") + code;
      throw Mismatch("expected " + (expected.empty() ? "ok" : expected) + ", got " + outcome +
                     (outcome == "ok" ? "" : " (" + db_.message() + ")") + ": " + db_.log().back());
    }
    ++coverage_[outcome == "ok" ? "writes accepted" : "error " + outcome];
    return outcome == "ok";
  }

  // INSERT OR REPLACE or an upsert, with the key columns first.
  std::string put_sql(const std::string& table, const std::vector<std::string>& key,
                      const std::vector<std::string>& others) {
    std::string columns;
    std::string places;
    std::string keys;
    std::string sets;
    int index = 0;
    for (const std::string& column : key) {
      keys += (keys.empty() ? "" : ", ") + column;
    }
    for (const std::string& column : others) {
      sets += (sets.empty() ? "" : ", ") + column + " = excluded." + column;
    }
    for (const auto* list : {&key, &others}) {
      for (const std::string& column : *list) {
        columns += (index == 0 ? "" : ", ") + column;
        places += (index == 0 ? "?" : ", ?") + std::to_string(index + 1);
        ++index;
      }
    }
    const std::string tail = " INTO " + table + "(" + columns + ") VALUES (" + places + ")";
    if (put_by_replace_) return "INSERT OR REPLACE" + tail;
    return "INSERT" + tail + " ON CONFLICT(" + keys + ") DO UPDATE SET " + sets;
  }

  // A fresh row of an append-only table may come by any verb, the same through one history:
  // preparing the statements with all their triggers is a good part of its cost.
  std::string random_verb() {
    static const std::vector<std::string> kVerbs = {"INSERT", "INSERT", "INSERT OR REPLACE",
                                                    "INSERT OR IGNORE", "INSERT OR FAIL"};
    return chance_.pick(kVerbs);
  }

  // --- Writes
  // ---------------------------------------------------------------------------------------------

  void put_policy(const Policy& policy) override {
    if (policy.valid_from == opening_) {
      perform(
          "UPDATE policy SET time_zone = ?1, working_week = ?2, restricted_days_charged = ?3, "
          "grace_working_days = ?4, promised_payment_max_days = ?5, low_balance_warning_days = ?7, "
          "reminder_days = ?8, reminders = ?9, pay_url = ?10 WHERE valid_from = ?6",
          {policy.time_zone, policy.working_week, optional_number(policy.restricted_days_charged),
           policy.grace_working_days, policy.promised_payment_max_days,
           day_value(policy.valid_from), policy.low_balance_warning_days,
           optional_number(policy.reminder_days), policy.reminders,
           optional_string(policy.pay_url)},
          ref_.update_policy(policy));
      return;
    }
    perform(put_sql("policy", {"valid_from"},
                    {"rules", "time_zone", "currency", "working_week", "restricted_days_charged",
                     "grace_working_days", "promised_payment_max_days", "low_balance_warning_days",
                     "language", "reminder_days", "reminders", "pay_url"}),
            {day_value(policy.valid_from), std::int64_t{1}, policy.time_zone, policy.currency,
             policy.working_week, optional_number(policy.restricted_days_charged),
             policy.grace_working_days, policy.promised_payment_max_days,
             policy.low_balance_warning_days, "ru", optional_number(policy.reminder_days),
             policy.reminders, optional_string(policy.pay_url)},
            ref_.put_policy(policy));
  }

  void put_calendar_exception(Day day, std::optional<bool> working) override {
    if (!working) {
      perform("DELETE FROM calendar_exception WHERE day = ?1", {day_value(day)},
              ref_.delete_calendar_exception(day));
      return;
    }
    perform(put_sql("calendar_exception", {"day"}, {"working", "name"}),
            {day_value(day), std::int64_t{*working}, "a day of its own"},
            ref_.put_calendar_exception(day, *working));
  }

  void add_service(const std::string& service_id, const std::string& kind) override {
    perform("INSERT INTO service(service_id, name, kind, unit) VALUES (?1, ?1, ?2, 'piece')",
            {service_id, kind}, ref_.add_service(service_id, kind));
  }

  void put_tiers(const std::vector<Tariff>& tiers) override {
    for (const Tariff& tier : tiers) {
      perform(put_sql("tariff", {"price_list", "service_id", "valid_from", "min_quantity"},
                      {"monthly_fee", "unit_fee"}),
              {tier.price_list, tier.service_id, day_value(tier.valid_from), tier.min_quantity,
               tier.monthly_fee, tier.unit_fee},
              ref_.put_tariff(tier));
    }
  }

  bool add_account(const Account& account) override {
    return perform(verb_ +
                       " INTO account(account_id, external_id, name, registered_on, trial_ends_on) "
                       "VALUES (?1, ?2, ?3, ?4, ?5)",
                   {account.account_id, optional_string(account.external_id),
                    "Company " + std::to_string(account.account_id),
                    day_value(account.registered_on), optional_day(account.trial_ends_on)},
                   ref_.add_account(account));
  }

  void set_trial_ends_on(AccountId account_id, std::optional<Day> trial_ends_on) override {
    perform("UPDATE account SET trial_ends_on = ?2 WHERE account_id = ?1",
            {account_id, optional_day(trial_ends_on)},
            ref_.set_trial_ends_on(account_id, trial_ends_on));
  }

  void set_registered_on(AccountId account_id, Day registered_on) override {
    perform("UPDATE account SET registered_on = ?2 WHERE account_id = ?1",
            {account_id, day_value(registered_on)},
            ref_.set_registered_on(account_id, registered_on));
  }

  void put_terms(AccountId account_id, const Terms& terms) override {
    perform(
        put_sql("account_terms", {"account_id", "valid_from"}, {"status", "credit_limit", "held"}),
        {account_id, day_value(terms.valid_from), terms.status, optional_number(terms.credit_limit),
         std::int64_t{terms.held}},
        ref_.put_terms(account_id, terms));
  }

  void put_headcount(AccountId account_id, const Headcount& headcount) override {
    perform(put_sql("headcount", {"account_id", "day"}, {"employees"}),
            {account_id, day_value(headcount.day), headcount.employees},
            ref_.put_headcount(account_id, headcount));
  }

  void subscribe(AccountId account_id, const Subscription& subscription) override {
    const bool replace = chance_.percent(30);
    perform(std::string(replace ? "INSERT OR REPLACE" : "INSERT") +
                " INTO subscription(account_id, service_id, started_on, ended_on, quantity, "
                "price_list) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
            {account_id, subscription.service_id, day_value(subscription.started_on),
             optional_day(subscription.ended_on), optional_number(subscription.quantity),
             subscription.price_list},
            ref_.add_subscription(account_id, subscription, replace));
  }

  void end_subscription(AccountId account_id, const Subscription& key,
                        std::optional<Day> ended_on) override {
    perform(
        "UPDATE subscription SET ended_on = ?4 WHERE account_id = ?1 AND service_id = ?2 AND "
        "started_on = ?3",
        {account_id, key.service_id, day_value(key.started_on), optional_day(ended_on)},
        ref_.end_subscription(account_id, key, ended_on));
  }

  void add_usage(AccountId account_id, const UsageEvent& event) override {
    perform(verb_ +
                " INTO usage_event(usage_id, account_id, service_id, occurred_at, quantity) "
                "VALUES (?1, ?2, ?3, ?4, ?5)",
            {event.usage_id, account_id, event.service_id, instant_value(event.occurred_at),
             event.quantity},
            ref_.add_usage(account_id, event));
  }

  void add_payment(AccountId account_id, const Payment& payment) override {
    perform(verb_ +
                " INTO payment(payment_id, account_id, amount, method, external_id, received_at, "
                "credited_at) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
            {payment.payment_id, account_id, payment.amount, payment.method,
             optional_string(payment.external_id),
             chance_.percent(50) ? Value(nullptr)
                                 : instant_value(payment.credited_at - chance_.below(90'000)),
             instant_value(payment.credited_at)},
            ref_.add_payment(account_id, payment));
  }

  void add_adjustment(AccountId account_id, const Adjustment& adjustment) override {
    perform(
        verb_ +
            " INTO adjustment(adjustment_id, account_id, amount, kind, effective_at, external_id, "
            "reason) VALUES (?1, ?2, ?3, ?4, ?5, ?6, 'a reason')",
        {adjustment.adjustment_id, account_id, adjustment.amount, adjustment.kind,
         instant_value(adjustment.effective_at), optional_string(adjustment.external_id)},
        ref_.add_adjustment(account_id, adjustment));
  }

  bool add_promise(AccountId account_id, const Promise& promise) override {
    return perform(
        verb_ + " INTO promised_payment(account_id, granted_at, days) VALUES (?1, ?2, ?3)",
        {account_id, instant_value(promise.granted_at), promise.days},
        ref_.add_promise(account_id, promise));
  }

  void close_day(Day day, Instant closed_at, Instant /*now*/) override {
    perform("INSERT INTO day_close(day, closed_at) VALUES (?1, ?2)",
            {day_value(day), instant_value(closed_at)}, ref_.close_day(day, closed_at));
  }

  void close_two_days(Day first, Instant now) override {
    ++coverage_["several days, one statement"];
    ref_.close_day(first, now);
    ref_.close_day(first + 1, now);
    perform("INSERT INTO day_close(day, closed_at) VALUES (?1, ?3), (?2, ?3)",
            {day_value(first), day_value(first + 1), instant_value(now)}, {});
  }

  void move_notice_clock(Instant at) override {
    perform("UPDATE notice_clock SET at = ?1", {instant_value(at)}, ref_.move_notice_clock(at));
  }

  void dry_run() override {
    const Reference before = ref_;
    perform("SAVEPOINT dry_run", {}, {});
    const int operations = chance_.between(1, 4);
    for (int i = 0; i < operations; ++i) {
      random_operation();
      ask();
    }
    if (chance_.percent(30)) close_days();
    if (chance_.percent(30)) run_notices();
    perform("ROLLBACK TO dry_run", {}, {});
    perform("RELEASE dry_run", {}, {});
    ref_ = before;
    ask();
  }

  // --- What SQL alone can do
  // ---------------------------------------------------------------------------------------------

  void odd_operation() override {
    const int kind = chance_.below(15);
    if (kind < 7) {
      bad_write();
    } else if (kind < 11) {
      remove_something();
    } else if (kind < 14) {
      bad_close();
    } else {
      change_subscription_quantity();
    }
  }

  void change_subscription_quantity() {
    const Account& account = random_account();
    if (account.subscriptions.empty()) return;
    const Subscription row = chance_.pick(account.subscriptions);
    std::optional<std::int64_t> quantity;
    if (chance_.percent(70)) quantity = small_quantity();
    if (quantity == row.quantity) return;
    perform(
        "UPDATE subscription SET quantity = ?4 WHERE account_id = ?1 AND service_id = ?2 AND "
        "started_on = ?3",
        {account.account_id, row.service_id, day_value(row.started_on), optional_number(quantity)},
        ref_.change_subscription_quantity(account.account_id, row, quantity));
  }

  void remove_something() {
    const Account& account = random_account();
    switch (chance_.below(5)) {
      case 0: {
        if (account.terms.empty()) return;
        const Day valid_from = chance_.pick(account.terms).valid_from;
        perform("DELETE FROM account_terms WHERE account_id = ?1 AND valid_from = ?2",
                {account.account_id, day_value(valid_from)},
                ref_.delete_terms(account.account_id, valid_from));
        return;
      }
      case 1: {
        if (account.headcounts.empty()) return;
        const Day day = chance_.pick(account.headcounts).day;
        perform("DELETE FROM headcount WHERE account_id = ?1 AND day = ?2",
                {account.account_id, day_value(day)},
                ref_.delete_headcount(account.account_id, day));
        return;
      }
      case 2: {
        if (account.subscriptions.empty()) return;
        const Subscription key = chance_.pick(account.subscriptions);
        perform(
            "DELETE FROM subscription WHERE account_id = ?1 AND service_id = ?2 AND started_on = "
            "?3",
            {account.account_id, key.service_id, day_value(key.started_on)},
            ref_.delete_subscription(account.account_id, key));
        return;
      }
      case 3: {
        const Tariff key = chance_.pick(ref_.tariffs());
        perform(
            "DELETE FROM tariff WHERE price_list = ?1 AND service_id = ?2 AND valid_from = ?3 AND "
            "min_quantity = ?4",
            {key.price_list, key.service_id, day_value(key.valid_from), key.min_quantity},
            ref_.delete_tariff(key));
        return;
      }
      default: {
        const Day valid_from = chance_.pick(ref_.policies()).valid_from;
        // The first version, of a closed day, breaks two rules; both are named by the reference.
        perform("DELETE FROM policy WHERE valid_from = ?1", {day_value(valid_from)},
                ref_.delete_policy(valid_from));
        return;
      }
    }
  }

  // Writes that break one rule whatever the history; ?1 an account, ?2 the open day, ?3 an instant
  // of it, ?4 a number not used yet, ?5 a payment, ?6 a usage event, ?7 an adjustment, ?8 a closed
  // day, ?9 the registration. Where the history decides whether a second rule is broken, both codes
  // are named.
  struct BadWrite {
    const char* codes;
    const char* sql;
  };

  void bad_write() {
    static const std::vector<BadWrite> kBadWrites = {
        {"invalid",
         "INSERT INTO payment(account_id, amount, method, credited_at) VALUES (?1, 10, 'sbp', "
         "'2026-02-30T00:00:00Z')"},
        {"invalid",
         "INSERT INTO payment(account_id, amount, method, credited_at) VALUES (?1, 10, 'sbp', "
         "'soon')"},
        {"invalid",
         "INSERT INTO payment(account_id, amount, method, credited_at) VALUES (?1, 10, 'sbp', "
         "NULL)"},
        {"invalid",
         "INSERT INTO payment(account_id, amount, method, credited_at) VALUES (?1, 10.5, 'sbp', "
         "?3)"},
        {"invalid",
         "INSERT INTO payment(account_id, amount, method, credited_at) VALUES (?1, 'ten', 'sbp', "
         "?3)"},
        {"invalid",
         "INSERT INTO payment(account_id, amount, method, credited_at) VALUES (?1, NULL, 'sbp', "
         "?3)"},
        {"invalid",
         "INSERT INTO adjustment(account_id, amount, kind, effective_at, reason) VALUES (?1, 10, "
         "'bonus', substr(?3, 1, 19), 'r')"},
        {"invalid",
         "INSERT INTO headcount(account_id, day, employees) VALUES (?1, '2026-02-30', 5)"},
        {"invalid", "INSERT INTO headcount(account_id, day, employees) VALUES (?1, '2030-1-1', 5)"},
        {"invalid", "INSERT INTO headcount(account_id, day, employees) VALUES (?1, ?2, 'five')"},
        {"invalid", "INSERT INTO headcount(account_id, day, employees) VALUES (?1, ?2, 2.5)"},
        {"invalid",
         "INSERT INTO account_terms(account_id, valid_from, status) VALUES (?1, '2032-01-01', "
         "'frozen')"},
        {"invalid",
         "INSERT INTO account_terms(account_id, valid_from, status) VALUES (?1, '2032-01-32', "
         "'active')"},
        {"invalid",
         "INSERT INTO promised_payment(account_id, granted_at, days) VALUES (?1, ?3, 'two')"},
        {"invalid",
         "INSERT INTO promised_payment(account_id, granted_at, days) VALUES (?1, 'now', 1)"},
        {"invalid",
         "INSERT INTO calendar_exception(day, working, name) VALUES ('2032-13-01', 0, 'x')"},
        {"invalid", "INSERT INTO policy(valid_from, working_week) VALUES ('2032-01-01', '1123')"},
        {"invalid", "INSERT INTO policy(valid_from, working_week) VALUES ('2032-01-01', '128')"},
        {"invalid", "INSERT INTO service(service_id, name, kind) VALUES ('odd', 'odd', 'monthly')"},
        {"invalid",
         "INSERT INTO usage_event(usage_id, account_id, service_id, occurred_at, quantity) VALUES "
         "('new', ?1, 'sms', '2026-01-01', 1)"},
        {"invalid",
         "INSERT INTO account(account_id, name, registered_on) VALUES (?4, 'x', '2026-02-29')"},
        {"invalid", "INSERT INTO day_close(day, closed_at) VALUES ('2026-02-30', ?3)"},
        {"invalid", "INSERT INTO day_close(day, closed_at) VALUES (?2, 'late')"},
        {"invalid or day_closed",
         "UPDATE account SET registered_on = 'tomorrow' WHERE account_id = ?1"},
        {"out_of_range",
         "INSERT INTO payment(account_id, amount, method, credited_at) VALUES (?1, 0, 'sbp', ?3)"},
        {"out_of_range",
         "INSERT INTO payment(account_id, amount, method, credited_at) VALUES (?1, -5, 'sbp', ?3)"},
        {"out_of_range",
         "INSERT INTO payment(account_id, amount, method, credited_at) VALUES (?1, "
         "1000000000000001, 'sbp', ?3)"},
        {"out_of_range",
         "INSERT INTO payment(payment_id, account_id, amount, method, credited_at) VALUES "
         "(9007199254740993, ?1, 5, 'sbp', ?3)"},
        {"out_of_range",
         "INSERT INTO adjustment(account_id, amount, kind, effective_at, reason) VALUES (?1, 0, "
         "'correction', ?3, 'r')"},
        {"out_of_range",
         "INSERT INTO adjustment(account_id, amount, kind, effective_at, reason) VALUES (?1, -1, "
         "'bonus', ?3, 'r')"},
        {"out_of_range",
         "INSERT INTO adjustment(account_id, amount, kind, effective_at, reason) VALUES (?1, 1, "
         "'fee', ?3, 'r')"},
        {"out_of_range",
         "INSERT INTO adjustment(account_id, amount, kind, effective_at, reason) VALUES (?1, "
         "-1000000000000001, 'correction', ?3, 'r')"},
        {"out_of_range", "INSERT INTO headcount(account_id, day, employees) VALUES (?1, ?2, -1)"},
        {"out_of_range",
         "INSERT INTO headcount(account_id, day, employees) VALUES (?1, ?2, 1000000001)"},
        {"out_of_range",
         "INSERT INTO account_terms(account_id, valid_from, status, credit_limit) VALUES (?1, "
         "'2032-01-01', 'active', -1)"},
        {"out_of_range",
         "INSERT INTO tariff(price_list, service_id, valid_from, min_quantity, monthly_fee, "
         "unit_fee) VALUES ('standard', 'crm', '2032-01-01', 0, 0, 1000001)"},
        {"out_of_range",
         "INSERT INTO tariff(price_list, service_id, valid_from, min_quantity, monthly_fee, "
         "unit_fee) VALUES ('standard', 'crm', '2032-01-01', 0, 1000000000001, 0)"},
        {"out_of_range",
         "INSERT INTO tariff(price_list, service_id, valid_from, min_quantity, monthly_fee, "
         "unit_fee) VALUES ('standard', 'crm', '2032-01-01', 0, -1, 0)"},
        {"out_of_range",
         "INSERT INTO usage_event(usage_id, account_id, service_id, occurred_at, quantity) VALUES "
         "('new', ?1, 'sms', ?3, 0)"},
        {"out_of_range",
         "INSERT INTO usage_event(usage_id, account_id, service_id, occurred_at, quantity) VALUES "
         "('new', ?1, 'sms', ?3, 1000000001)"},
        {"out_of_range",
         "INSERT INTO subscription(account_id, service_id, started_on, quantity) VALUES (?1, "
         "'spare', ?2, -1)"},
        {"out_of_range",
         "INSERT INTO subscription(account_id, service_id, started_on, ended_on) VALUES (?1, "
         "'spare', '2032-01-02', '2032-01-01')"},
        {"out_of_range",
         "INSERT INTO policy(valid_from, grace_working_days, time_zone) SELECT '2032-01-01', -1, "
         "time_zone FROM policy LIMIT 1"},
        {"out_of_range",
         "INSERT INTO account(account_id, name, registered_on) VALUES (9007199254740993, 'x', ?2)"},
        {"not_found",
         "INSERT INTO payment(account_id, amount, method, credited_at) VALUES (424242, 10, 'sbp', "
         "?3)"},
        {"not_found",
         "INSERT OR REPLACE INTO payment(account_id, amount, method, credited_at) VALUES (?1, 10, "
         "'cash', ?3)"},
        {"not_found",
         "INSERT OR IGNORE INTO adjustment(account_id, amount, kind, effective_at, reason) VALUES "
         "(?1, 10, 'gift', ?3, 'r')"},
        {"not_found",
         "INSERT INTO adjustment(account_id, amount, kind, effective_at, reason, payment_id) "
         "VALUES (?1, -1, 'refund', ?3, 'r', 9007199254740000)"},
        {"not_found", "INSERT INTO headcount(account_id, day, employees) VALUES (424242, ?2, 5)"},
        {"not_found",
         "INSERT INTO account_terms(account_id, valid_from, status) VALUES (424242, ?2, 'active')"},
        {"not_found",
         "INSERT INTO subscription(account_id, service_id, started_on) VALUES (?1, 'nosuch', ?2)"},
        {"not_found",
         "INSERT INTO usage_event(usage_id, account_id, service_id, occurred_at, quantity) VALUES "
         "('new', ?1, 'nosuch', ?3, 1)"},
        {"not_found",
         "INSERT INTO tariff(price_list, service_id, valid_from, min_quantity, monthly_fee, "
         "unit_fee) VALUES ('standard', 'nosuch', '2032-01-01', 0, 1, 1)"},
        {"not_found",
         "INSERT INTO promised_payment(account_id, granted_at, days) VALUES (424242, ?3, 1)"},
        {"conflict",
         "INSERT OR REPLACE INTO payment(payment_id, account_id, amount, method, credited_at) "
         "VALUES (?5, ?1, 10, 'sbp', ?3)"},
        {"conflict",
         "INSERT OR IGNORE INTO payment(payment_id, account_id, amount, method, credited_at) "
         "VALUES (?5, ?1, 10, 'sbp', ?3)"},
        {"conflict",
         "INSERT INTO payment(payment_id, account_id, amount, method, credited_at) VALUES (?5, ?1, "
         "10, 'sbp', ?3) ON CONFLICT DO NOTHING"},
        {"conflict",
         "INSERT INTO payment(payment_id, account_id, amount, method, credited_at) VALUES (?5, ?1, "
         "10, 'sbp', ?3) ON CONFLICT(payment_id) DO UPDATE SET amount = 1"},
        {"conflict",
         "REPLACE INTO usage_event(usage_id, account_id, service_id, occurred_at, quantity) VALUES "
         "(?6, ?1, 'sms', ?3, 1)"},
        {"conflict",
         "INSERT OR REPLACE INTO adjustment(adjustment_id, account_id, amount, kind, effective_at, "
         "reason) VALUES (?7, ?1, 10, 'bonus', ?3, 'r')"},
        {"conflict", "REPLACE INTO account(account_id, name, registered_on) VALUES (?1, 'x', ?2)"},
        {"conflict",
         "INSERT OR REPLACE INTO policy(valid_from, time_zone) VALUES ('2032-01-01', "
         "'Pacific/Apia')"},
        {"conflict",
         "INSERT INTO policy(valid_from, time_zone, currency) SELECT '2032-01-01', time_zone, "
         "'EUR' FROM policy LIMIT 1"},
        {"conflict", "UPDATE service SET kind = 'usage' WHERE service_id = 'crm'"},
        {"conflict", "DELETE FROM service WHERE service_id = 'crm'"},
        {"conflict",
         "UPDATE adjustment_kind SET sign = -sign WHERE kind = (SELECT kind FROM adjustment WHERE "
         "kind IN ('fee', 'bonus', 'refund', 'chargeback', 'write_off') LIMIT 1)"},
        {"day_closed", "INSERT INTO headcount(account_id, day, employees) VALUES (?1, ?8, 5)"},
        {"day_closed",
         "INSERT OR REPLACE INTO account_terms(account_id, valid_from, status) SELECT account_id, "
         "?8, 'active' FROM account WHERE registered_on <= ?8 LIMIT 1"},
        {"day_closed",
         "INSERT OR IGNORE INTO calendar_exception(day, working, name) VALUES (?8, 0, 'x')"},
        {"day_closed",
         "INSERT INTO tariff(price_list, service_id, valid_from, min_quantity, monthly_fee, "
         "unit_fee) VALUES ('standard', 'crm', ?8, 0, 1, 1)"},
        {"day_closed",
         "INSERT INTO subscription(account_id, service_id, started_on) VALUES (?1, 'spare', ?8)"},
        {"day_closed",
         "INSERT INTO policy(valid_from, time_zone) SELECT ?8, time_zone FROM policy LIMIT 1"},
        {"append_only", "UPDATE payment SET amount = amount + 1 WHERE payment_id = ?5"},
        {"append_only",
         "UPDATE OR REPLACE payment SET payment_id = payment_id + 1 WHERE payment_id = ?5"},
        {"append_only", "DELETE FROM payment WHERE payment_id = ?5"},
        {"append_only", "DELETE FROM adjustment WHERE adjustment_id = ?7"},
        {"append_only", "UPDATE adjustment SET reason = 'other' WHERE adjustment_id = ?7"},
        {"append_only", "UPDATE usage_event SET quantity = 1 WHERE usage_id = ?6"},
        {"append_only", "DELETE FROM usage_event WHERE usage_id = ?6"},
        {"append_only", "DELETE FROM promised_payment"},
        {"append_only", "UPDATE promised_payment SET days = 5"},
        {"append_only", "DELETE FROM account WHERE account_id = ?1"},
        {"append_only", "DELETE FROM day_close WHERE day = ?8"},
        {"append_only", "UPDATE day_close SET charged = 0 WHERE day = ?8"},
        {"append_only", "DELETE FROM charge"},
        {"append_only", "UPDATE charge SET amount = amount"},
        {"append_only",
         "INSERT INTO charge(day, account_id, service_id, quantity, monthly_fee, unit_fee, amount) "
         "VALUES (?2, ?1, 'crm', 1, 1, 1, 1)"},
        {"append_only", "DELETE FROM superseded"},
        {"append_only", "DELETE FROM notice"},
        {"append_only", "UPDATE notice SET kind = 'active'"},
        {"append_only", "INSERT INTO notice(account_id, kind, at) VALUES (?1, 'active', ?3)"},
        {"invalid", "UPDATE notice_clock SET at = 'soon'"},
        {"invalid", "UPDATE notice_clock SET at = NULL"},
    };
    const BadWrite& bad = chance_.pick(kBadWrites);
    const std::string sql = bad.sql;
    // Rows that the statement speaks of must be there.
    std::optional<std::int64_t> payment_id;
    std::optional<std::int64_t> adjustment_id;
    std::optional<std::string> usage_id;
    bool promises = false;
    for (const Account& account : ref_.accounts()) {
      if (!account.payments.empty()) payment_id = chance_.pick(account.payments).payment_id;
      if (!account.adjustments.empty()) {
        adjustment_id = chance_.pick(account.adjustments).adjustment_id;
      }
      if (!account.usage.empty()) usage_id = chance_.pick(account.usage).usage_id;
      promises = promises || !account.promises.empty();
    }
    const bool closed = !ref_.closed_days().empty();
    const auto speaks_of = [&](const char* what) { return sql.find(what) != std::string::npos; };
    if ((speaks_of("?5") && !payment_id) || (speaks_of("?6") && !usage_id) ||
        (speaks_of("?7") && !adjustment_id) || (speaks_of("?8") && !closed)) {
      return;
    }
    if (std::strcmp(bad.codes, "append_only") == 0) {
      if (speaks_of("promised_payment") && !promises) return;
      if ((speaks_of("FROM charge") || speaks_of("UPDATE charge")) && ref_.posted().empty()) return;
      if (speaks_of("superseded") && count("superseded") == 0) return;
      if (speaks_of("notice") && !speaks_of("INSERT") && ref_.notices().empty()) return;
    }
    if (speaks_of("UPDATE adjustment_kind") &&
        count("adjustment WHERE kind IN ('fee', 'bonus', 'refund', 'chargeback', 'write_off')") ==
            0) {
      return;
    }
    // A closed day on which somebody was registered already.
    const Day closed_day = ref_.open_day() - 1;
    if (speaks_of("registered_on <= ?8") &&
        std::none_of(ref_.accounts().begin(), ref_.accounts().end(),
                     [&](const Account& a) { return a.registered_on <= closed_day; })) {
      return;
    }
    Refusals refusals;
    const std::string codes = bad.codes;
    const std::size_t separator = codes.find(" or ");
    refusals.insert(codes.substr(0, separator));
    if (separator != std::string::npos) refusals.insert(codes.substr(separator + 4));
    const Day open = ref_.open_day();
    perform(sql,
            {random_account().account_id, day_value(open), instant_value(ref_.day_start(open) + 60),
             next_id_++, optional_number(payment_id), optional_string(usage_id),
             optional_number(adjustment_id), day_value(closed_day)},
            refusals);
  }

  int count(const std::string& from) {
    Rows rows;
    db_.run("SELECT count(*) FROM " + from, {}, &rows);
    return std::stoi(rows.at(0));
  }

  void bad_close() {
    const Day open = ref_.open_day();
    switch (chance_.below(4)) {
      case 0:  // one second too early
        close_day(open, ref_.day_start(open + 1) - 1, 0);
        return;
      case 1:  // once more
        close_day(open - chance_.between(1, 3), ref_.day_start(open + 2), 0);
        return;
      case 2:  // one is skipped
        close_day(open + chance_.between(1, 3), ref_.day_start(open + 9), 0);
        return;
      default:  // half of a catch-up is wrong: nothing of it happens
        Reference tried = ref_;
        tried.close_day(open, ref_.day_start(open + 2));
        const Refusals refusals = tried.close_day(open + 1, ref_.day_start(open + 2) - 1);
        perform("INSERT INTO day_close(day, closed_at) VALUES (?1, ?2), (?3, ?4)",
                {day_value(open), instant_value(ref_.day_start(open + 2)), day_value(open + 1),
                 instant_value(ref_.day_start(open + 2) - 1)},
                refusals);
    }
  }

  Installations& installations_;
  Database db_;
  std::string verb_;
  bool put_by_replace_;
};

class SqlChannel : public Channel {
 public:
  explicit SqlChannel(const std::string& extension) : installations_(extension) {
    // One thread, and nobody asks how much memory is in use: a tenth of the time.
    sqlite3_config(SQLITE_CONFIG_SINGLETHREAD);
    sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
  }

  std::unique_ptr<History> begin(Number number, const std::optional<Steps>& chosen,
                                 Coverage& coverage) override {
    return std::make_unique<SqlHistory>(installations_, number, chosen, coverage);
  }

  [[nodiscard]] std::vector<std::string> required() const override {
    return {"error append_only", "several days, one statement", "no top-up is enough",
            "notice trial"};
  }

 private:
  Installations installations_;
};

}  // namespace

std::unique_ptr<Channel> sql_channel(const std::string& extension) {
  return std::make_unique<SqlChannel>(extension);
}

}  // namespace saldo_histories
