// The planner of the newest SQLite that better-sqlite3 bundles, where it differs from Debian's 3.40
// (tests/sql/planner_*.test): it compares the costs of an OR's sides with conditions that it then does not hand to
// them, and looks for star queries.
// The extension is SALDO_EXTENSION, or build/saldo.so.
import assert from 'node:assert/strict';
import { join } from 'node:path';
import test from 'node:test';
import { fileURLToPath } from 'node:url';

import Database from 'better-sqlite3';

const here = fileURLToPath(new URL('.', import.meta.url));
const db = new Database(':memory:');
db.loadExtension(process.env.SALDO_EXTENSION ?? join(here, '../../build/saldo.so'));
db.exec(`
SELECT saldo_install('2026-11-01', 'none');
INSERT INTO service(service_id, name, kind) VALUES ('crm', 'CRM', 'recurring');
INSERT INTO tariff(price_list, service_id, valid_from, min_quantity, monthly_fee)
VALUES ('standard', 'crm', '2026-11-01', 0, 30000);
INSERT INTO account(account_id, name, registered_on) VALUES (1, 'a', '2026-11-01'), (2, 'b', '2026-11-01');
INSERT INTO account_terms(account_id, valid_from, status)
VALUES (1, '2026-11-01', 'active'), (2, '2026-11-01', 'active');
INSERT INTO subscription(account_id, service_id, started_on) VALUES (1, 'crm', '2026-11-01'), (2, 'crm', '2026-11-01');
CREATE TEMP TABLE mine(id, day);
INSERT INTO mine VALUES (1, '2026-11-05'), (1, '2026-12-05');
CREATE TEMP TABLE yours(id);
INSERT INTO yours VALUES (2);`);

const november = `day BETWEEN '2026-11-01' AND '2026-11-10'`;
const december = `day BETWEEN '2026-12-01' AND '2026-12-30'`;
const each = '(account_id < 2 OR account_id > 1)';
const listed = '(account_id IN (SELECT id FROM mine) OR account_id IN (SELECT id FROM yours))';

const answers = [
  ['days beside an OR, grouped',
    `SELECT state, count(*) FROM access_state WHERE ${november} AND ${each} GROUP BY state`,
    [['active', 2], ['restricted', 18]]],
  ['days beside an OR, distinct',
    `SELECT count(*) FROM (SELECT DISTINCT day FROM access_state WHERE ${november} AND ${each})`, [[10]]],
  ['days beside an OR of lists', `SELECT count(*) FROM access_state WHERE ${november} AND ${listed}`, [[20]]],
  ['days ahead beside an OR of lists',
    `SELECT sum(amount) FROM daily_charge WHERE ${december} AND ${listed}`, [[60000]]],
  ['a list of days beside an OR of lists',
    `SELECT count(*) FROM access_state WHERE day IN (SELECT day FROM working_calendar
     WHERE ${november}) AND ${listed}`, [[20]]],
  ['an upper bound by a subquery beside an OR',
    `SELECT count(*) FROM daily_charge
     WHERE day >= '2026-12-01' AND day <= (SELECT '2026-12-30') AND ${listed}`, [[60]]],
  ['each side of an OR says its days',
    `SELECT count(*) FROM daily_charge
     WHERE account_id = 1 AND day = '2026-12-01' OR account_id = 2 AND ${december}`, [[31]]],
  ['instants on the sides of an OR beside days',
    `SELECT account_id, at FROM access_state WHERE ${november} AND (at = '2026-11-03T09:00:00Z' OR account_id = 2
     AND at = '2026-11-02T09:00:00Z') ORDER BY account_id, at`,
    [[1, '2026-11-03T09:00:00Z'], [2, '2026-11-02T09:00:00Z'], [2, '2026-11-03T09:00:00Z']]],
  ['pairs of VALUES',
    `SELECT count(*) FROM access_state WHERE (account_id, day) IN (VALUES (1, '2026-11-01'), (2, '2026-12-01'))`,
    [[2]]],
  ['pairs with instants',
    `SELECT count(*) FROM access_state
     WHERE (account_id, at) IN (VALUES (1, '2026-11-01T09:00:00Z'), (2, '2026-12-01T09:00:00Z'))`,
    [[2]]],
  ['pairs of UNION',
    `SELECT count(*) FROM access_state WHERE (account_id, day) IN
     (SELECT * FROM (SELECT 1, '2026-11-01' UNION SELECT 2, '2026-12-01'))`,
    [[2]]],
  ['days beside an OR with another collation',
    `SELECT count(*) FROM access_state
     WHERE ${december} AND (day = '2026-12-02' COLLATE NOCASE OR account_id = 2 AND day <= '2026-12-03')`,
    [[4]]],
  ['a list beside a value and a list that depends on the row',
    `SELECT count(*) FROM daily_charge AS d WHERE day IN ('2026-12-01', '2026-12-02') AND account_id = 1
     AND account_id IN (SELECT account_id FROM account WHERE registered_on <= d.day)`,
    [[2]]],
  ['a star of five tables',
    `SELECT count(*) FROM daily_charge AS d JOIN account AS a ON a.account_id = d.account_id
     JOIN service AS s ON s.service_id = d.service_id JOIN mine AS m ON m.day = d.day
     WHERE EXISTS (SELECT 1 FROM yours WHERE id = d.account_id)`, [[2]]],
  ['a star around access_state',
    `SELECT count(*) FROM access_state AS s JOIN account AS a ON a.account_id = s.account_id
     JOIN mine AS m ON m.day = s.day
     WHERE EXISTS (SELECT 1 FROM yours WHERE id = s.account_id)`, [[2]]],
];

const refused = (condition, message) =>
  assert.throws(() => db.prepare(`SELECT * FROM access_state WHERE ${condition}`).all(),
    (thrown) => thrown.message.startsWith(message));

test(`SQLite ${db.prepare('SELECT sqlite_version()').pluck().get()}`, async (t) => {
  for (const [name, sql, rows] of answers) {
    await t.test(name, () => assert.deepEqual(db.prepare(sql).raw().all(), rows));
  }

  for (const condition of [`at > '2026-11-05'`, `at BETWEEN '2026-11-05' AND '2026-11-06'`, `day LIKE '2026-11-%'`,
    `day GLOB '*-05'`, `at > '2026-11-05' OR at < '2026-11-02'`]) {
    await t.test(`${condition} is told`, () => refused(condition, 'invalid: say which days or instants are meant'));
  }
  await t.test('a collation is told', () => refused(`day = '2026-11-05' COLLATE NOCASE`,
    'invalid: a condition compares days or instants by the collation NOCASE'));
});
