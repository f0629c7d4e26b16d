// Small books with every table filled and ten days closed, for tests that alter, fuzz or compare
// them.
#pragma once

#include <string>

#include "connection.h"

namespace saldo_test {

// Opens on Monday 2026-03-02, closed through 03-11. 1: headcount; 2: a credit limit, paused once;
// 3: in arrears, promised, on a usage service; 4: a trial; 5: nothing but registered; 6: moved in
// with a debt. Every kind of fact lies in the days up to 03-06, and some in the open ones.
inline constexpr const char* kBooks = R"sql(
SELECT saldo_install('2026-03-02', 'none');
INSERT INTO service(service_id, name, kind, unit) VALUES ('crm', 'CRM', 'recurring', 'employee'),
('db', 'Owners', 'recurring', NULL), ('sms', 'SMS', 'usage', 'message');
INSERT INTO tariff(price_list, service_id, valid_from, min_quantity, monthly_fee, unit_fee) VALUES
('standard', 'crm', '2026-03-02', 0, 3000, 0), ('standard', 'crm', '2026-03-02', 6, 6000, 0),
('standard', 'crm', '2026-03-05', 0, 3030, 0), ('standard', 'crm', '2026-03-05', 6, 6060, 0),
('standard', 'db', '2026-03-02', 0, 0, 60), ('standard', 'sms', '2026-03-02', 0, 30, 10),
('unused', 'crm', '2026-03-03', 0, 1, 1);
INSERT INTO policy(valid_from, grace_working_days, restricted_days_charged,
low_balance_warning_days) VALUES ('2026-03-04', 1, 5, 4);
INSERT INTO calendar_exception(day, working, name)
VALUES ('2026-03-05', 0, 'a holiday'), ('2026-03-07', 1, 'a working Saturday');
INSERT INTO account(account_id, external_id, name, registered_on, trial_ends_on) VALUES
(1, 'c1', 'One', '2026-03-02', NULL), (2, 'c2', 'Two', '2026-03-02', NULL),
(3, 'c3', 'Three', '2026-03-02', NULL), (4, 'c4', 'Four', '2026-03-02', '2026-03-20'),
(5, 'c5', 'Five', '2026-03-03', NULL), (6, 'c6', 'Six', '2026-02-10', NULL);
INSERT INTO account_terms(account_id, valid_from, status, credit_limit, held, reason) VALUES
(1, '2026-03-02', 'active', 0, 0, NULL), (2, '2026-03-02', 'active', 5000, 0, 'a good customer'),
(2, '2026-03-04', 'paused', 5000, 0, NULL), (2, '2026-03-06', 'active', 4000, 0, NULL),
(3, '2026-03-02', 'active', 0, 0, NULL), (6, '2026-03-02', 'active', NULL, 0, NULL);
INSERT INTO headcount(account_id, day, employees) VALUES (1, '2026-03-02', 5), (1, '2026-03-03', 8),
(2, '2026-03-03', 2), (4, '2026-03-04', 3);
INSERT INTO subscription(account_id, service_id, started_on, ended_on, quantity, price_list) VALUES
(1, 'crm', '2026-03-02', NULL, NULL, 'standard'),
(1, 'db', '2026-03-03', '2026-03-06', 5, 'standard'),
(2, 'crm', '2026-03-02', NULL, NULL, 'standard'), (3, 'crm', '2026-03-02', NULL, 1, 'standard'),
(4, 'crm', '2026-03-02', NULL, NULL, 'standard');
INSERT INTO usage_event(usage_id, account_id, service_id, occurred_at, quantity) VALUES
('u1', 3, 'sms', '2026-03-03T10:00:00Z', 7), ('u2', 3, 'sms', '2026-03-04T10:00:00Z', 8),
('u3', 4, 'sms', '2026-03-04T10:00:00Z', 9);
INSERT INTO payment(payment_id, account_id, amount, method, external_id, received_at, credited_at)
VALUES (1, 1, 90000, 'sbp', 'p1', '2026-03-03T08:00:00Z', '2026-03-03T10:00:00Z'),
(2, 3, 50, 'bank_card', NULL, NULL, '2026-03-04T10:00:00Z');
INSERT INTO payment(payment_id, account_id, amount, method, credited_at, payer, purpose) VALUES
(3, 2, 5, 'sbp', '2026-03-04T11:00:00Z', 'p|q', 'r'),
(4, 2, 5, 'sbp', '2026-03-04T11:00:01Z', 'p' || char(9) || 'q', 'r'),
(5, 2, 5, 'sbp', '2026-03-04T11:00:02Z', 'p' || char(10) || 'q', 'r'),
(6, 2, 5, 'sbp', '2026-03-04T11:00:03Z', 'p","q', 'r'),
(7, 2, 5, 'sbp', '2026-03-04T11:00:04Z', 'pq', 'r'),
(8, 2, 5, 'sbp', '2026-03-04T11:00:05Z', NULL, 'r');
INSERT INTO adjustment(adjustment_id, account_id, amount, kind, effective_at, reason) VALUES
(1, 1, 500, 'bonus', '2026-03-04T10:00:00Z', 'welcome'),
(2, 3, -20, 'fee', '2026-03-05T10:00:00Z', NULL),
(3, 6, -7000, 'opening_balance', '2026-01-15T10:00:00Z', NULL);
INSERT INTO promised_payment(promise_id, account_id, granted_at, days)
VALUES (1, 3, '2026-03-03T12:00:00Z', 2);
)sql";

inline constexpr const char* kLater = R"sql(
INSERT INTO headcount(account_id, day, employees) VALUES (1, '2026-03-12', 4);
UPDATE headcount SET employees = 5 WHERE day = '2026-03-12';
INSERT INTO payment(account_id, amount, method, credited_at)
VALUES (3, 10, 'sbp', '2026-03-12T10:00:00Z');
)sql";

inline void make_closed_books(Connection& connection) {
  connection.must(kBooks);
  for (int day = 2; day <= 11; ++day) {
    connection.must(
        "INSERT INTO day_close(day, closed_at) SELECT d, day_end(d) "
        "FROM (SELECT printf('2026-03-%02d', " +
        std::to_string(day) + ") AS d)");
  }
  connection.must(kLater);
}

}  // namespace saldo_test
