// Two days at the office, with one write of each kind, for the tests of faults.
#pragma once

#include <span>

#include "closed_books.h"

namespace saldo_test {

struct Step {
  const char* sql;
  // 1 where the step was done, 0 where it was not; null: it may be done again.
  const char* done;
};

inline constexpr Step kSteps[] = {
    // The first run of the notices, which looks at all accounts, and below one that posts.
    {"UPDATE notice_clock SET at = '2026-03-12T09:00:00Z'",
     "SELECT CASE WHEN at IS NULL THEN -(SELECT count(*) FROM notice_seen) ELSE posted_at = at AND "
     "(SELECT count(*) FROM notice_seen WHERE state IS NOT NULL) >= 86 END FROM notice_clock"},
    {"INSERT INTO payment(payment_id, account_id, amount, method, external_id, credited_at) VALUES "
     "(101, 3, 700, 'sbp', 'x1', '2026-03-12T11:00:00Z')",
     "SELECT count(*) FROM payment WHERE payment_id = 101"},
    {"INSERT INTO usage_event(usage_id, account_id, service_id, occurred_at, quantity) SELECT 'u' "
     "|| "
     "account_id, account_id, 'sms', '2026-03-12T10:00:00Z', 3 FROM account WHERE account_id >= "
     "100",
     "SELECT CASE count(*) WHEN 80 THEN 1 WHEN 0 THEN 0 ELSE 'in part' END FROM usage_event WHERE "
     "account_id >= 100"},
    {"INSERT INTO headcount(account_id, day, employees) VALUES (2, '2026-03-12', 9)",
     "SELECT count(*) FROM headcount WHERE account_id = 2 AND day = '2026-03-12'"},
    {"INSERT OR REPLACE INTO headcount(account_id, day, employees) VALUES (1, '2026-03-12', 7)",
     "SELECT employees = 7 AND (SELECT count(*) = 2 FROM superseded WHERE table_name <> 'account') "
     "FROM headcount WHERE account_id = 1 AND day = '2026-03-12'"},
    {"INSERT INTO adjustment(adjustment_id, account_id, amount, kind, effective_at) VALUES "
     "(101, 170, -300, 'fee', '2026-03-12T12:00:00Z')",
     "SELECT count(*) FROM adjustment WHERE adjustment_id = 101"},
    {"INSERT INTO promised_payment(promise_id, account_id, granted_at, days) VALUES "
     "(101, 170, '2026-03-12T13:00:00Z', 2)",
     "SELECT count(*) FROM promised_payment WHERE promise_id = 101"},
    {"BEGIN; INSERT INTO account(account_id, name, registered_on) VALUES (50, 'New', "
     "'2026-03-12'); INSERT INTO "
     "account_terms(account_id, valid_from, status) VALUES (50, '2026-03-12', 'active'); INSERT "
     "INTO "
     "subscription(account_id, service_id, started_on, quantity) VALUES (50, 'crm', '2026-03-12', "
     "4); COMMIT",
     "SELECT CASE (SELECT count(*) FROM account WHERE account_id = 50) + (SELECT count(*) FROM "
     "account_terms WHERE "
     "account_id = 50) + (SELECT count(*) FROM subscription WHERE account_id = 50) WHEN 3 THEN 1 "
     "WHEN 0 THEN 0 ELSE "
     "'in part' END"},
    {"UPDATE notice_clock SET at = '2026-03-12T21:00:00Z'",
     "SELECT CASE WHEN at < '2026-03-12T21:00:00Z' THEN -(SELECT count(*) FROM notice) ELSE "
     "posted_at = at AND (SELECT count(*) FROM notice) >= 82 END FROM notice_clock"},
    {"INSERT INTO day_close(day, closed_at) VALUES ('2026-03-12', '2026-03-13T00:00:00Z')",
     "SELECT count(*) FROM day_close WHERE day = '2026-03-12'"},
    {"INSERT INTO payment(payment_id, account_id, amount, method, credited_at) VALUES "
     "(102, 100, 50, 'sbp', '2026-03-13T11:00:00Z')",
     "SELECT count(*) FROM payment WHERE payment_id = 102"},
    {"PRAGMA wal_checkpoint(TRUNCATE)", nullptr},
    {"INSERT INTO day_close(day, closed_at) VALUES ('2026-03-13', '2026-03-14T00:00:00Z')",
     "SELECT count(*) FROM day_close WHERE day = '2026-03-13'"},
    // A month's documents, for all who were charged.
    {"INSERT INTO day_close(day, closed_at) SELECT day, day_end(day) FROM working_calendar WHERE "
     "day BETWEEN '2026-03-14' AND '2026-03-31'",
     "SELECT CASE count(*) WHEN 18 THEN 1 WHEN 0 THEN 0 ELSE 'in part' END FROM day_close WHERE "
     "day > '2026-03-13'"},
    {"BEGIN; INSERT INTO issuer(valid_from, name, bank_name, bic, bank_account) VALUES "
     "('2026-01-01', 'Vendor', 'Bank', '044525225', '40702810900000000001'); INSERT INTO "
     "tax_rate(service_id, valid_from, basis_points) SELECT service_id, '2026-01-01', 2200 FROM "
     "service; UPDATE account SET documents = 'always'; COMMIT",
     "SELECT count(*) FROM issuer"},
    {"INSERT INTO document_run(run_id, month, issued_on) VALUES (1, '2026-03', '2026-03-31')",
     "SELECT CASE WHEN documents IS NULL THEN -(SELECT count(*) FROM document) ELSE documents > 80 "
     "AND documents = (SELECT count(*) FROM document WHERE run_id = 1) END FROM document_run UNION "
     "ALL SELECT 0 "
     "WHERE NOT EXISTS (SELECT 1 FROM document_run)"},
    {"INSERT INTO invoice(account_id, issued_on, until, recorded_at) VALUES (170, '2026-04-01', "
     "'2026-12-31', '2026-04-01T09:00:00Z')",
     "SELECT count(*) FROM document WHERE kind = 'invoice'"},
    {"INSERT INTO reconciliation(account_id, issued_on, period_from, period_to) VALUES (1, "
     "'2026-04-01', '2026-03-02', '2026-03-31')",
     "SELECT count(*) FROM document WHERE kind = 'reconciliation'"},
    {"INSERT INTO document_correction(corrects, corrected_on) VALUES (1, '2026-04-01')",
     "SELECT count(*) FROM document WHERE corrects IS NOT NULL"},
};

// A day of entering and closing; the rest of its month is closed; a day of documents.
inline constexpr std::size_t kEnteringSteps = 13;
inline constexpr std::span kEntering = std::span(kSteps).first<kEnteringSteps>();
inline constexpr std::span kBeforeDocuments = std::span(kSteps).first<kEnteringSteps + 1>();
inline constexpr std::span kDocuments = std::span(kSteps).subspan<kEnteringSteps + 1>();

inline constexpr const char* kMoreAccounts =
    "WITH RECURSIVE n(x) AS (SELECT 100 UNION ALL SELECT x + 1 FROM n LIMIT 80) "
    "INSERT INTO account(account_id, name, registered_on) SELECT x, 'Company', '2026-03-12' FROM n;"
    "INSERT INTO account_terms(account_id, valid_from, status) SELECT account_id, '2026-03-12', "
    "'active' "
    "FROM account WHERE account_id >= 100;"
    "INSERT INTO subscription(account_id, service_id, started_on, quantity) SELECT account_id, "
    "'crm', '2026-03-12', 3 "
    "FROM account WHERE account_id >= 100;";

inline bool is_done(const std::vector<std::string>& rows) {
  return rows == std::vector<std::string>{"1"};
}

// The closed books, and enough accounts for a closing to be long.
inline void make_office(Connection& connection) {
  make_closed_books(connection);
  connection.must(kMoreAccounts);
}

}  // namespace saldo_test
