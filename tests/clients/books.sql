-- Small books over the May holidays of 2026, the same for every client. Every statement ends with a semicolon at the
-- end of a line, and has none elsewhere.
SELECT saldo_install('2026-04-28');
INSERT INTO service(service_id, name, kind, unit)
VALUES ('crm', 'CRM', 'recurring', 'сотрудник'), ('sms', 'SMS', 'usage', NULL);
INSERT INTO tariff(price_list, service_id, valid_from, min_quantity, monthly_fee, unit_fee)
VALUES ('standard', 'crm', '2026-04-28', 1, 199000, 0), ('standard', 'crm', '2026-04-28', 6, 349000, 0),
       ('standard', 'sms', '2026-04-28', 1, 0, 250);
INSERT INTO account(account_id, external_id, name, registered_on, trial_ends_on)
VALUES (1, 'a', 'ООО «Ромашка»', '2026-04-28', NULL), (2, 'b', 'Trial', '2026-04-28', '2026-05-01'),
       (3, 'c', 'Debtor', '2025-01-31', NULL), (4, 'd', 'Moved in', '2024-02-29', NULL);
INSERT INTO account_terms(account_id, valid_from, status, credit_limit, reason)
VALUES (1, '2026-04-28', 'active', 0, 'a "quote", a \backslash, a	tab, кириллица, 😀'),
       (3, '2026-04-28', 'active', 5000, NULL), (4, '2026-04-28', 'active', 0, NULL);
INSERT INTO headcount(account_id, day, employees)
VALUES (1, '2026-04-28', 5), (1, '2026-04-30', 8), (3, '2026-04-28', 1), (4, '2026-04-28', 6);
INSERT INTO subscription(account_id, service_id, started_on)
VALUES (1, 'crm', '2026-04-28'), (3, 'crm', '2026-04-28'), (4, 'crm', '2026-04-28');
INSERT INTO adjustment(account_id, amount, kind, effective_at, reason)
VALUES (4, -10000, 'opening_balance', '2026-03-31T21:00:00Z', 'Долг');
INSERT INTO payment(account_id, amount, method, external_id, credited_at, payer)
VALUES (1, 100000, 'sbp', 'x1', '2026-04-28T08:00:00Z', 'ООО «Ромашка»'),
       (4, 45000, 'bank_card', NULL, '2026-04-29T09:30:00Z', NULL);
INSERT INTO usage_event(usage_id, account_id, service_id, occurred_at, quantity)
VALUES ('m1', 1, 'sms', '2026-04-28T20:59:59Z', 3), ('m2', 1, 'sms', '2026-04-28T21:00:00Z', 4),
       ('m3', 2, 'sms', '2026-04-29T12:00:00Z', 1000);
INSERT INTO day_close(day, closed_at) VALUES ('2026-04-28', '2026-04-28T21:00:05Z');
INSERT INTO promised_payment(account_id, granted_at, days) VALUES (3, '2026-04-29T09:00:00Z', 3);
INSERT INTO day_close(day, closed_at) VALUES ('2026-04-29', '2026-04-29T21:00:05Z');
UPDATE subscription SET ended_on = '2026-05-06' WHERE account_id = 1;
INSERT INTO day_close(day, closed_at)
VALUES ('2026-04-30', '2026-05-01T21:00:05Z'), ('2026-05-01', '2026-05-01T21:00:06Z');
